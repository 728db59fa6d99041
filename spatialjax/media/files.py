"""Files that appear whole or not at all."""

import errno
import os
import pathlib
import tempfile

from spatialjax.errors import MediaError
from spatialjax.media.places import as_place, put_object

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_file(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file under a temporary name beside its own, then rename it.

    Folders above it are made where they are missing. By URL it is put at once: an
    object appears whole.

    Raises:
      MediaError: it cannot be written: no room, no permission, a file in the way.
    """
    path = as_place(path)
    if not isinstance(path, pathlib.Path):
        put_object(path, content)
        return
    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if name is not None and os.path.exists(name):
            os.unlink(name)


def cannot_write(path: str | os.PathLike[str], error: OSError) -> MediaError:
    """The error to raise for a file that the system would not write."""
    reason = error.strerror or error
    return MediaError(f"{path} cannot be written: {reason}{room_advice(error)}")


def room_advice(error: Exception) -> str:
    """What to do where a disk is full, as the end of a line; empty for other errors.

    Libraries put the system's words into errors of their own, so these count too.
    """
    if any(os.strerror(number) in str(error) for number in _NO_ROOM):
        return "; free some room and run again, or write elsewhere"
    return ""
