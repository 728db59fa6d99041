"""Estimates that add up to the mixture."""

import jax.numpy as jnp

from spatialjax.typing import Array


def enforce_mixture_consistency(
    estimates: Array, mixture: Array, source_axis: int = -2
) -> Array:
    """Estimates of the same shape whose sum over the sources is the mixture.

    The nearest such estimates in the least-squares sense: what is missing is shared
    out equally (Wisdom et al., Differentiable consistency constraints, 2019).

    Args:
      estimates: [..., n, t], or with n at `source_axis`, as in [b, n, c, t] for -3.
      mixture: the same shape without the axis of the sources.
      source_axis: the axis of the n sources.
    """
    missing = mixture - estimates.sum(source_axis)
    share = missing / estimates.shape[source_axis]
    return estimates + jnp.expand_dims(share, source_axis)
