"""The index of a folder of clips: all.csv, train.csv, val.csv and test.csv."""

import collections
import csv
import dataclasses
import io
import itertools
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from spatialjax.errors import ConfigError, DataError, MediaError
from spatialjax.media import list_images, read_jpeg, replaced_folder, write_file
from spatialjax.media.images import IMAGE_SUFFIXES
from tfds_builders.av_clips.index import (
    AUDIO_SUFFIXES,
    SILENCE,
    SILENT,
    Row,
    class_names,
    clip_ids,
)
from tfds_builders.loading import BrokenClip
from tfds_builders.raw.sources import files_below
from tfds_builders.raw.splits import (
    SPLIT_FOLDERS,
    SPLITS,
    SplitRules,
    assign,
    draw,
    is_duet,
)
from tfds_builders.segments import write_json

SHORT_SIDE = 256


@dataclasses.dataclass(frozen=True)
class Entry:
    """A row of the index, and what is known of it; `split` "" is still to be drawn."""

    row: Row
    clip_id: str
    label: str
    is_duet: bool = False
    split: str = ""


@dataclasses.dataclass(frozen=True)
class Index:
    """The clips of each split, in the order of their rows, and those left out."""

    splits: dict[str, list[Entry]]
    left_out: list[BrokenClip]

    @property
    def duets(self) -> list[str]:
        """The labels that name two instruments."""
        entries = itertools.chain.from_iterable(self.splits.values())
        return sorted({entry.label for entry in entries if entry.is_duet})


def build_index(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    min_images: int = 160,
    rules: SplitRules | None = None,
    silence_pictures: str | os.PathLike[str] | None = None,
    num_silence: int = 50,
) -> Index:
    """Write the index of what `preprocess` made, or of a published collection.

    ``OUTPUT`` gets ``all.csv`` and, where they have rows, ``train.csv``, ``val.csv``,
    ``test.csv``, in the published form ``AUDIO_PATH,FRAMES_DIR,NUMBER_FRAMES``, and
    ``index.json`` with the rules, the counts and what was left out. It appears, and is
    replaced, as a whole. Paths are relative if it lies in `source` itself, so that
    both can be moved together. The rows of a split are in a drawn order: the first of
    them are a fair sample. Those of ``all.csv`` are in the order of their paths.

    Args:
      source: folder with ``audio/CLASS/NAME.wav`` and ``frames/CLASS/NAME.mp4/``. Where
        all lies below ``audio/train``, ``audio/val`` and ``audio/test``, these are the
        splits and nothing is drawn.
      output: folder of the index.
      min_images: clips with fewer images are left out.
      rules: how clips are held out.
      silence_pictures: folder of pictures without anything that sounds; some become
        clips of the class ``silence``, one picture and no sound each.
      num_silence: greatest number of them.

    Raises:
      ConfigError, DataError: a rule is out of range, the source is of another form,
        has sounds without a class, or has no clip that is long enough.
      MediaError, OSError: `output` holds other files, or cannot be written.
    """
    source, output = pathlib.Path(source), pathlib.Path(output)
    rules = rules or SplitRules()
    rules.validate()
    for name, value in (("min_images", min_images), ("num_silence", num_silence)):
        if value < 0:
            raise ConfigError(f"{name} is {value}, expected 0 or more")
    entries, left_out = _find_entries(source, max(1, min_images))
    with replaced_folder(output) as folder:
        if silence_pictures is not None:
            pictures = _draw_pictures(pathlib.Path(silence_pictures), rules.seed)
            quiet, broken = _write_silence(pictures, num_silence, folder)
            entries += quiet
            left_out += broken
        index = Index(_split(entries, rules), left_out)
        base = source if output.resolve().parent == source.resolve() else None
        for split, members in {"all": entries, **index.splits}.items():
            if members:
                rows = [_cells(entry, base) for entry in members]
                write_file(folder / f"{split}.csv", _csv(rows))
        write_json(folder / "index.json", _summary(index, rules, min_images))
    return index


def _find_entries(
    source: pathlib.Path, min_images: int
) -> tuple[list[Entry], list[BrokenClip]]:
    """The clips that can be used, in the order of their paths, and the others.

    Raises:
      DataError: there are none, or they have no class.
    """
    audio, frames = source / "audio", source / "frames"
    if not (audio.is_dir() and frames.is_dir()):
        raise DataError(
            f"{source} has no folders audio and frames: name the --output of "
            "launch.preprocess"
        )
    sounds = files_below(audio, AUDIO_SUFFIXES)
    if not sounds:
        raise DataError(f"{audio} has no sound ({' '.join(AUDIO_SUFFIXES)})")
    rows = [
        Row(str(sound), str(_images_of(sound, audio, frames)), None) for sound in sounds
    ]
    labels = class_names(
        [Row(str(s.absolute()), "", None) for s in sounds], str(source)
    )
    if "" in labels:
        first = sounds[labels.index("")]
        raise DataError(
            f"{first} has no class: put it into a folder of its class, or give "
            f"{source} itself to launch.build_dataset, which needs no index"
        )
    known, splits = frozenset(labels), _given_splits(sounds, audio)
    entries, left_out = [], _without_sound(frames, [row.images_path for row in rows])
    named = zip(rows, clip_ids(rows), labels, splits, strict=True)
    bar = tqdm(named, desc="index", total=len(rows), unit="clip", mininterval=1)
    for row, clip_id, label, split in bar:
        try:
            num_images = len(list_images(row.images_path))
        except MediaError as error:
            left_out.append(BrokenClip(clip_id, str(error), row.images_path))
            continue
        if num_images < min_images:
            reason = f"it has {num_images} images, min_images is {min_images}"
            left_out.append(BrokenClip(clip_id, reason, row.images_path))
            continue
        row = dataclasses.replace(row, num_images=num_images)
        entries.append(Entry(row, clip_id, label, is_duet(label, known), split))
    if not entries:
        raise DataError(
            f"none of the {len(rows)} clips in {source} can be used, such as "
            f"{left_out[-1].clip_id}: {left_out[-1].reason}; mend them, or lower "
            "min_images"
        )
    return entries, left_out


def _given_splits(sounds: Sequence[pathlib.Path], audio: pathlib.Path) -> list[str]:
    """The split that the folder ``audio/SPLIT/CLASS`` of each sound names.

    It is "" for each if one lies elsewhere: then "train" is the vehicle.
    """
    parts = [sound.relative_to(audio).parts for sound in sounds]
    if all(len(names) > 2 and names[0] in SPLIT_FOLDERS for names in parts):
        return [SPLIT_FOLDERS[names[0]] for names in parts]
    return [""] * len(sounds)


def _without_sound(frames: pathlib.Path, used: Sequence[str]) -> list[BrokenClip]:
    """The folders of images that belong to no sound: a killed run left them."""
    left_out, known = [], set(used)
    for above, folders, names in os.walk(frames):
        folders[:] = [
            name
            for name in folders
            if os.path.join(above, name) not in known and not name.startswith(".")
        ]
        if any(pathlib.Path(name).suffix.lower() in IMAGE_SUFFIXES for name in names):
            name = pathlib.Path(above).relative_to(frames).as_posix()
            clip_id = name.removesuffix(".mp4")
            left_out.append(BrokenClip(clip_id, "its images have no sound", above))
    return sorted(left_out, key=lambda clip: clip.path)


def _images_of(
    sound: pathlib.Path, audio: pathlib.Path, frames: pathlib.Path
) -> pathlib.Path:
    """The folder of images of a sound, ``NAME.mp4``, or ``NAME`` if that is there."""
    place = frames / sound.relative_to(audio).with_suffix("")
    usual = place.with_name(f"{place.name}.mp4")
    return place if place.is_dir() and not usual.exists() else usual


def _split(entries: Sequence[Entry], rules: SplitRules) -> dict[str, list[Entry]]:
    """The entries of each split, in a drawn order."""
    found = assign(
        [entry.clip_id for entry in entries],
        [entry.label for entry in entries],
        [entry.is_duet for entry in entries],
        [entry.label == SILENCE for entry in entries],
        rules,
    )
    found = [entry.split or where for entry, where in zip(entries, found, strict=True)]
    drawn = sorted(
        zip(entries, found, strict=True),
        key=lambda pair: draw(rules.seed, f"row:{pair[0].clip_id}"),
    )
    return {
        split: [entry for entry, where in drawn if where == split] for split in SPLITS
    }


def _draw_pictures(folder: pathlib.Path, seed: int) -> list[tuple[str, pathlib.Path]]:
    """All pictures below a folder with their names there, in a drawn order.

    Raises:
      DataError: there are none.
    """
    paths = files_below(folder, IMAGE_SUFFIXES)
    if not paths:
        raise DataError(
            f"silence_pictures={folder} holds no picture ({' '.join(IMAGE_SUFFIXES)})"
        )
    named = [(path.relative_to(folder).as_posix(), path) for path in paths]
    return sorted(named, key=lambda pair: draw(seed, pair[0]))


def _write_silence(
    pictures: Sequence[tuple[str, pathlib.Path]], most: int, folder: pathlib.Path
) -> tuple[list[Entry], list[BrokenClip]]:
    """Silent clips of one picture each; who reads a window repeats both by need."""
    entries: list[Entry] = []
    left_out = []
    for name, path in pictures:
        if len(entries) == most:
            break
        try:
            content, _ = read_jpeg(path, SHORT_SIDE)
        except MediaError as error:
            left_out.append(BrokenClip(f"{SILENCE}/{name}", str(error), str(path)))
            continue
        place = f"{SILENCE}/{len(entries) + 1:04d}"
        write_file(folder / place / "000001.jpg", content)
        row = Row(f"{place}.{SILENT}", place, 1)
        entries.append(Entry(row, place, SILENCE, split="train"))
    return entries, left_out


def _cells(entry: Entry, base: pathlib.Path | None) -> tuple[str, str, int]:
    """The cells of a row, its paths relative to `base`, absolute where that is None.

    Those of silence are relative to the index, which holds its pictures.
    """
    row = entry.row
    if row.audio_path.endswith(SILENT):
        return row.audio_path, row.images_path, row.num_images or 0
    paths = pathlib.Path(row.audio_path), pathlib.Path(row.images_path)
    sound, images = (
        path.absolute() if base is None else path.relative_to(base) for path in paths
    )
    return str(sound), str(images), row.num_images or 0


def _csv(rows: Sequence[tuple[str, str, int]]) -> bytes:
    """Rows as the content of a csv file without header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _summary(index: Index, rules: SplitRules, min_images: int) -> dict[str, Any]:
    """The content of ``index.json``."""
    return {
        "rules": {"min_images": min_images, **dataclasses.asdict(rules)},
        "counts": {
            split: dict(sorted(collections.Counter(e.label for e in members).items()))
            for split, members in index.splits.items()
        },
        "duets": index.duets,
        "left_out": [dataclasses.asdict(clip) for clip in index.left_out],
    }
