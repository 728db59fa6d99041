"""A duet as a film, as anybody's own would come: a file with pictures and sound."""

import numpy as np

from spatialjax.media import write_film
from spatialjax.media.container import FilePath
from tfds_builders.toy_band.clip import render
from tfds_builders.toy_band.world import World, plan_clip

LEVEL = 0.5
"""Of each instrument, so that two together keep below full scale."""


def write_duet(path: FilePath, index: int = 3) -> None:
    """Write a duet of the default world, in large and smooth pictures, as mp4.

    Raises:
      MediaError: the file cannot be written.
    """
    world = World(image_size=288, image_rate_hz=24.0)
    audio, pictures, _ = render(plan_clip(world, "duets", index), world)
    sound = LEVEL * audio.sum(0, dtype=np.float32) / 2.0**15
    chunks = np.array_split(sound, 16, axis=1)
    write_film(path, pictures, world.image_rate_hz, chunks, world.sample_rate_hz)
