"""Multipliers on the bins of a spectrum that let one source of a mixture through."""

import jax
import jax.numpy as jnp

from spatialjax.typing import Array

RATIO_FLOOR = 1e-10
"""Smallest mixture magnitude that a ratio divides by."""


def ideal_binary_mask(
    source_magnitudes: Array, mixture_magnitude: Array, threshold: float = 0.5
) -> Array:
    """Masks [..., n, f, k], float32, 1 where a source exceeds a part of the mixture.

    Each source is compared for itself (Zhao et al., The Sound of Pixels, 2018): in one
    bin several masks or none may be 1.

    Args:
      source_magnitudes: [..., n, f, k].
      mixture_magnitude: [..., f, k].
      threshold: the part of the mixture's magnitude, whatever n is.
    """
    least = threshold * mixture_magnitude[..., None, :, :]
    return (source_magnitudes > least).astype(jnp.float32)


def dominant_source_mask(source_magnitudes: Array) -> Array:
    """Masks [..., n, f, k], float32, 1 for the loudest source of each bin alone.

    Of equally loud sources the first wins; where all are silent all masks are 0.
    """
    num_sources = source_magnitudes.shape[-3]
    loudest = jnp.argmax(source_magnitudes, axis=-3)
    chosen = jax.nn.one_hot(loudest, num_sources, axis=-3, dtype=jnp.float32)
    return chosen * (source_magnitudes > 0).astype(jnp.float32)


def ideal_ratio_mask(
    source_magnitudes: Array, mixture_magnitude: Array, clip: float = 5.0
) -> Array:
    """Masks [..., n, f, k], source over mixture magnitude, in [0, clip].

    The denominator is the magnitude of the mixture, not the sum of the magnitudes of
    the sources, hence values above 1 where sources cancel.
    """
    divisor = jnp.maximum(mixture_magnitude, RATIO_FLOOR)[..., None, :, :]
    return jnp.clip(source_magnitudes / divisor, 0, clip)


def hard_threshold(mask: Array, threshold: float = 0.5) -> Array:
    """Mask of the same shape, float32, 1 where the given one exceeds the threshold."""
    return (mask > threshold).astype(jnp.float32)


def apply_mask(mask: Array, mixture_spectrum: Array) -> Array:
    """Spectra [..., n, f, k], complex64: masks times the spectrum [..., f, k].

    The phase is that of the mixture.
    """
    mask = mask.astype(jnp.float32)
    spectrum = mixture_spectrum[..., None, :, :]
    return jax.lax.complex(mask * spectrum.real, mask * spectrum.imag)
