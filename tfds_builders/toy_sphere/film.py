"""A scene as a film, as anybody's own would come: pictures all round, mono sound."""

import numpy as np

from spatialjax.media import write_film
from spatialjax.media.container import FilePath
from tfds_builders.toy_sphere.picture import render_pictures
from tfds_builders.toy_sphere.sound import render_field
from tfds_builders.toy_sphere.world import World, plan_clip

FILM = World(image_height=256, image_rate_hz=24.0, seconds=6.0)
SPLIT = "test_2"


def write_scene(path: FilePath, index: int = 6, world: World = FILM) -> None:
    """Write a 360 degree film of two sources and decoys as mp4; its sound is W alone.

    Raises:
      MediaError: the file cannot be written.
    """
    pictures = render_pictures(plan_clip(world, SPLIT, index), world)
    chunks = np.array_split(true_field(index, world)[:1], 16, axis=1)
    write_film(path, pictures, world.image_rate_hz, chunks, world.sample_rate_hz)


def true_field(index: int = 6, world: World = FILM) -> np.ndarray:
    """The AmbiX sound field of the film, float32 ``[c, t]``."""
    return render_field(plan_clip(world, SPLIT, index), world).astype(np.float32)
