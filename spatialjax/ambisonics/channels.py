"""The channels of an ambisonic signal: their number and what each one is.

A sound field of order N has one channel for every spherical harmonic of degree n = 0
.. N and index m = -n .. n, (N + 1)² in all. The degree is the fineness in space; the
index counts the periods around the vertical axis, as cosines (m >= 0) or as sines
(m < 0). ACN (ambisonic channel number) puts them in the order ``n² + n + m``: W | Y, Z,
X | V, T, R, S, U | ... (Nachbar, Zotter, Deleflie and Sontacchi, "ambiX - A suggested
ambisonics format", 2011).
"""

import math

import jax.numpy as jnp
import numpy as np

from spatialjax.errors import ConfigError, ShapeError, check_shape
from spatialjax.typing import Array, HostArray


def num_channels(order: int) -> int:
    """Number of channels of an order: (order + 1)².

    Raises:
      ConfigError: the order is negative.
    """
    if order < 0:
        raise ConfigError(f"the ambisonic order is {order}; it must be at least 0")
    return (order + 1) ** 2


def order_of(num_channels: int) -> int:
    """Order of a signal of so many channels: 4 channels have order 1.

    Raises:
      ShapeError: the number is not a square.
    """
    root = math.isqrt(max(num_channels, 0))
    if num_channels < 1 or root**2 != num_channels:
        raise ShapeError(
            f"{num_channels} channels are no ambisonic signal, which has (order + 1)² "
            "of them: 1, 4, 9, 16, ...; leave out head-locked or silent channels"
        )
    return root - 1


def acn_index(degree_n: int, index_m: int) -> int:
    """Position of the harmonic of degree n and index m, from 0: n² + n + m.

    Raises:
      ConfigError: m does not lie between -n and n.
    """
    if abs(index_m) > degree_n:
        raise ConfigError(
            f"there is no harmonic of degree {degree_n} and index {index_m}; the index "
            "lies between -degree and degree"
        )
    return degree_n * (degree_n + 1) + index_m


def degrees(order: int) -> HostArray:
    """Degree n of each channel, int32 [c]: 0, 1, 1, 1, 2, ..."""
    return np.sqrt(np.arange(num_channels(order))).astype(np.int32)


def indices(order: int) -> HostArray:
    """Index m of each channel, int32 [c]: 0, -1, 0, 1, -2, ..."""
    n = degrees(order)
    return np.arange(n.size, dtype=np.int32) - n * (n + 1)


def scale_channels(ambisonics: Array, gains: Array | HostArray) -> Array:
    """A signal [..., c, t], float32, with each channel times its gain [..., c].

    Raises:
      ShapeError: there are not as many gains as channels.
    """
    sizes = check_shape("gains", gains, "... c")
    check_shape("ambisonics", ambisonics, "... c t", sizes)
    factors, signal = jnp.broadcast_arrays(
        jnp.asarray(gains, jnp.float32)[..., None], jnp.asarray(ambisonics, jnp.float32)
    )
    return factors * signal
