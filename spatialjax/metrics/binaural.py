"""Differences between the ears: in level (ILD) and in time (ITD).

Below about 1.5 kHz a listener places sound by when it comes to either ear, above by how
loud it is there (Rayleigh's duplex theory, Philosophical Magazine 13, 1907). Both
differences are positive for sound from the left.
"""

import math

import jax.numpy as jnp
import scipy.fft

from spatialjax.errors import ShapeError, check_shape
from spatialjax.metrics.weighted import Weighted, is_audible
from spatialjax.typing import Array

LIMIT_DB = 60.0
"""Level differences end here, on both sides."""
LONGEST_ITD_S = 1e-3
"""Times beyond what heads of 0.7 ms allow are not looked at."""
HIGHEST_HZ = 1500.0
"""Above, the phase between the ears is ambiguous."""
ENERGY_FLOOR = 1e-20


def ild_db(ears: Array) -> Array:
    """Level differences [...] in dB, left over right, of signals [..., 2, t].

    Limited to ±`LIMIT_DB`; 0 for silence.
    """
    check_shape("ears", ears, "... 2 t")
    energy = jnp.square(ears.astype(jnp.float32)).mean(-1) + ENERGY_FLOOR
    level_db = 10 * jnp.log10(energy)
    return jnp.clip(level_db[..., 0] - level_db[..., 1], -LIMIT_DB, LIMIT_DB)


def itd_s(ears: Array, sample_rate_hz: float) -> Array:
    """Times [...] in seconds by which the left ear leads, of signals [..., 2, t].

    The place of the highest cross-correlation within ±`LONGEST_ITD_S`, of what lies
    below `HIGHEST_HZ`, refined by a parabola through it and its neighbours. 0 for
    silence.

    Raises:
      ShapeError: there are not two ears, or the signals are shorter than the longest
        time.
    """
    num_samples = check_shape("ears", ears, "... 2 t")["t"]
    most = math.ceil(LONGEST_ITD_S * sample_rate_hz)
    if num_samples <= most:
        raise ShapeError(
            f"the ears have {num_samples} samples; a difference in time needs more "
            f"than {most}"
        )
    correlation = _cross_correlation(ears, sample_rate_hz, most + 1)
    best = 1 + jnp.argmax(correlation[..., 1:-1], -1)
    before, peak, after = (
        jnp.take_along_axis(correlation, (best + shift)[..., None], -1)[..., 0]
        for shift in (-1, 0, 1)
    )
    # The vertex of a parabola; at an end of the range there may be none.
    bend = before - 2 * peak + after
    offset = jnp.where(bend < 0, (before - after) / jnp.where(bend < 0, 2 * bend, 1), 0)
    lag = (best - most - 1).astype(jnp.float32) + jnp.clip(offset, -0.5, 0.5)
    return jnp.where(peak > 0, lag / sample_rate_hz, 0.0)


def ild_error_db(estimate: Array, target: Array) -> Weighted:
    """Absolute differences [...] of ILD in dB between signals [..., 2, t].

    Weight 0 where an ear of the target is silent.

    Raises:
      ShapeError: the shapes differ or there are not two ears.
    """
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    return Weighted(jnp.abs(ild_db(estimate) - ild_db(target)), _is_heard(target))


def itd_error_s(estimate: Array, target: Array, sample_rate_hz: float) -> Weighted:
    """Absolute differences [...] of ITD in seconds between signals [..., 2, t].

    Weight 0 where an ear of the target is silent.

    Raises:
      ShapeError: the shapes differ, there are not two ears, or too few samples.
    """
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    own, true = (itd_s(ears, sample_rate_hz) for ears in (estimate, target))
    return Weighted(jnp.abs(own - true), _is_heard(target))


def _cross_correlation(ears: Array, sample_rate_hz: float, most: int) -> Array:
    """Correlations [..., 2 · most + 1] of what lies below `HIGHEST_HZ`.

    Entry i tells how the left ear resembles the right one of i - most samples later.
    """
    n_fft = scipy.fft.next_fast_len(ears.shape[-1] + most, real=True)
    spectrum = jnp.fft.rfft(ears.astype(jnp.float32), n_fft)
    cross = jnp.conj(spectrum[..., 0, :]) * spectrum[..., 1, :]
    num_kept = 1 + math.floor(HIGHEST_HZ * n_fft / sample_rate_hz)
    kept = jnp.arange(cross.shape[-1]) < num_kept
    cross = jnp.where(kept.reshape((1,) * (cross.ndim - 1) + kept.shape), cross, 0)
    circular = jnp.fft.irfft(cross, n_fft)
    return jnp.concatenate([circular[..., -most:], circular[..., : most + 1]], -1)


def _is_heard(ears: Array) -> Array:
    energy = jnp.square(ears.astype(jnp.float32)).mean(-1)
    return is_audible(energy).all(-1).astype(jnp.float32)
