"""Tiny recordings of a sound field in the published layout, and as videos."""

import numpy as np
import soundfile
from PIL import Image

from tests.media.make import number_picture, tone, write_video

RATE_HZ = 4000
HEIGHT = 32


def field(seconds, channels=4, rate_hz=RATE_HZ):
    """A sound [t, c] with a tone of its own and an own level in each channel."""
    return np.stack(
        [
            tone(seconds, rate_hz, 100.0 * (c + 1), level=0.5 / (c + 1))
            for c in range(channels)
        ],
        -1,
    )


def write_published(folder, seconds=2, first=0, rate_hz=RATE_HZ, height=HEIGHT):
    """A clip in the published layout, its pictures numbered from `first`."""
    for part in ("ambix", "video"):
        (folder / part).mkdir(parents=True)
    sound = field(seconds, rate_hz=rate_hz)
    for second in range(seconds):
        part = sound[second * rate_hz : (second + 1) * rate_hz]
        soundfile.write(folder / f"ambix/{second:06d}.wav", part, rate_hz)
    for index in range(10 * seconds):
        picture = number_picture(first + index, height, 2 * height)
        path = folder / f"video/{index:06d}.jpg"
        Image.fromarray(picture).save(path, quality=95)
    return folder


def write_sphere(path, seconds=1.0, channels=4, size=(HEIGHT, 2 * HEIGHT), sound=True):
    """A video, with the sound in it or (a WAV file) beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [number_picture(i, *size) for i in range(round(10 * seconds))]
    samples = field(seconds, channels)
    write_video(path, pictures, 10)
    if sound:
        soundfile.write(path.with_suffix(".wav"), samples, RATE_HZ)
    return path
