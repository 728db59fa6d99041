"""What a user gives, a csv or a folder, as rows of sound and pictures."""

import csv
import itertools
import os
import pathlib
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from spatialjax.errors import DataError

COLUMNS = "AUDIO_PATH,FRAMES_DIR,NUMBER_FRAMES"
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".flv")
AUDIO_SUFFIXES = (".mp3", ".wav", ".flac", ".m4a", ".ogg", ".opus", ".aac")
SPLIT_NAMES = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "duets": "duets",
}
SILENT = "silent"
"""A sound whose path ends with this is not read: it is silence."""

SILENCE = "silence"
"""Class of silent clips."""

_LABEL_AND_ID = re.compile(r"(?P<label>.+)-[\w-]{11}(?:-\d+)?")
"""Flat names ``label-id[-start]``; the id of a video has 11 characters."""


@dataclass(frozen=True)
class Row:
    """One clip; `audio_path` "" is silence, `num_images` None is not stated.

    `split` is "" where the source does not say.
    """

    audio_path: str
    images_path: str
    num_images: int | None
    split: str = ""


def read_source(source: str) -> list[Row]:
    """The rows of a source.

    One of: an index csv; a folder with ``train.csv``, ``val.csv``, ``test.csv`` (any of
    them); a folder with ``audio`` and ``frames``; a folder tree of videos with sound,
    perhaps below ``train``, ``val`` and ``test``.

    Raises:
      DataError: it is none of these, or a csv is malformed; the text names the row.
    """
    path = pathlib.Path(source)
    if not source or not path.exists():
        raise DataError(f"source {source!r} does not exist, expected a folder or a csv")
    if path.is_file():
        return read_csv(path)
    indices = sorted(path.glob("*.csv"))
    named = [index for index in indices if index.stem in SPLIT_NAMES]
    if named:
        return [
            row for index in named for row in read_csv(index, SPLIT_NAMES[index.stem])
        ]
    if indices:
        names = ", ".join(index.name for index in indices)
        raise DataError(
            f"{path} holds {names}: name one of them as the source, or call them "
            "train.csv, val.csv and test.csv"
        )
    if (path / "audio").is_dir() and (path / "frames").is_dir():
        return _read_layout(path / "audio", path / "frames")
    return _read_videos(path)


def read_csv(path: pathlib.Path, split: str = "") -> list[Row]:
    """The rows of an index csv without header: AUDIO_PATH,FRAMES_DIR,NUMBER_FRAMES.

    Relative paths start at the folder of the csv, at the one above it, or at the
    working folder: the first where the file exists. A row that occurs again is left
    out.

    Raises:
      DataError: the file cannot be read or is empty, or a row is malformed.
    """
    rows: dict[Row, None] = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for number, cells in enumerate(csv.reader(file), 1):
                if any(cell.strip() for cell in cells):
                    rows[_parse_row(cells, f"{path} row {number}", path, split)] = None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as csv: {error}") from error
    if not rows:
        raise DataError(f"{path} is empty, expected rows {COLUMNS}")
    return list(rows)


def _parse_row(cells: Sequence[str], name: str, path: pathlib.Path, split: str) -> Row:
    """One row of a csv; `name` leads the text of an error."""
    if len(cells) != 3:
        plural = "" if len(cells) == 1 else "s"
        raise DataError(f"{name} has {len(cells)} column{plural}, expected {COLUMNS}")
    audio, images, count = (cell.strip() for cell in cells)
    if not count.isdecimal():
        raise DataError(
            f"{name}: NUMBER_FRAMES is {count!r}, expected a whole number (no header)"
        )
    if not audio or not images:
        raise DataError(f"{name} has an empty path, expected {COLUMNS}")
    folders = path.parent, path.parent.parent, pathlib.Path()
    return Row(
        "" if audio.endswith(SILENT) else _resolve(audio, folders),
        _resolve(images, folders),
        int(count),
        split,
    )


def _resolve(text: str, folders: Iterable[pathlib.Path]) -> str:
    """A path of a csv: below the first folder where it exists, else the first one."""
    candidates = [(folder / text).absolute() for folder in folders]
    found = next((path for path in candidates if path.exists()), candidates[0])
    return str(found)


def _read_layout(audio: pathlib.Path, frames: pathlib.Path) -> list[Row]:
    """Rows of ``audio/CLASS/ID.mp3`` with ``frames/CLASS/ID.mp4`` or ``.../ID``.

    Raises:
      DataError: there is no sound.
    """
    rows = []
    for path in _files(audio, AUDIO_SUFFIXES):
        stem = frames / path.relative_to(audio).with_suffix("")
        candidates = [stem.with_name(stem.name + end) for end in (".mp4", "")]
        candidates += [stem.with_name(stem.name + end) for end in VIDEO_SUFFIXES]
        found = next((item for item in candidates if item.exists()), candidates[0])
        rows.append(Row(str(path), str(found), None))
    if not rows:
        raise DataError(f"{audio} has no sound ({' '.join(AUDIO_SUFFIXES)})")
    return rows


def _read_videos(root: pathlib.Path) -> list[Row]:
    """Rows of the videos below a folder.

    Raises:
      DataError: there are none.
    """
    rows = []
    for path in _files(root, VIDEO_SUFFIXES):
        top = path.relative_to(root).parts[0]
        rows.append(Row(str(path), str(path), None, SPLIT_NAMES.get(top, "")))
    if not rows:
        raise DataError(
            f"{root} has neither an index csv, nor the folders audio and frames, nor "
            f"videos ({' '.join(VIDEO_SUFFIXES)})"
        )
    return rows if all(row.split for row in rows) else [_unsplit(row) for row in rows]


def _unsplit(row: Row) -> Row:
    """The row without a split."""
    return Row(row.audio_path, row.images_path, row.num_images)


def _files(root: pathlib.Path, suffixes: Sequence[str]) -> list[pathlib.Path]:
    """Files below a folder by suffix, in order of their paths; links are followed.

    Raises:
      DataError: a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}")

    found = []
    for above, folders, names in os.walk(root.absolute(), True, refuse, True):
        folder = pathlib.Path(above)
        folders[:] = [name for name in folders if not _leads_back(folder / name)]
        paths = (folder / name for name in names)
        found += [p for p in paths if p.suffix.lower() in suffixes and p.is_file()]
    return sorted(found)


def _leads_back(folder: pathlib.Path) -> bool:
    """Whether a folder is a link to one above it: to follow it would never end."""
    if not folder.is_symlink():
        return False
    return any(folder.samefile(above) for above in folder.parents)


def clip_ids(rows: Sequence[Row]) -> list[str]:
    """A name of each row: folder and stem, more folders where that is needed.

    Suffixes stand where folders do not tell rows apart. Rows of one sound share their
    name, and it is for the caller to refuse them: nothing would keep them in one split.
    """
    paths = [_path_of_id(row) for row in rows]
    stems = [path.with_suffix("") for path in paths]
    depths = range(2, max(len(path.parts) for path in paths) + 1)
    ids: list[str] = []
    for named, depth in itertools.product((stems, paths), depths):
        ids = ["/".join(path.parts[-depth:]) for path in named]
        if len(set(ids)) == len(set(paths)):
            break
    return ids


def _path_of_id(row: Row) -> pathlib.PurePath:
    """The path whose last parts name a clip."""
    path = pathlib.PurePath(row.audio_path or row.images_path)
    return path if row.audio_path else path.parent / SILENCE / path.name


def class_names(rows: Sequence[Row], source: str) -> list[str]:
    """The class of each row: the folder of its sound.

    It is "" directly below the source (or the folder of a csv), and there directly
    below ``audio`` or the folder of a split, which name no class. Where all sounds lie
    in one folder and are called ``label-id[-start]``, it is the label.
    """
    root = pathlib.Path(source).absolute()
    if root.is_file():
        root = root.parent
    paths = [pathlib.PurePath(row.audio_path) for row in rows if row.audio_path]
    labels = [_LABEL_AND_ID.fullmatch(path.stem) for path in paths]
    flat = len({path.parent for path in paths}) == 1 and all(labels)
    tops = {path.relative_to(root).parts[0] for path in paths if root in path.parents}
    unlabelled = {root, root / "audio"}
    if tops <= SPLIT_NAMES.keys():  # else "train" is the vehicle
        unlabelled |= {root / top for top in tops}
    return [_class_name(row, flat, unlabelled) for row in rows]


def _class_name(row: Row, flat: bool, unlabelled: Set[pathlib.PurePath]) -> str:
    """The class of one row; sounds in the folders `unlabelled` have none."""
    if not row.audio_path:
        return SILENCE
    path = pathlib.PurePath(row.audio_path)
    label = _LABEL_AND_ID.fullmatch(path.stem)
    if flat and label:
        return label["label"]
    return "" if path.parent in unlabelled else path.parent.name
