"""A hidden folder in which files are made before they are put in their places."""

import contextlib
import fcntl
import json
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

from spatialjax.errors import DataError
from spatialjax.media import write_file

_LOCKS = ("lock", "workers")


@contextlib.contextmanager
def workplace(folder: pathlib.Path, name: str) -> Iterator[pathlib.Path]:
    """The empty folder ``folder/name``, locked, and gone when the context ends.

    What a killed run left there is removed, after its worker processes have ended.
    Folders made on the way are removed too if nothing was put into them.

    Raises:
      DataError: another process is at work there.
      OSError: no permission, or a file in the way.
    """
    place = folder / name
    new = [above for above in (folder, *folder.parents) if not above.exists()]
    try:
        place.mkdir(parents=True, exist_ok=True)
        with open(place / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataError(
                    f"another run is at work in {place}: wait until it has ended"
                ) from error
            with open(workers_lock(place), "w") as workers:
                fcntl.flock(workers, fcntl.LOCK_EX)
            for left in place.iterdir():
                if left.name not in _LOCKS:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            try:
                yield place
            finally:
                shutil.rmtree(place, ignore_errors=True)  # the next run sees to it
    finally:
        for above in new:
            with contextlib.suppress(OSError):
                above.rmdir()


def workers_lock(place: pathlib.Path) -> pathlib.Path:
    """The file on which each worker process of a run holds a shared lock."""
    return place / _LOCKS[1]


def put_json(place: pathlib.Path, path: pathlib.Path, content: Any) -> None:
    """Make a JSON file in a workplace, where a kill leaves no trace, and move it."""
    made = place / path.name
    write_file(made, json.dumps(content, indent=1).encode())
    made.replace(path)
