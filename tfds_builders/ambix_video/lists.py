"""The published lists: subsets of videos, and which channels each one recorded."""

import hashlib
import pathlib
from collections.abc import Mapping, Sequence

from spatialjax.errors import DataError, nearest

VALIDATION_SHARE = 0.1
LAYOUTS = {"WXYZ": (True, True, True, True), "WXY": (True, True, False, True)}
"""The channels W, Y, Z, X that a recording with such a layout holds."""

LAYOUTS_FILE = "audio_layouts.txt"


def find_list(source: pathlib.Path, name: str) -> pathlib.Path | None:
    """A list in a folder of media or the one above it, or in their ``meta``; or None.

    Subsets may lie in ``subsets`` there, as they are published.
    """
    candidates = (folder / name for folder in _list_folders(source))
    return next((path for path in candidates if path.is_file()), None)


def _list_folders(source: pathlib.Path) -> list[pathlib.Path]:
    """Where lists are looked for, in this order."""
    folders = [
        above / part for above in (source, source.parent) for part in ("", "meta")
    ]
    return [*(folder / "subsets" for folder in folders), *folders]


def read_subset(path: pathlib.Path) -> list[str]:
    """The ids of a list, one a line; the last line may lack its end.

    Raises:
      DataError: it cannot be read, is empty, or a line is no id.
    """
    ids = dict.fromkeys(line.strip() for line in _lines(path))
    ids.pop("", None)
    for clip_id in ids:
        if len(clip_id.split()) > 1 or "/" in clip_id:
            raise DataError(f"{path}: {clip_id!r} is no id, expected one id a line")
    if not ids:
        raise DataError(f"{path} is empty, expected one id a line")
    return list(ids)


def read_layouts(path: pathlib.Path) -> dict[str, tuple[bool, ...]]:
    """The mask of the channels W, Y, Z, X of each id of a list of ``ID WXYZ|WXY``.

    Raises:
      DataError: it cannot be read, or a line is malformed.
    """
    masks: dict[str, tuple[bool, ...]] = {}
    for number, line in enumerate(_lines(path), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[1] not in LAYOUTS:
            raise DataError(
                f"{path} line {number}: {line.strip()!r}, expected an id and one of "
                f"{', '.join(LAYOUTS)}"
            )
        masks[words[0]] = LAYOUTS[words[1]]
    return masks


def published_splits(
    source: pathlib.Path, database: str, fold: int, seed: int
) -> dict[str, list[str]]:
    """The ids of train, validation and test of a fold of a published database.

    The lists know no validation: it is taken from train by a draw for each id alone, so
    that no video is in train of one database and in validation of another, where each
    has ten or more. But the published test sets are those of one database each: videos
    in test of YT-Music are in train of YT-All, and the other way round.

    Raises:
      DataError: a list is missing or broken, or an id is in train and in test.
    """
    train, test = (
        read_subset(_required(source, f"{database}.{part}.{fold}.lst"))
        for part in ("train", "test")
    )
    if both := sorted(set(train) & set(test)):
        raise DataError(
            f"{database}, fold {fold}: {both[0]!r} is in train and in test, expected "
            "in one"
        )
    held_out = set(_held_out(train, seed))
    return {
        "train": [clip_id for clip_id in train if clip_id not in held_out],
        "validation": [clip_id for clip_id in train if clip_id in held_out],
        "test": test,
    }


def mask_of(
    masks: Mapping[str, tuple[bool, ...]], clip_id: str, num_channels: int
) -> tuple[bool, ...]:
    """Whether each channel of a clip was recorded; all were, where no list tells."""
    known = masks.get(clip_id.rpartition("/")[2], ())
    return (*known, *(True,) * num_channels)[:num_channels]


def _held_out(ids: Sequence[str], seed: int) -> list[str]:
    """Some `VALIDATION_SHARE` of the ids, at least one if there are two."""
    drawn = {
        clip_id: int.from_bytes(
            hashlib.sha256(f"{seed}:{clip_id}".encode()).digest()[:8], "big"
        )
        for clip_id in ids
    }
    held_out = [i for i in ids if drawn[i] < VALIDATION_SHARE * 2**64]
    if not held_out and len(ids) > 1:
        held_out = [min(ids, key=lambda clip_id: drawn[clip_id])]
    return held_out


def _required(source: pathlib.Path, name: str) -> pathlib.Path:
    path = find_list(source, name)
    if path is None:
        known = [p.name for f in _list_folders(source) for p in f.glob("*.lst")]
        raise DataError(
            f"there is no {name} in {source}/meta/subsets, nor in {source}/meta, "
            f"{source} or beside it: put the published lists there "
            f"({nearest(name, known)})"
        )
    return path


def _lines(path: pathlib.Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
