"""Where the energy of a sound field comes from.

The mean square of a beam d·a(t) is d C dᵀ with the covariance C = mean over t of a aᵀ.
So a map of many directions needs one small matrix per stretch of time instead of one
signal per direction.
"""

import math

import jax
import jax.numpy as jnp

from spatialjax.errors import check_positive, check_shape
from spatialjax.typing import Array, HostArray


def covariance(ambisonics: Array) -> Array:
    """Mean of a(t) a(t)ᵀ, float32 [..., c, c], of signals [..., c, t].

    For a map of each frame, cut the signal into frames [..., k, c, t] before. The mean
    of no samples is 0.
    """
    num_samples = check_shape("ambisonics", ambisonics, "... c t")["t"]
    signal = jnp.asarray(ambisonics, jnp.float32)
    sums = jnp.einsum("...ct,...dt->...cd", signal, signal, precision="highest")
    return sums / max(num_samples, 1)


def smooth_covariance(
    covariance: Array,
    hop_s: float,
    time_constant_s: float = 0.25,
    before: Array | None = None,
) -> Array:
    """Covariances of frames [..., k, c, c], float32, each mixed with those before it.

    S_k = r S_(k-1) + (1 - r) C_k with r = exp(-hop / time constant): the past fades to
    1/e in one time constant.

    Args:
      covariance: of frames in order of time, [..., k, c, c].
      hop_s: seconds from frame to frame.
      time_constant_s: above 0.
      before: S [..., c, c] of the frame before the first, to go on from; where None,
        the first frame stays as it is.

    Raises:
      ShapeError: the covariance is not square.
      ConfigError: the hop or the time constant is not positive.
    """
    sizes = check_shape("covariance", covariance, "... k c c")
    check_positive("hop_s", hop_s)
    check_positive("time_constant_s", time_constant_s)
    retention = math.exp(-hop_s / time_constant_s)
    frames = jnp.moveaxis(jnp.asarray(covariance, jnp.float32), -3, 0)
    if before is None:
        before = frames[0]
    check_shape("before", before, "... c c", {"c": sizes["c"]})

    def mix(state: Array, frame: Array) -> tuple[Array, Array]:
        state = retention * state + (1 - retention) * frame
        return state, state

    _, smoothed = jax.lax.scan(mix, jnp.asarray(before, jnp.float32), frames)
    return jnp.moveaxis(smoothed, 0, -3)


def energy_map(covariance: Array, decoder: Array | HostArray) -> Array:
    """Mean square [..., q], float32, of each beam of a decoder [q, c].

    Its root is the RMS that each beam would have. With the decoder of an
    `equirect_grid`, reshape the last axis to [height, width] for a picture.

    Args:
      covariance: of fields, [..., c, c].
      decoder: [q, c], such as `plane_wave_decoder` gives.

    Raises:
      ShapeError: the decoder is for another number of channels.
    """
    sizes = check_shape("covariance", covariance, "... c c")
    check_shape("decoder", decoder, "q c", {"c": sizes["c"]})
    beams = jnp.asarray(decoder, jnp.float32)
    energy = jnp.einsum(
        "qc,...cd,qd->...q",
        beams,
        jnp.asarray(covariance, jnp.float32),
        beams,
        precision="highest",
    )
    # Rounding may take a silent direction below 0, where the RMS would be NaN.
    return jnp.maximum(energy, 0)
