"""Files that appear whole or not at all."""

import os
import pathlib
import tempfile

from spatialjax.errors import MediaError


def write_file(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file under a temporary name beside its own, then rename it.

    Folders above it are made where they are missing.

    Raises:
      MediaError: it cannot be written: no room, no permission, a file in the way.
    """
    path = pathlib.Path(path)
    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        raise MediaError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        if name is not None and os.path.exists(name):
            os.unlink(name)
