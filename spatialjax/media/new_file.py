"""Files that are written piece by piece, and appear whole or not at all."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath
from spatialjax.media.files import cannot_write
from spatialjax.media.places import local_path


def check_new_file(path: FilePath) -> None:
    """Refuse, before the work, the name of a file that cannot be written.

    Raises:
      MediaError: a folder is in the way, or a file stands for a folder above, or that
        may not be written into.
    """
    path = local_path("the file to write", path)
    if path.is_dir():
        raise MediaError(f"{path} is a folder, expected the name of a file")
    above = next(place for place in path.absolute().parents if place.exists())
    if not above.is_dir():
        raise MediaError(f"{path} cannot be written: {above} is a file, no folder")
    if not os.access(above, os.W_OK):
        raise MediaError(f"{path} cannot be written: {above} is closed to this user")


@contextlib.contextmanager
def replaced_file(path: FilePath) -> Iterator[pathlib.Path]:
    """An empty file to fill, beside `path`; it takes that place when all went well.

    Folders above are made where they are missing. The name ends as `path` does, so that
    its container can be told by it.

    Raises:
      MediaError: it cannot be written: no room, no permission, a folder in the way.
    """
    path = local_path("the file to write", path)
    part = None
    try:
        check_new_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        part = pathlib.Path(name)
        yield part
        part.chmod(0o644)
        os.replace(part, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
