"""Datasets of noise and plain pictures, whose colour tells clip and image index."""

import io
from dataclasses import dataclass

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.builder import SegmentBuilder
from tfds_builders.segments import ClipMedia, features

RATE_HZ = 800
IMAGE_RATE_HZ = 2.5
CLASSES = ("bell", "drum", "flute")


@dataclass(frozen=True)
class TinyClip:
    """A clip of noise; image i of clip k has the colour (5 i, 20 k, 128)."""

    number: int
    seconds: float
    class_names: tuple[str, ...]
    size: tuple[int, int] = (24, 32)
    boxes: tuple[tuple[float, ...], ...] | None = None
    image_rate_hz: float = IMAGE_RATE_HZ
    path: str = ""
    channels: int = 1
    channel_mask: tuple[bool, ...] | None = None
    silent_s: float = 0.0  # at the begin

    @property
    def clip_id(self):
        return f"clip{self.number}"

    @property
    def pcm(self):
        """All samples ``[s, c, t]``."""
        num_samples = round(self.seconds * RATE_HZ)
        shape = (len(self.class_names), self.channels, num_samples)
        rng = np.random.default_rng(self.number)
        pcm = rng.integers(-20000, 20000, shape).astype(np.int16)
        pcm[..., : round(self.silent_s * RATE_HZ)] = 0
        return pcm

    def load(self):
        count = max(1, int(self.seconds * self.image_rate_hz))
        return ClipMedia(
            clip_id=self.clip_id,
            audio=self.pcm,
            sample_rate_hz=RATE_HZ,
            images=[jpeg(plain(*self.size, self.colour(i))) for i in range(count)],
            image_rate_hz=self.image_rate_hz,
            class_names=self.class_names,
            boxes=None if self.boxes is None else np.array(self.boxes),
            channel_mask=self.channel_mask,
        )

    def colour(self, index):
        return (5 * index % 256, 20 * self.number % 256, 128)


def plain(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


def jpeg(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


def solos(count=9, seconds=(7.0, 9.3, 12.0)):
    return [
        TinyClip(k, seconds[k % len(seconds)], (CLASSES[k % 3],)) for k in range(count)
    ]


class TinyClips(SegmentBuilder):
    """Clips that are given, and no files beside the code."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = tfds.core.Path(__file__).parent
    classes = CLASSES

    def __init__(self, splits, **kwargs):
        self.splits = splits
        super().__init__(**kwargs)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self, features=features(), disable_shuffling=True
        )

    def clips(self):
        return self.splits


def build(data_dir, splits):
    """Write the clips of each split as the dataset ``tiny_clips`` of a folder."""
    TinyClips(splits, data_dir=str(data_dir)).download_and_prepare()
