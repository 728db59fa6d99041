"""What is known of a film before it is read."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass

from spatialjax.errors import MediaError
from spatialjax.media import AudioReader, probe, sample_images, stream_audio
from spatialjax.tasks.base import WindowSpec

IMAGE_RATE_HZ = 8.0
"""Pictures a second that are looked at; a window takes the nearest ones."""

MOST_ASPECT = 8.0
"""Longest side over the shortest one."""

STRIDE = 16
"""Pixels of a place along a side; sides are multiples of it."""

LONGEST_S = 12 * 3600.0
"""What a film may last that does not tell its length, as far as its WAVs go."""

OpenSound = Callable[[], contextlib.AbstractContextManager[AudioReader]]
"""Opens the sound of a film, once for each pass over it."""


@dataclass(frozen=True)
class Film:
    """What the header of a file says, and the sizes that follow from it.

    Attributes:
      path: the file.
      duration_s: None where the header does not tell.
      channels: of the sound.
      picture_size: (h, w) of the pictures on display, upright.
      image_size: (h, w) of the pictures as the model sees them: their short side that
        of the model, both sides rounded to multiples of `STRIDE`.
    """

    path: str
    duration_s: float | None
    channels: int
    picture_size: tuple[int, int]
    image_size: tuple[int, int]

    def most_samples(self, sample_rate_hz: int) -> int:
        """About how many samples the sound has at a rate; rather too many."""
        return math.ceil((self.duration_s or LONGEST_S) * sample_rate_hz)


def open_film(path: str, spec: WindowSpec) -> Film:
    """The film of a file with sound and pictures.

    Raises:
      MediaError: no such file, no media, no sound, no pictures, or strips.
    """
    info = probe(path)
    for streams, kind in ((info.audio, "sound"), (info.video, "picture")):
        if not streams:
            raise MediaError(f"{path} has no {kind} stream; give a film with both")
    _check_aspect(path, (info.video[0].height, info.video[0].width))
    with stream_audio(path) as reader:
        channels = reader.channels
    with contextlib.closing(sample_images(path, IMAGE_RATE_HZ, None, True)) as images:
        first = next(images)
    size = first.height, first.width
    _check_aspect(path, size)
    scale = spec.image_size / min(size)
    height, width = (max(STRIDE, round(s * scale / STRIDE) * STRIDE) for s in size)
    return Film(path, info.duration_s, channels, size, (height, width))


def _check_aspect(path: str, size: tuple[int, int]) -> None:
    if max(size) > MOST_ASPECT * max(min(size), 1):
        raise MediaError(
            f"{path} has pictures of {size[1]}x{size[0]} pixels, expected at most "
            f"{MOST_ASPECT:g} times as long as wide"
        )
