"""Clips cut into segments: the one layout in which every dataset is stored.

One record is one segment (2 s by default) of one clip, so that a crop of six seconds
reads four records and never a whole video. Records lie in clip order.

* Segment k of a clip holds the samples [k L, (k + 1) L), L = round(segment_s rate);
  the last one is shorter.
* Image i is shown at the time (i + 0.5) / image_rate_hz and is stored in segment
  int((i + 0.5) / image_rate_hz / segment_s).

Beside the records lie ``clips.json`` (what a loader needs: where each clip lies, its
rates, labels, hash) and ``manifest.json`` (hash of the whole, length of each clip,
versions), both written by `finish`.
"""

import hashlib
import importlib.metadata
import io
import json
import math
import os
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

import spatialjax
from spatialjax.errors import DataError
from spatialjax.media import write_file

FORMAT = 1
MAX_SEGMENTS = 1 << 20
"""Segments of one clip that a key has room for: 24 days of 2 s."""

_VERSIONS = ("tensorflow-datasets", "array-record", "av", "numpy", "pillow")


@dataclass(frozen=True)
class ClipMedia:
    """Sound and pictures of one clip, ready to be stored.

    Shapes: audio ``[s, c, t]`` int16 of s sources (one for a recording, several for
    a synthetic mixture with known sources) and c channels; `images` are v JPEG files
    of one size; `boxes` ``[s, 4]`` are (top, left, height, width) of each source, as
    fractions of the picture. `class_names` names the class of each source, "" where
    it is unknown. The pictures do not outlast the sound: the last one is shown before
    the last sample ends.

    A recording of a sound field also has: `channel_mask`, of each channel whether it
    was recorded; `flow`, one encoded optical flow (`media.encode_flow`) for each image;
    `source_directions` float32 ``[p, v, 2]``, true azimuth and elevation in radians of
    p sounding things at the time of each image. None where it is not known.
    """

    clip_id: str
    audio: np.ndarray
    sample_rate_hz: int
    images: Sequence[bytes]
    image_rate_hz: float
    class_names: tuple[str, ...]
    boxes: np.ndarray | None = None
    channel_mask: tuple[bool, ...] | None = None
    flow: Sequence[bytes] | None = None
    source_directions: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check what the reader relies on.

        Raises:
          DataError: no samples or images, a wrong shape, type, count or rate, or more
            pictures than sound.
        """
        problem = ""
        if self.audio.ndim != 3 or self.audio.dtype != np.int16:
            problem = (
                f"audio is {self.audio.dtype} {list(self.audio.shape)}, expected "
                "int16 [sources, channels, samples]"
            )
        elif 0 in self.audio.shape:
            problem = "the sound has no samples"
        elif not self.images:
            problem = "there are no images"
        elif not (self.sample_rate_hz > 0 and 0 < self.image_rate_hz < math.inf):
            problem = f"rates {self.sample_rate_hz} and {self.image_rate_hz} Hz"
        elif len(self.class_names) != len(self.audio):
            problem = f"{len(self.class_names)} classes, {len(self.audio)} sources"
        elif self.boxes is not None and self.boxes.shape != (len(self.audio), 4):
            problem = f"boxes {list(self.boxes.shape)}, expected [{len(self.audio)}, 4]"
        elif self._last_image_s() >= self.audio.shape[2] / self.sample_rate_hz:
            problem = (
                f"{len(self.images)} images at {self.image_rate_hz:g} Hz outlast the "
                f"sound of {self.audio.shape[2] / self.sample_rate_hz:.3f} s"
            )
        if problem := problem or self._problem_of_field():
            raise DataError(f"clip {self.clip_id!r}: {problem}")

    def _problem_of_field(self) -> str:
        """What is wrong with the parts of a sound field, "" for nothing."""
        mask, flow, directions = self.channel_mask, self.flow, self.source_directions
        channels, num_images = self.audio.shape[1], len(self.images)
        if mask is not None and len(mask) != channels:
            return f"a mask of {len(mask)} channels, expected {channels}"
        if flow is not None and len(flow) != num_images:
            return f"{len(flow)} flows, {num_images} images"
        if directions is not None and directions.shape[1:] != (num_images, 2):
            shape = list(directions.shape)
            return f"source_directions {shape}, expected [p, {num_images}, 2]"
        return ""

    def _last_image_s(self) -> float:
        """The time at which the last image is shown, in seconds."""
        return (len(self.images) - 0.5) / self.image_rate_hz


def features(has_flow: bool = False) -> tfds.features.FeaturesDict:
    """The features of one record; none of them needs TensorFlow."""
    flow = {"flow": tfds.features.Sequence(tfds.features.Text())} if has_flow else {}
    return tfds.features.FeaturesDict(
        {
            **flow,
            "audio": tfds.features.Tensor(
                shape=(None, None, None),
                dtype=np.int16,
                encoding=tfds.features.Encoding.BYTES,
            ),
            "images": tfds.features.Sequence(tfds.features.Text()),
            "clip": tfds.features.Text(),
            "segment": np.int32,
        }
    )


def records(
    clip_index: int, clip: ClipMedia, segment_s: float = 2.0
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Pairs (key, example) of the segments of a clip; keys rise in clip order.

    Args:
      clip_index: position of the clip in its split, from 0.
      clip: sound and pictures.
      segment_s: length of a segment in seconds.

    Raises:
      DataError: a segment is no whole number of samples, or the clip is too long for
        its keys.
    """
    length = round(segment_s * clip.sample_rate_hz)
    if length < 1 or not math.isclose(length, segment_s * clip.sample_rate_hz):
        raise DataError(
            f"segment_s = {segment_s} at {clip.sample_rate_hz} Hz is no whole number "
            "of samples"
        )
    segment_of_image = [
        int((i + 0.5) / clip.image_rate_hz / segment_s) for i in range(len(clip.images))
    ]
    num_segments = -(-clip.audio.shape[2] // length)
    if num_segments > MAX_SEGMENTS:
        raise DataError(
            f"clip {clip.clip_id!r} has {num_segments} segments of {segment_s} s, "
            f"at most {MAX_SEGMENTS} are possible"
        )
    text = json.dumps(_metadata(clip, segment_s, num_segments), sort_keys=True)
    first = np.searchsorted(segment_of_image, np.arange(num_segments + 1))
    for k in range(num_segments):
        shown = slice(first[k], first[k + 1])
        flow = {} if clip.flow is None else {"flow": list(clip.flow[shown])}
        yield (
            clip_index * MAX_SEGMENTS + k,
            {
                **flow,
                "audio": clip.audio[:, :, k * length : (k + 1) * length],
                "images": list(clip.images[shown]),
                "clip": text,
                "segment": k,
            },
        )


def _metadata(clip: ClipMedia, segment_s: float, num_segments: int) -> dict[str, Any]:
    """What `finish` has to know of a clip, as it is stored in each of its records."""
    with Image.open(io.BytesIO(clip.images[0])) as picture:
        width, height = picture.size
    return {
        "clip_id": clip.clip_id,
        "segment_s": segment_s,
        "sample_rate_hz": clip.sample_rate_hz,
        "channels": clip.audio.shape[1],
        "num_sources": clip.audio.shape[0],
        "num_samples": clip.audio.shape[2],
        "num_segments": num_segments,
        "num_images": len(clip.images),
        "image_rate_hz": clip.image_rate_hz,
        "height": height,
        "width": width,
        "class_names": list(clip.class_names),
        "boxes": None if clip.boxes is None else clip.boxes.tolist(),
        **_field_metadata(clip),
    }


def _field_metadata(clip: ClipMedia) -> dict[str, Any]:
    """What is known of a clip as a recording of a sound field; often nothing."""
    found: dict[str, Any] = {}
    if clip.channel_mask is not None:
        found["channel_mask"] = list(clip.channel_mask)
    if clip.flow is not None:
        found["has_flow"] = True
    if clip.source_directions is not None:
        found["source_directions"] = np.round(
            clip.source_directions.astype(np.float64), 5
        ).tolist()
    return found


def finish(dataset_dir: str | os.PathLike[str], classes: Sequence[str]) -> str:
    """Write ``clips.json`` and ``manifest.json`` from one pass over the records.

    ``manifest.json`` holds {"format", "hash", "splits": {name: [{"clip_id", "sha256",
    "duration_s", "num_images"}]}, "versions"}.

    Args:
      dataset_dir: folder of a prepared dataset.
      classes: names of the classes; their order defines the class ids.

    Returns:
      The hash of the dataset: SHA-256 over the hashes of its clips, in order.

    Raises:
      DataError: records are missing or out of order, or clips differ in their rates.
    """
    folder = pathlib.Path(dataset_dir)
    builder = tfds.builder_from_directory(folder)
    common: dict[str, Any] = {}
    splits: dict[str, list[dict[str, Any]]] = {}
    for split in sorted(builder.info.splits):
        splits[split] = []
        for first, clip, sha256 in _stored_clips(builder.as_data_source(split), split):
            _check_common(common, clip)
            splits[split].append(_clip_entry(first, clip, sha256, list(classes)))
    digest = hashlib.sha256()
    for entries in splits.values():
        for entry in entries:
            digest.update(bytes.fromhex(entry["sha256"]))
    clips = {"format": FORMAT, **common, "classes": list(classes), "splits": splits}
    write_json(folder / "clips.json", clips)
    write_json(folder / "manifest.json", _manifest(clips, digest.hexdigest()))
    return digest.hexdigest()


def _stored_clips(
    source: Sequence[dict[str, Any]], split: str
) -> Iterator[tuple[int, dict[str, Any], str]]:
    """First record, metadata and SHA-256 of each clip of a split."""
    index = 0
    while index < len(source):
        first, digest, text = index, hashlib.sha256(), source[index]["clip"]
        digest.update(text)
        clip = json.loads(text)
        for segment in range(clip["num_segments"]):
            record = source[index] if index < len(source) else {}
            if (record.get("clip"), record.get("segment")) != (text, segment):
                raise DataError(
                    f"record {index} of split {split!r} is not segment {segment} of "
                    f"clip {clip['clip_id']!r}: build the dataset again"
                )
            digest.update(record["audio"].astype("<i2").tobytes())
            for part in (*record["images"], *record.get("flow", ())):
                digest.update(len(part).to_bytes(8, "little") + part)
            index += 1
        yield first, clip, digest.hexdigest()


def _check_common(common: dict[str, Any], clip: dict[str, Any]) -> None:
    """Note or compare what all clips of a dataset share."""
    for name in ("segment_s", "sample_rate_hz", "channels"):
        if common.setdefault(name, clip[name]) != clip[name]:
            raise DataError(
                f"clip {clip['clip_id']!r} has {name} {clip[name]}, the clips before "
                f"it {common[name]}: one dataset has one value"
            )


def _clip_entry(
    first: int, clip: dict[str, Any], sha256: str, classes: list[str]
) -> dict[str, Any]:
    """The entry of a clip in ``clips.json``."""
    copied = ("num_samples", "num_images", "image_rate_hz", "height", "width")
    optional = [name for name in ("channel_mask", "has_flow") if name in clip]
    return {
        "clip_id": clip["clip_id"],
        "first_record": first,
        "num_records": clip["num_segments"],
        **{name: clip[name] for name in copied},
        "num_sources": clip["num_sources"],
        "class_ids": [
            classes.index(name) if name in classes else -1
            for name in clip["class_names"]
        ],
        "boxes": clip["boxes"],
        **{name: clip[name] for name in optional},
        "sha256": sha256,
    }


def _manifest(clips: dict[str, Any], dataset_hash: str) -> dict[str, Any]:
    """The content of ``manifest.json``: what a user compares between two copies."""
    rate_hz = clips.get("sample_rate_hz", 1)
    return {
        "format": FORMAT,
        "hash": dataset_hash,
        "splits": {
            split: [
                {
                    "clip_id": entry["clip_id"],
                    "sha256": entry["sha256"],
                    "duration_s": entry["num_samples"] / rate_hz,
                    "num_images": entry["num_images"],
                }
                for entry in entries
            ]
            for split, entries in clips["splits"].items()
        },
        "versions": {
            "spatialjax": spatialjax.__version__,
            **{name: importlib.metadata.version(name) for name in _VERSIONS},
        },
    }


def write_json(path: pathlib.Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    write_file(path, json.dumps(content, indent=1).encode())
