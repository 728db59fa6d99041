"""Folders that appear, and are replaced, as a whole."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath
from spatialjax.media.places import Place, as_place, local_path, put_object, told

LISTING = ".spatialjax"
"""The file that tells what else was written into a folder, a relative path a line."""


def check_replaceable(folder: FilePath) -> None:
    """Refuse a place where a folder cannot be put without a loss.

    A folder may be replaced if it is empty, or holds nothing but what an earlier
    `replaced_folder` has put there.

    Raises:
      MediaError: a file is in the way, the folder holds something else, or it cannot be
        written.
    """
    folder = local_path("the folder", folder).expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise MediaError(f"{folder} is a file, expected a folder")
    if folder.is_dir():
        listing = folder / LISTING
        ours = listing.read_text().splitlines() if listing.is_file() else []
        if foreign := sorted(set(_contents(folder)) - {LISTING, *ours}):
            raise MediaError(
                f"{folder} holds other files, as {foreign[0]}; name a new folder"
            )
    if os.path.ismount(folder):
        raise MediaError(
            f"{folder} is a mount point, which cannot be replaced; name a folder in it"
        )
    above = next(place for place in folder.parents if place.exists())
    if not above.is_dir():
        raise MediaError(f"{folder} lies below a file, {above}; name another folder")
    if not os.access(above, os.W_OK):
        raise MediaError(f"{folder} cannot be written: no permission in {above}")


@contextlib.contextmanager
def replaced_folder(folder: FilePath) -> Iterator[pathlib.Path]:
    """A new folder to fill; it takes the place of `folder` when all went well.

    By URL the new files are put there one by one, and those of an earlier call that are
    no more are removed.

    Raises:
      MediaError: as `check_replaceable`.
    """
    place = as_place(folder)
    if not isinstance(place, pathlib.Path):
        with tempfile.TemporaryDirectory(prefix="spatialjax-") as name:
            yield pathlib.Path(name)
            _put_all(pathlib.Path(name), place)
        return
    check_replaceable(folder)
    folder = place.expanduser().resolve()
    made = [above for above in folder.parents if not above.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    old = new.with_name(f"{new.name}.old")
    try:
        yield new
        names = _contents(new)
        (new / LISTING).write_text("".join(f"{name}\n" for name in names))
        new.chmod(0o755)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        for above in made:
            with contextlib.suppress(OSError):  # it holds the folder, or something else
                above.rmdir()


def _put_all(folder: pathlib.Path, place: Place) -> None:
    """Puts the files of a folder into a store, in place of those put there before."""
    names = _contents(folder)
    with told(f"{place} cannot be replaced"):
        listing = place / LISTING
        earlier = listing.read_text().splitlines() if listing.exists() else []
        for name in names:
            if (folder / name).is_file():  # a store has no folders
                put_object(place / name, (folder / name).read_bytes())
        put_object(listing, "".join(f"{name}\n" for name in names).encode())
        for name in set(earlier) - set(names):
            (place / name).unlink(missing_ok=True)


def _contents(folder: pathlib.Path) -> list[str]:
    """The relative paths of all files below a folder, and of its empty folders."""
    paths = (path for path in folder.rglob("*") if not _is_filled(path))
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _is_filled(path: pathlib.Path) -> bool:
    return path.is_dir() and not path.is_symlink() and any(path.iterdir())
