"""Mixtures of known sources: the training signal of mix-and-separate."""

import jax.numpy as jnp

from spatialjax.audio.pcm import pcm16_to_float
from spatialjax.errors import check_shape
from spatialjax.typing import Array


def mix(audio: Array, gain: Array) -> tuple[Array, Array]:
    """Mixture [b, c, t] and sources [b, n, c, t], float32 in [-1, 1].

    Each source is amplified, clipped to [-1, 1] and divided by n, so that the mixture,
    their sum, never clips (Zhao et al., The Sound of Pixels, 2018, published code).

    Args:
      audio: [b, n, c, t] int16, full scale 32768.
      gain: [b, n] float32, factors.

    Raises:
      ShapeError: the shapes do not belong together.
    """
    sizes = check_shape("audio", audio, "b n c t")
    check_shape("gain", gain, "b n", sizes)
    amplified = pcm16_to_float(audio) * gain[:, :, None, None]
    sources = jnp.clip(amplified, -1, 1) / sizes["n"]
    return sources.sum(1), sources
