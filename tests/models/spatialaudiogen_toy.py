"""A small network with every kind of layer, and inputs for it."""

import jax.numpy as jnp
import numpy as np

from spatialjax.models import SpatialAudioGenSpec

TOY = SpatialAudioGenSpec(
    num_tracks=3,
    audio_width=4,
    audio_units=16,
    visual_width=4,
    visual_depth=(1, 2),
    visual_reduced_units=8,
    visual_units=8,
    image_size=(40, 72),
    localization_units=(16, 16),
    separation_units=8,
)


def windows(rows=2):
    rng = np.random.default_rng(0)
    return jnp.asarray(0.1 * rng.normal(size=(rows, 52_799)), jnp.float32)


def pictures(rows=2, num_images=1, spec=TOY):
    """Pictures and flow [rows, v, h, w, 3]."""
    rng = np.random.default_rng(1)
    shape = (2, rows, num_images, *spec.image_size, 3)
    contrast = rng.uniform(0.2, 1.0, (2, rows, num_images, 1, 1, 1))
    images, flow = contrast * rng.uniform(-0.5, 0.5, shape)
    return jnp.asarray(images, jnp.float32), jnp.asarray(4 * flow, jnp.float32)
