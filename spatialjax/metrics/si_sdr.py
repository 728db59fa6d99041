"""Scale-invariant signal-to-distortion ratio."""

import jax.numpy as jnp

from spatialjax.errors import ShapeError, check_shape
from spatialjax.typing import Array

SI_SDR_LIMIT_DB = 100.0
"""Values end here, on both sides: float32 tells no more."""
ENERGY_FLOOR = 1e-15
"""Least energy to divide by; its square, which gradients need, is a normal float32."""


def si_sdr_db(estimate: Array, reference: Array, zero_mean: bool = True) -> Array:
    """Ratios [...] in dB of estimates [..., t] to references [..., t].

    10·log10(|a s|² / |e - a s|²) with a = <e, s> / |s|² for the estimate e of the
    reference s: one gain is forgiven, no filter (Le Roux et al., SDR - half-baked or
    well done?, 2019). Limited to ±`SI_SDR_LIMIT_DB`; a silent estimate or
    reference gives the lower limit, and the caller gives it weight 0. Differentiable
    everywhere.

    Args:
      estimate: [..., t].
      reference: [..., t].
      zero_mean: subtract the mean over time from both first.

    Raises:
      ShapeError: the shapes differ.
    """
    check_shape("estimate", estimate, "... t")
    if estimate.shape != reference.shape:
        raise ShapeError(
            f"the estimate has shape {list(estimate.shape)}, the reference "
            f"{list(reference.shape)}; give both the same shape"
        )
    estimate, reference = estimate.astype(jnp.float32), reference.astype(jnp.float32)
    if zero_mean:
        estimate = estimate - estimate.mean(-1, keepdims=True)
        reference = reference - reference.mean(-1, keepdims=True)
    energy = jnp.maximum(jnp.square(reference).sum(-1, keepdims=True), ENERGY_FLOOR)
    gain = (estimate * reference).sum(-1, keepdims=True) / energy
    target = gain * reference
    target_energy = jnp.square(target).sum(-1)
    distortion_energy = jnp.square(estimate - target).sum(-1)
    least = 10 ** (-SI_SDR_LIMIT_DB / 10)
    distortion = jnp.maximum(distortion_energy, least * target_energy)
    distortion = jnp.maximum(distortion, ENERGY_FLOOR)
    target_energy = jnp.maximum(target_energy, least * distortion)
    # Of logarithms, not of energies: the gradient of a quotient would overflow.
    return 10 * (jnp.log10(target_energy) - jnp.log10(distortion))
