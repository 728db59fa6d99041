"""Directions as unit vectors and as angles.

The axes are right-handed: x to the front, y to the left, z up. The azimuth is the angle
from the front towards the left, counter-clockwise seen from above; the elevation is the
angle up from the horizontal plane. Both are in radians. NumPy arrays give float64
NumPy arrays; anything else gives float32 JAX arrays.
"""

import jax
import numpy as np

from spatialjax.ambisonics.precision import Numbers, float_arrays
from spatialjax.errors import check_shape

SHORTEST = 1e-12
"""Length under which a vector is none; its square is still a normal float32."""


def angles_to_direction(
    azimuth_rad: Numbers | float, elevation_rad: Numbers | float
) -> Numbers:
    """Unit vectors [..., 3] of angles [...], which broadcast against each other.

    (cos azimuth · cos elevation, sin azimuth · cos elevation, sin elevation).
    """
    xp, azimuth, elevation = float_arrays(azimuth_rad, elevation_rad)
    azimuth, elevation = xp.broadcast_arrays(azimuth, elevation)
    horizontal = xp.cos(elevation)
    return xp.stack(
        [xp.cos(azimuth) * horizontal, xp.sin(azimuth) * horizontal, xp.sin(elevation)],
        axis=-1,
    )


def direction_to_angles(direction: Numbers) -> tuple[Numbers, Numbers]:
    """Azimuth in [-pi, pi) and elevation in [-pi/2, pi/2], each [...], of [..., 3].

    The vectors may have any length. Straight up and down, and for a vector of length 0,
    what is undefined (the azimuth; the elevation) is 0, and so is its gradient.

    Raises:
      ShapeError: the last axis does not hold three coordinates.
    """
    check_shape("direction", direction, "... 3")
    xp, direction = float_arrays(direction)
    direction = _near_one(direction)
    x, y, z = (direction[..., axis] for axis in range(3))
    horizontal = vector_length(direction[..., :2])
    is_upright = horizontal == 0
    azimuth = xp.arctan2(xp.where(is_upright, 0, y), xp.where(is_upright, 1, x))
    is_none = is_upright & (xp.abs(z) < SHORTEST)
    elevation = xp.arctan2(z, xp.where(is_none, 1, horizontal))
    return xp.where(azimuth >= xp.pi, azimuth - 2 * xp.pi, azimuth), elevation


def angle_between_rad(a: Numbers, b: Numbers) -> Numbers:
    """Angle in [0, pi], shape [...], between vectors a and b [..., 3] of any length.

    atan2(|a × b|, a·b), which keeps its digits where the arc cosine of a·b loses them.
    The shorter of b - a and b + a stands for b in the product, since a × a = 0: for
    nearly parallel vectors it has no rounding error. The gradient is finite everywhere
    and 0 where the angle is 0 or pi. Beside a vector of length 0 the angle is 0.

    Raises:
      ShapeError: the last axes do not hold three coordinates.
    """
    check_shape("a", a, "... 3")
    check_shape("b", b, "... 3")
    xp, a, b = float_arrays(a, b)
    a, b = xp.broadcast_arrays(_near_one(a), _near_one(b))
    cosine = xp.sum(a * b, axis=-1)
    shorter = b - xp.where(cosine[..., None] < 0, -a, a)
    sine = vector_length(xp.cross(a, shorter))
    is_none = (sine == 0) & (cosine == 0)
    return xp.arctan2(sine, xp.where(is_none, 1, cosine))


def _near_one(vector: Numbers) -> Numbers:
    """Vectors [..., 3] times powers of 2, which loses no digit, of lengths near 1."""
    xp, vector = float_arrays(vector)
    largest = xp.max(xp.abs(vector), axis=-1, keepdims=True)
    if isinstance(largest, jax.Array):
        largest = jax.lax.stop_gradient(largest)
    exponent = xp.frexp(largest)[1]
    most = 126 if vector.dtype == np.float32 else 1000
    return xp.ldexp(vector, xp.clip(-exponent, -most, most))


def vector_length(vector: Numbers) -> Numbers:
    """Euclidean length [...] of vectors [..., d]; below `SHORTEST` it is 0.

    So is its gradient there, where that of a plain root would be NaN.
    """
    xp, vector = float_arrays(vector)
    square = xp.sum(vector * vector, axis=-1)
    is_short = square < SHORTEST**2
    return xp.where(is_short, 0, xp.sqrt(xp.where(is_short, 1, square)))
