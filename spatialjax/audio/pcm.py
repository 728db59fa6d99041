"""16-bit samples as they are stored, and floating point as they are computed with."""

import jax.numpy as jnp

from spatialjax.typing import Array

PCM16_FULL_SCALE = 32768
"""Integer that stands for 1.0; the largest int16 is one step below it."""


def pcm16_to_float(pcm: Array) -> Array:
    """Float32 samples in [-1, 1) of int16 samples; any shape, exact."""
    return pcm.astype(jnp.float32) * jnp.float32(1 / PCM16_FULL_SCALE)
