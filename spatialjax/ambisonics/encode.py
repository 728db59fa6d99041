"""Sources as sound fields: plane waves from a direction."""

import jax.numpy as jnp

from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.errors import check_shape
from spatialjax.typing import Array


def encode(signal: Array, direction: Array, order: int) -> Array:
    """Sound field [..., c, t], float32, of a plane wave: a = s·Y(direction).

    W is the signal itself. Fields add up: the sum over an axis of sources is the field
    of them all.

    Args:
      signal: [..., t].
      direction: unit vectors [..., 3], from where the sound comes; the leading axes
        broadcast against those of the signal.
      order: of the field, which has c = (order + 1)² channels.

    Raises:
      ShapeError: the last axis of the direction does not hold three coordinates.
      ConfigError: the order is negative.
    """
    check_shape("signal", signal, "... t")
    gains = spherical_harmonics(jnp.asarray(direction, jnp.float32), order)
    return _outer(gains[..., None], signal)


def encode_moving(signal: Array, direction: Array, order: int) -> Array:
    """Sound field [..., c, t], float32, of a plane wave that moves.

    Args:
      signal: [..., t].
      direction: unit vectors [..., t, 3], one for each sample; the leading axes
        broadcast against those of the signal.
      order: of the field, which has c = (order + 1)² channels.

    Raises:
      ShapeError: there are not as many directions as samples.
      ConfigError: the order is negative.
    """
    sizes = check_shape("signal", signal, "... t")
    check_shape("direction", direction, "... t 3", sizes)
    gains = spherical_harmonics(jnp.asarray(direction, jnp.float32), order)
    return _outer(jnp.swapaxes(gains, -1, -2), signal)


def _outer(gains: Array, signal: Array) -> Array:
    """Gains [..., c, t or 1] times a signal [..., t]."""
    samples = jnp.asarray(signal, jnp.float32)[..., None, :]
    factors, samples = jnp.broadcast_arrays(gains, samples)
    return factors * samples
