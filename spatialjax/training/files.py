"""Files of a workdir: whole or not at all, and what to do where there is no room."""

import errno
import os
import pathlib

from spatialjax.errors import UserError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_whole(path: pathlib.Path, content: bytes) -> None:
    """Writes a file, and the folders above it, under another name, then renames it.

    Raises:
      UserError: it cannot be written.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: pathlib.Path, error: OSError) -> UserError:
    """The error to raise for a file that cannot be written."""
    return UserError(f"cannot write {path}: {error.strerror or error}{advice(error)}")


def advice(error: Exception) -> str:
    """What to do about a failed write, as the end of a line; empty where room is left.

    Libraries put the system's words into errors of their own, so these count too.
    """
    if any(os.strerror(number) in str(error) for number in _NO_ROOM):
        return "; free some room and run again, or take a workdir elsewhere"
    return ""
