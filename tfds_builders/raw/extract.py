"""One raw video as a WAV file and a folder of numbered images."""

import dataclasses
import itertools
import math
import os
import pathlib
import struct
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

from spatialjax.errors import DataError, MediaError, UserError, check_positive
from spatialjax.media import (
    cannot_write,
    encode_jpeg,
    float_to_int16,
    resize_short_side,
    sample_images,
    stream_audio,
)
from tfds_builders.raw.sources import RawClip

_WAV_HEADER = "<4sI8sIHHIIHH4sI"
_MAX_SAMPLES = (2**32 - struct.calcsize(_WAV_HEADER)) // 2
"""Of a mono WAV file of 16 bits, whose header counts bytes in 32 bits."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How clips are extracted.

    Attributes:
      image_rate_hz: images per second.
      sample_rate_hz: rate of the sound, the mean of all channels.
      short_side: greatest short side of an image in pixels; aspect is kept.
      jpeg_quality: 1 to 95.
    """

    image_rate_hz: float = 8.0
    sample_rate_hz: int = 11025
    short_side: int = 256
    jpeg_quality: int = 90

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range.
        """
        for name, value in dataclasses.asdict(self).items():
            check_positive(name, value, 95 if name == "jpeg_quality" else math.inf)


def extract(
    clip: RawClip, settings: Settings, workplace: str | os.PathLike[str]
) -> str | None:
    """None when the clip is in its place, else why its source cannot be used.

    Image i is the one shown at (i + 0.5) / image_rate_hz seconds of the sound; both
    end where the shorter ends. No more than a picture and a packet are held in memory.

    Args:
      clip: the source and where the parts go; parts that are there are replaced.
      settings: rates and sizes.
      workplace: folder on the same file system, in which they are made.

    Raises:
      MediaError: a part cannot be written: no room, no permission.
    """
    try:
        with tempfile.TemporaryDirectory(dir=workplace) as place:
            _extract(clip, settings, pathlib.Path(place))
    except UserError as error:
        return str(error)
    except OSError as error:
        raise cannot_write(clip.sound, error) from error
    return None


def _extract(clip: RawClip, settings: Settings, place: pathlib.Path) -> None:
    """Make both parts in an empty folder and move them to their places.

    Raises:
      UserError: the source cannot be used.
      OSError: a part cannot be written.
    """
    images, sound = place / "images", place / "sound.wav"
    images.mkdir()
    with open(sound, "wb") as file:
        start_s, num_samples = _write_samples(clip.source, settings, file)
        duration_s = num_samples / settings.sample_rate_hz
        most = max(0, math.ceil(duration_s * settings.image_rate_hz - 0.5))
        pictures = sample_images(clip.source, settings.image_rate_hz, start_s)
        num_images = 0
        for content in _jpegs(itertools.islice(pictures, most), clip.source, settings):
            num_images += 1
            (images / f"{num_images:06d}.jpg").write_bytes(content)
        if num_images == 0:
            raise DataError(
                f"{clip.source} is too short for one image at "
                f"{settings.image_rate_hz:g} per second"
            )
        seen = round(num_images / settings.image_rate_hz * settings.sample_rate_hz)
        _write_header(file, min(num_samples, seen), settings.sample_rate_hz)
    _put(clip, images, sound, place / "replaced")


def _write_samples(
    source: pathlib.Path, settings: Settings, file: BinaryIO
) -> tuple[float, int]:
    """When the sound starts, in seconds, and the number of samples written.

    They stand behind room for a header.
    """
    file.write(bytes(struct.calcsize(_WAV_HEADER)))
    num_samples = 0
    with stream_audio(source, settings.sample_rate_hz) as reader:
        for chunk in reader.chunks:
            mono = chunk.mean(0, dtype=np.float32)
            num_samples += mono.size
            if num_samples > _MAX_SAMPLES:
                hours = _MAX_SAMPLES / settings.sample_rate_hz / 3600
                raise DataError(f"{source} is longer than a WAV file, {hours:.0f} h")
            file.write(float_to_int16(mono).astype("<i2").tobytes())
        return reader.start_s, num_samples


def _write_header(file: BinaryIO, num_samples: int, sample_rate_hz: int) -> None:
    """Make a mono WAV file of the first samples of a file; it has room for a header."""
    size = 2 * num_samples
    file.truncate(struct.calcsize(_WAV_HEADER) + size)
    file.seek(0)
    form = (16, 1, 1, sample_rate_hz, 2 * sample_rate_hz, 2, 16)
    file.write(
        struct.pack(
            *(_WAV_HEADER, b"RIFF", 36 + size, b"WAVEfmt ", *form, b"data", size)
        )
    )


def _jpegs(
    pictures: Iterator[Image.Image], source: pathlib.Path, settings: Settings
) -> Iterator[bytes]:
    """Each picture as a JPEG file; one that is shown again is encoded once.

    Raises:
      MediaError: a picture does not fit into a JPEG file.
    """
    last, content = None, b""
    for picture in pictures:
        if picture is not last:
            small = resize_short_side(picture, settings.short_side)
            try:
                content = encode_jpeg(small, settings.jpeg_quality)
            except OSError as error:
                width, height = small.size
                raise MediaError(
                    f"{source}: a picture of {width} x {height} pixels is no JPEG: "
                    f"{error}"
                ) from error
        last = picture
        yield content


def _put(
    clip: RawClip, images: pathlib.Path, sound: pathlib.Path, replaced: pathlib.Path
) -> None:
    """Move the parts to their places, the sound last: where it is, the clip is whole.

    So images without their sound are what a killed run left, and are replaced.
    """
    clip.sound.parent.mkdir(parents=True, exist_ok=True)
    clip.images.parent.mkdir(parents=True, exist_ok=True)
    clip.sound.unlink(missing_ok=True)
    if clip.images.exists():
        clip.images.rename(replaced)
    images.rename(clip.images)
    sound.rename(clip.sound)
