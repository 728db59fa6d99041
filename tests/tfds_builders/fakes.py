"""A dataset of made-up clips, one of which may be broken."""

import dataclasses
import io
import pathlib

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from spatialjax.errors import MediaError
from tfds_builders.builder import SegmentBuilder
from tfds_builders.segments import ClipMedia, features

RATE_HZ = 1000


def jpeg(value, size=(12, 8)):
    """A grey picture as JPEG."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (value % 256,) * 3).save(buffer, "JPEG")
    return buffer.getvalue()


def clip_media(clip_id="a/1", seconds=5.0, image_rate_hz=2.0, seed=0, **changes):
    """A clip of noise with as many pictures as fit."""
    rng = np.random.default_rng(seed)
    num_samples = round(seconds * RATE_HZ)
    return ClipMedia(
        **{
            "clip_id": clip_id,
            "audio": rng.integers(-9, 9, (1, 1, num_samples)).astype(np.int16),
            "sample_rate_hz": RATE_HZ,
            "images": [jpeg(i) for i in range(int(seconds * min(image_rate_hz, 100)))],
            "image_rate_hz": image_rate_hz,
            "class_names": ("a",),
            **changes,
        }
    )


@dataclasses.dataclass(frozen=True)
class FakeClip:
    """Clip number `index`."""

    index: int
    broken: bool = False

    @property
    def clip_id(self):
        return f"a/{self.index}"

    @property
    def path(self):
        return f"/media/{self.index}.mp4"

    def load(self):
        if self.broken:
            raise MediaError("there is no sound")
        return clip_media(self.clip_id, 2.5 * (self.index + 1), seed=self.index)


class FakeDataset(SegmentBuilder, skip_registration=True):
    """Five clips for training, two for testing."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First."}
    pkg_dir_path = pathlib.Path(__file__).parent
    name = "fake_dataset"
    classes = ("a", "b")
    broken = frozenset()

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self, features=features(), disable_shuffling=True
        )

    def clips(self):
        return {
            "train": [FakeClip(i, i in self.broken) for i in range(5)],
            "test": [FakeClip(i, i in self.broken) for i in range(5, 7)],
        }


def stored_records(folder):
    """All records of a dataset as they are decoded, split by split."""
    builder = tfds.builder_from_directory(folder)
    return {
        split: [
            (
                record["audio"].tobytes(),
                record["audio"].shape,
                tuple(record["images"]),
                record["clip"],
                int(record["segment"]),
            )
            for record in builder.as_data_source(split)
        ]
        for split in sorted(builder.info.splits)
    }
