"""Lists of clips that a dataset is cut down to: what still exists of a published one.

Videos vanish from the web, so no two people hold the same clips. What both still hold
can be scored, and the scores compared: they carry the hash of the clips that counted.
"""

import json
import os
import pathlib
from collections.abc import Sequence

from spatialjax.data.clips import Dataset
from spatialjax.errors import DataError


def read_clip_ids(
    path: str | os.PathLike[str], splits: Sequence[str]
) -> frozenset[str]:
    """The clip ids of a file: one a line, a JSON list, or a dataset's ``clips.json``.

    Of a dataset the clips of the given splits are meant. Empty lines, and lines that
    begin with ``#``, do not count.

    Raises:
      DataError: the file cannot be read, or names no clip.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text: byte {error.start} is no UTF-8") from error
    try:
        found = _ids_of_json(json.loads(text), splits)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is JSON, but neither a list of clip ids nor the clips.json of a "
            "dataset"
        ) from error
    except ValueError:
        lines = (line.strip() for line in text.splitlines())
        found = frozenset(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise DataError(f"{path} names no clip; give one clip id a line")
    return found


def _ids_of_json(content: object, splits: Sequence[str]) -> frozenset[str]:
    if isinstance(content, list):
        if not all(isinstance(entry, str) for entry in content):
            raise TypeError
        return frozenset(content)
    if not isinstance(content, dict):  # a line such as 12345 is an id
        raise ValueError
    stored = content["splits"]
    return frozenset(
        entry["clip_id"] for split in splits for entry in stored.get(split, ())
    )


def restrict(
    dataset: Dataset, clip_ids: frozenset[str], splits: Sequence[str]
) -> Dataset:
    """The dataset with those clips of some splits alone, in the order of their ids.

    Its hash is that of these clips: two datasets that hold the same ones agree in it,
    whatever else they hold.

    Raises:
      DataError: a split is missing, or none of its clips is named.
    """
    kept = {}
    for split in splits:
        clips = dataset.split(split)
        named = [clip for clip in clips if clip.clip_id in clip_ids]
        if not named:
            raise DataError(
                f"none of the {len(clip_ids)} clips of the list is in split {split!r} "
                f"of {dataset.path}; its ids look like {clips[0].clip_id!r}"
            )
        kept[split] = tuple(sorted(named, key=lambda clip: clip.clip_id))
    return dataset.with_splits(kept)
