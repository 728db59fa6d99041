"""Stored clips: what a dataset holds, and any window of a clip's sound and pictures."""

import collections
import contextlib
import copy
import hashlib
import json
import pathlib
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spatialjax.data.records import Records
from spatialjax.errors import DataError, nearest
from spatialjax.media.places import local_path

FORMAT = 1
"""The layout of ``clips.json`` that this file reads."""

DAMAGE = (ValueError, RuntimeError, OSError, KeyError, IndexError)
"""What a record that cannot be read raises."""

_TFDS_LOCK = threading.Lock()
"""Held while TFDS is imported: its lazy modules deadlock if two threads begin at once,
each with the lock of one module and in need of the other's."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Where a clip lies in its split, and what it holds.

    `boxes` are (top, left, height, width) of each source as fractions of the picture;
    a class id is -1 where the class is unknown. `channel_mask` tells of each channel
    whether it was recorded; None where all were.
    """

    split: str
    clip_id: str
    first_record: int
    num_records: int
    num_samples: int
    num_images: int
    image_rate_hz: float
    height: int
    width: int
    num_sources: int
    class_ids: tuple[int, ...]
    boxes: tuple[tuple[float, float, float, float], ...] | None
    sha256: str
    channel_mask: tuple[bool, ...] | None = None
    has_flow: bool = False


class Excerpt(NamedTuple):
    """A part of a clip.

    Sound ``[s, c, t]`` int16, JPEG files, and the encoded optical flow of each, which
    is empty for a clip without.
    """

    audio: np.ndarray
    images: list[bytes]
    flow: list[bytes]


class Dataset:
    """Clips of all splits, read by segments; records are opened at the first read.

    A copy that is pickled for a worker process opens its own files.

    Attributes:
      path: folder of the records.
      sample_rate_hz: rate of all sounds.
      segment_s: length of a stored segment in seconds.
      channels: channels of all sounds.
      classes: names of the classes, by class id.
      splits: clips of each split, in stored order.
      hash: SHA-256 over the hashes of the clips, in order.
    """

    def __init__(self, path: pathlib.Path, content: dict[str, Any]) -> None:
        self.path = path
        self.sample_rate_hz = int(content["sample_rate_hz"])
        self.segment_s = float(content["segment_s"])
        self.channels = int(content["channels"])
        self.classes = tuple(content["classes"])
        self.splits = {
            split: tuple(_clip_from_json(split, entry) for entry in entries)
            for split, entries in content["splits"].items()
        }
        self.hash = _hash_of(self.splits)
        self._sources: dict[str, Records] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_sources": {}}

    def with_splits(self, splits: dict[str, tuple[Clip, ...]]) -> "Dataset":
        """The same records under other lists of clips; its hash is that of the lists.

        Each clip must stay in the split that it is stored in.
        """
        other = copy.copy(self)
        other.splits, other.hash, other._sources = splits, _hash_of(splits), {}
        return other

    def split(self, name: str) -> tuple[Clip, ...]:
        """The clips of a split, in stored order.

        Raises:
          DataError: there is no such split, or it is empty.
        """
        if name not in self.splits:
            raise DataError(
                f"dataset {self.path} has no split {name!r}: "
                + nearest(name, self.splits)
            )
        if not self.splits[name]:
            raise DataError(f"split {name!r} of dataset {self.path} holds no clip")
        return self.splits[name]

    def read_audio(self, clip: Clip, start: int, num_samples: int) -> np.ndarray:
        """Sound ``[s, c, t]`` int16 from sample `start`; zeros outside the clip.

        Raises:
          DataError: a record is damaged.
        """
        return self.read(clip, start, num_samples, ()).audio

    def read_images(self, clip: Clip, indices: Sequence[int]) -> list[bytes]:
        """JPEG files of the images with these indices.

        Raises:
          DataError: a record is damaged, or an index is outside the clip.
        """
        return self.read(clip, 0, 0, indices).images

    def read(
        self, clip: Clip, start: int, num_samples: int, indices: Sequence[int]
    ) -> Excerpt:
        """Sound as `read_audio` gives it and images as `read_images` does.

        A segment that both touch is read once, a segment that neither touches never.

        Raises:
          DataError: a record is damaged, or an index is outside the clip.
        """
        if any(not 0 <= index < clip.num_images for index in indices):
            raise DataError(
                f"clip {clip.clip_id!r} has images 0 to {clip.num_images - 1}, "
                f"asked for {list(indices)}"
            )
        length = round(self.segment_s * self.sample_rate_hz)
        stop = min(start + num_samples, clip.num_samples)
        heard = range(
            max(start, 0) // length, -(-stop // length) if start < stop else 0
        )
        places = [self._image_place(clip, index) for index in indices]
        audio = np.zeros((clip.num_sources, self.channels, num_samples), np.int16)
        images = [b""] * len(places)
        flow = [b""] * (len(places) if clip.has_flow else 0)
        for segment in sorted({*heard, *(segment for segment, _ in places)}):
            record = self.read_segment(clip, segment)
            left = max(start, segment * length)
            right = min(stop, (segment + 1) * length)
            if left < right:
                audio[..., left - start : right - start] = record["audio"][
                    ..., left - segment * length : right - segment * length
                ]
            for i, (place, position) in enumerate(places):
                if place == segment:
                    images[i] = record["images"][position]
                    if clip.has_flow:
                        flow[i] = record["flow"][position]
        return Excerpt(audio, images, flow)

    def _image_place(self, clip: Clip, index: int) -> tuple[int, int]:
        """Segment of an image, and its position among the segment's images."""

        def segment_of(i: int) -> int:
            return int((i + 0.5) / clip.image_rate_hz / self.segment_s)

        segment = segment_of(index)
        first = int(segment * self.segment_s * clip.image_rate_hz)
        # Rounding puts the first image of a segment one off at most, either way.
        while first > 0 and segment_of(first - 1) == segment:
            first -= 1
        while segment_of(first) < segment:
            first += 1
        return segment, index - first

    def read_segment(self, clip: Clip, segment: int) -> dict[str, Any]:
        """One record, as `Records` gives it.

        Raises:
          DataError: the record is damaged or is not the one that was asked for.
        """
        length = round(self.segment_s * self.sample_rate_hz)
        samples = min(length, clip.num_samples - segment * length)
        shape = (clip.num_sources, self.channels, samples)
        try:
            record = self._source(clip.split)[clip.first_record + segment]
            name = json.loads(record["clip"])["clip_id"]
        except DAMAGE as error:
            reason = " ".join(str(error).split())[:160]
        else:
            if (name, record["segment"]) == (clip.clip_id, segment):
                if record["audio"].shape == shape:
                    return record
                reason = (
                    f"it holds {list(record['audio'].shape)}, expected {list(shape)}"
                )
            else:
                reason = f"it is segment {record['segment']} of clip {name!r}"
        raise DataError(
            f"clip {clip.clip_id!r}: segment {segment} in {self.path} is damaged "
            f"({reason}); build the dataset again"
        )

    def _source(self, split: str) -> Records:
        """The records of a split, by index."""
        if split not in self._sources:
            with _TFDS_LOCK:
                if split not in self._sources:
                    self._sources[split] = _open_records(self.path, split)
        return self._sources[split]


def _hash_of(splits: dict[str, tuple[Clip, ...]]) -> str:
    digest = hashlib.sha256()
    for clips in splits.values():
        for clip in clips:
            digest.update(bytes.fromhex(clip.sha256))
    return digest.hexdigest()


def _open_records(path: pathlib.Path, split: str) -> Records:
    records = Records(path, split)
    with contextlib.suppress(*DAMAGE):
        records[0]  # imports what reading needs, still under the lock
    return records


def open_dataset(data_dir: str | pathlib.Path, name: str) -> Dataset:
    """The dataset ``name``, ``name/config`` or ``name/config/version`` of a folder.

    The config may be left out where there is one alone, or one called ``default``;
    without a version the newest is taken.

    Raises:
      DataError: there is no such dataset, there are several, or it is not whole.
    """
    path = _find(local_path("data_dir", data_dir), name.strip("/"))
    try:
        content = json.loads((path / "clips.json").read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise KeyError(f"format {content['format']}, expected {FORMAT}")
        dataset = Dataset(path, content)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise DataError(
            f"{path}/clips.json is damaged ({error}): build the dataset again"
        ) from error
    for split, clips in dataset.splits.items():
        names = collections.Counter(clip.clip_id for clip in clips)
        if twice := [name for name, count in names.items() if count > 1]:
            raise DataError(
                f"{path}/clips.json names clip {twice[0]!r} twice in split {split!r}: "
                "give each clip its own id and build the dataset again"
            )
    return dataset


def _find(root: pathlib.Path, name: str) -> pathlib.Path:
    """The folder of a dataset: the newest version of one config."""
    stored: dict[str, pathlib.Path] = {}
    for path in sorted(
        (path for depth in (2, 3) for path in root.glob("*/" * depth + "clips.json")),
        key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)],
    ):
        # A build that was cut off lies in a folder whose name is no bare version.
        if re.fullmatch(r"\d+\.\d+\.\d+", path.parent.name):
            stored[path.parent.parent.relative_to(root).as_posix()] = path.parent
            stored[path.parent.relative_to(root).as_posix()] = path.parent
    datasets = [key for key, path in stored.items() if (root / key) != path]
    configs = [key for key in datasets if key.startswith(f"{name}/")]
    for key in (name, f"{name}/default", *(configs if len(configs) == 1 else ())):
        if key in stored:
            return stored[key]
    if configs:
        raise DataError(
            f"dataset {name!r} in {root} has several configs: give one of "
            + ", ".join(sorted(configs))
        )
    raise DataError(
        f"no dataset {name!r} in {root}: {nearest(name, datasets)} Build it by: python "
        f"-m launch.build_dataset --dataset={name} --data_dir={root}"
    )


def _clip_from_json(split: str, entry: dict[str, Any]) -> Clip:
    """A clip from its entry in ``clips.json``."""
    boxes, mask = entry["boxes"], entry.get("channel_mask")
    return Clip(
        **{
            **entry,
            "split": split,
            "class_ids": tuple(entry["class_ids"]),
            "boxes": None if boxes is None else tuple(tuple(box) for box in boxes),
            "channel_mask": None if mask is None else tuple(mask),
        }
    )
