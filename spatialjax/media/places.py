"""Places: a path of a disk, or one by URL in an object store, as gs://bucket/run.

A store is reached through etils.epath, and for ``gs://`` alone, as Orbax writes
checkpoints to no other. `pathlib` makes a folder ``gs:`` of a URL, so what may be one
is taken by `as_place`, and what may not by `local_path`.
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TypeAlias

import fsspec
from etils import epath

from spatialjax.errors import MediaError, UserError

Place: TypeAlias = pathlib.Path | epath.Path
"""What has ``/``, `exists`, `is_dir`, `iterdir`, `read_text` and `read_bytes`."""

_URL = re.compile(r"([A-Za-z][\w+.-]+):/")  # one slash: what pathlib leaves of a URL
_MOUNTED = "name a folder, perhaps one where the store is mounted"


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether a place is named by URL, also one that pathlib has spoilt."""
    return _URL.match(os.fspath(path)) is not None


def as_place(path: str | os.PathLike[str]) -> Place:
    """A path of this disk, or the place of a URL ``gs://bucket/...``.

    Raises:
      UserError: the URL is of another store, or what reads ``gs://`` is not installed.
    """
    text = os.fspath(path)
    found = _URL.match(text)
    if found is None:
        return pathlib.Path(path)
    if found[1] != "gs":
        raise UserError(f"{text}: of object stores, only gs:// is known; {_MOUNTED}")
    if not re.match("gs://[^/]", text):
        raise UserError(f"{text} is no place in a store, expected gs://BUCKET/...")
    try:
        fsspec.get_filesystem_class("gcs")
    except ImportError as error:
        raise UserError(
            f'{text} needs gcsfs, which is not installed: pip install -e ".[gcs]"'
        ) from error
    # Other processes write there, too, so a listing that was kept would be a lie.
    fsspec.config.conf.setdefault("gcs", {})["use_listings_cache"] = False
    return epath.Path(text)


def local_path(name: str, path: str | os.PathLike[str]) -> pathlib.Path:
    """A path of this disk.

    Args:
      name: what the user calls it.
      path: as given.

    Raises:
      UserError: it is a URL.
    """
    if is_url(path):
        raise UserError(f"{name} is {path}, a URL, but is used on a disk; {_MOUNTED}")
    return pathlib.Path(path)


def remove_folder(place: Place) -> None:
    """Removes a folder and all below it, as far as it is there."""
    if isinstance(place, pathlib.Path):
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.rmtree(missing_ok=True)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turns what a disk or a store says into one line that begins with `what`.

    Raises:
      MediaError: in place of it.
    """
    try:
        yield
    except store_errors() as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"{what}: {' '.join(str(reason).split())[:300]}") from error


def store_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What reading and writing of places raises, and `others`.

    Those of gcsfs, of its access and of its network are no `OSError`.
    """
    known = (
        ("gcsfs.retry", "HttpError"),
        ("google.auth.exceptions", "GoogleAuthError"),
        ("aiohttp", "ClientError"),
    )
    found = (getattr(sys.modules[m], name) for m, name in known if m in sys.modules)
    return (OSError, *others, *found)


class WorkingCopy:
    """A folder of this disk that stands for a place, whose store cannot append.

    Files that grow are written into `folder`. Of a place on a disk, that is the place
    itself. Of one by URL it is a temporary one, and `put` writes there, whole, each
    file that has changed.
    """

    def __init__(self, place: Place, names: Sequence[str] = ()) -> None:
        """Takes the files of these names from the place, as far as they are there.

        Raises:
          MediaError: a store cannot be read.
        """
        self._place = place
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._stored: dict[str, tuple[int, int]] = {}
        if isinstance(place, pathlib.Path):
            self.folder = place
            return
        self._temporary = tempfile.TemporaryDirectory(prefix="spatialjax-")
        self.folder = pathlib.Path(self._temporary.name)
        for name in names:
            with told(f"cannot read {place / name}"):
                if (place / name).exists():
                    (self.folder / name).write_bytes((place / name).read_bytes())

    def __enter__(self) -> "WorkingCopy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.put()
        finally:
            if self._temporary is not None:
                self._temporary.cleanup()

    def put(self) -> None:
        """Writes what has changed to the store.

        Raises:
          MediaError: it cannot be written.
        """
        if self._temporary is None:
            return
        for file in sorted(self.folder.rglob("*")):
            name, stat = file.relative_to(self.folder).as_posix(), file.stat()
            version = stat.st_mtime_ns, stat.st_size
            if file.is_file() and self._stored.get(name) != version:
                put_object(self._place / name, file.read_bytes())
                self._stored[name] = version


def put_object(place: Place, content: bytes | memoryview) -> None:
    """Writes one object of a store, which appears whole or not at all.

    Raises:
      MediaError: the store refuses.
    """
    with told(f"{place} cannot be written"):
        place.write_bytes(bytes(content))
