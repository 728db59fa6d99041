"""The films beside a page of sources: the pictures plain, and with their energy."""

import itertools
import math
import pathlib
from collections.abc import Iterator

import matplotlib
import numpy as np
import soundfile
from PIL import Image

from spatialjax.inference.scene import Scene, shown_range
from spatialjax.inference.writer import MIXTURE
from spatialjax.media import probe, sample_images, write_film
from spatialjax.typing import HostArray

FILM = "film.mp4"
ENERGY_FILM = "energy.mp4"

MOST_SIDE = 360
"""Pixels of the short side; a page needs no more."""

MOST_IMAGE_RATE_HZ = 25.0

LEAST_IMAGE_RATE_HZ = 8.0
"""Fast enough for the energy maps, however still the pictures are."""

OPACITY = 0.75
"""Of the brightest energy."""

SOUND_BLOCK = 4096
"""Samples of a chunk of the sound."""


def write_films(path: str, folder: pathlib.Path, scene: Scene) -> None:
    """Write ``film.mp4`` and ``energy.mp4`` into a folder, both with the mixture.

    Their time 0 is that of the scene's first sample. They are as long as its sound.

    Args:
      path: the film that was separated.
      folder: holds ``mixture.wav``.
      scene: what was found in the film.

    Raises:
      MediaError: the film cannot be read any more, or a file not be written.
    """
    stated_hz = probe(path).video[0].image_rate_hz or MOST_IMAGE_RATE_HZ
    rate_hz = min(max(stated_hz, LEAST_IMAGE_RATE_HZ), MOST_IMAGE_RATE_HZ)
    plain = _pictures(path, rate_hz, scene)
    sound_rate_hz = soundfile.info(folder / MIXTURE).samplerate
    sound = _sound(folder / MIXTURE)
    write_film(folder / FILM, plain, rate_hz, sound, sound_rate_hz)
    # From the small film: the large one is read once.
    pictures = sample_images(folder / FILM, rate_hz)
    shown = _with_energy(map(np.asarray, pictures), rate_hz, scene)
    sound = _sound(folder / MIXTURE)
    write_film(folder / ENERGY_FILM, shown, rate_hz, sound, sound_rate_hz)


def _pictures(path: str, rate_hz: float, scene: Scene) -> Iterator[HostArray]:
    """Pictures ``[h, w, 3]`` of even sides; the last one stays while there is sound."""
    scale = min(1.0, MOST_SIDE / min(scene.picture_size))
    height, width = (max(2, round(s * scale / 2) * 2) for s in scene.picture_size)
    num_images = max(1, math.ceil(scene.duration_s * rate_hz))
    num_given, picture = 0, None
    images = sample_images(path, rate_hz, scene.start_s, at_least_one=True)
    for image in itertools.islice(images, num_images):
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        num_given, picture = num_given + 1, np.asarray(resized)
        yield picture
    if picture is not None:
        yield from itertools.repeat(picture, num_images - num_given)


def _sound(file: pathlib.Path) -> Iterator[HostArray]:
    """Chunks ``[c, t]`` of a WAV, within full scale."""
    with soundfile.SoundFile(file) as wav:
        for block in wav.blocks(SOUND_BLOCK, dtype="float32", always_2d=True):
            yield np.clip(block.T, -1, 1)


def _with_energy(
    images: Iterator[HostArray], rate_hz: float, scene: Scene
) -> Iterator[HostArray]:
    """Pictures with the energy map of their time on top, brighter where louder."""
    floor, top = shown_range(scene.maps_db)
    colours = matplotlib.colormaps["inferno"](np.arange(256))[:, :3] * 255
    for number, image in enumerate(images):
        time_s = (number + 0.5) / rate_hz
        index = min(int(time_s / scene.map_s), len(scene.maps_db) - 1)
        share = np.clip((scene.maps_db[index] - floor) / (top - floor), 0, 1)
        small = Image.fromarray(np.rint(255 * share).astype(np.uint8))
        size = image.shape[1], image.shape[0]
        level = np.asarray(small.resize(size, Image.Resampling.BILINEAR))
        opacity = OPACITY * level[..., None] / 255
        yield np.rint(image * (1 - opacity) + colours[level] * opacity).astype(np.uint8)
