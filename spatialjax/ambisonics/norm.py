"""Normalisations of spherical harmonics, and the older format of Furse and Malham.

All normalisations differ by one factor per degree n. In SN3D no harmonic exceeds the
omnidirectional one, so a source never clips a channel that its W does not clip. In N3D
= √(2n + 1)·SN3D all harmonics have the mean square 1 over the sphere, and divided by
√(4π) they are orthonormal. AmbiX, and this library, is SN3D.
"""

import enum
import math

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics.channels import (
    degrees,
    num_channels,
    order_of,
    scale_channels,
)
from spatialjax.errors import ConfigError, check_choice, check_shape
from spatialjax.typing import Array, HostArray

# W | X Y Z | R S T U V | K L M N O P Q, as ACN indices and as gains over SN3D. Each but
# W has the maximum 1 over the sphere (Malham, "Higher order Ambisonic systems", 2003).
_FUMA_ACN = np.array([0, 3, 1, 2, 6, 7, 5, 8, 4, 12, 13, 11, 14, 10, 15, 9])
_FUMA_GAINS = np.sqrt(
    [1 / 2, 1, 1, 1, 1, *[4 / 3] * 4, 1, *[45 / 32] * 2, *[9 / 5] * 2, *[8 / 5] * 2]
)


class Norm(enum.StrEnum):
    """Which factor each degree carries."""

    SN3D = "sn3d"
    N3D = "n3d"
    ORTHONORMAL = "orthonormal"


def norm_gains(order: int, norm: Norm) -> HostArray:
    """Factors float64 [c] from SN3D to another normalisation.

    Raises:
      ConfigError: the order is negative, or there is no such normalisation.
    """
    norm = check_choice("norm", norm, Norm)
    if norm == Norm.SN3D:
        return np.ones(num_channels(order))
    gains = np.sqrt(2 * degrees(order) + 1.0)
    return gains if norm == Norm.N3D else gains / math.sqrt(4 * math.pi)


def convert_norm(ambisonics: Array, source: Norm, target: Norm) -> Array:
    """A signal [..., c, t], float32, brought from one normalisation to another.

    Raises:
      ShapeError: the number of channels is no square.
      ConfigError: there is no such normalisation.
    """
    order = order_of(check_shape("ambisonics", ambisonics, "... c t")["c"])
    return scale_channels(
        ambisonics, norm_gains(order, target) / norm_gains(order, source)
    )


def ambix_to_fuma(ambisonics: Array) -> Array:
    """FuMa channels [..., c, t] (W, X, Y, Z, R, S, T, U, V, K, ...) of AmbiX channels.

    Raises:
      ShapeError: the number of channels is no square.
      ConfigError: the order is above 3.
    """
    acn, gains = _fuma_channels(ambisonics)
    return scale_channels(jnp.asarray(ambisonics)[..., acn, :], gains)


def fuma_to_ambix(fuma: Array) -> Array:
    """AmbiX channels [..., c, t] of a full set of FuMa channels: 1, 4, 9 or 16.

    Raises:
      ShapeError: the number of channels is no square.
      ConfigError: the order is above 3.
    """
    acn, gains = _fuma_channels(fuma)
    return scale_channels(fuma, 1 / gains)[..., np.argsort(acn), :]


def _fuma_channels(signal: Array) -> tuple[HostArray, HostArray]:
    """ACN index and gain over SN3D, each [c], of every FuMa channel of a signal."""
    size = check_shape("signal", signal, "... c t")["c"]
    if order_of(size) > 3:
        raise ConfigError(
            f"the signal has order {order_of(size)}; FuMa ends at order 3, so keep "
            "AmbiX or drop the higher channels"
        )
    return _FUMA_ACN[:size], _FUMA_GAINS[:size]
