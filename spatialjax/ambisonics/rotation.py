"""Rotation of sound fields: turning a scene turns the harmonics of each degree.

A rotation R is active: it takes a source from the direction u to R u. The field of the
scene then becomes B(R) a, where B has one orthogonal block of 2n + 1 rows for each
degree n; the block of degree 1 is R itself, in the order y, z, x. SN3D and N3D share
the same B.
"""

import functools
import math

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics.channels import (
    degrees,
    indices,
    num_channels,
    order_of,
    scale_channels,
)
from spatialjax.errors import check_shape
from spatialjax.typing import Array, HostArray


def yaw_matrix(yaw_rad: Array | float) -> Array:
    """Rotations [..., 3, 3], float32, about z: by +90 degrees the front goes left."""
    return _axis_rotation(yaw_rad, 2)


def rotation_from_angles(
    yaw_rad: Array | float, pitch_rad: Array | float, roll_rad: Array | float
) -> Array:
    """Rotations [..., 3, 3], float32: R_z(yaw) R_y(-pitch) R_x(roll).

    A head is turned to the left by the yaw, lifts its nose by the pitch, and leans by
    the roll towards its right shoulder. The shapes broadcast.
    """
    return jnp.einsum(
        "...ij,...jk,...kl->...il",
        _axis_rotation(yaw_rad, axis=2),
        _axis_rotation(-pitch_rad, axis=1),
        _axis_rotation(roll_rad, axis=0),
        precision="highest",
    )


def rotate(ambisonics: Array, rotation: Array) -> Array:
    """The field [..., c, t], float32, of a scene turned by rotations [..., 3, 3].

    A source that was encoded at u is then at R u. The leading axes broadcast.

    Raises:
      ShapeError: the number of channels is no square, or the rotation not [..., 3, 3].
    """
    order = order_of(check_shape("ambisonics", ambisonics, "... c t")["c"])
    matrix = harmonic_rotation(rotation, order)
    signal = jnp.asarray(ambisonics, jnp.float32)
    return jnp.einsum("...ij,...jt->...it", matrix, signal, precision="highest")


def turn_head(ambisonics: Array, head_rotation: Array) -> Array:
    """The field [..., c, t], float32, as a listener hears it who has turned the head.

    The head's rotation [..., 3, 3] takes the front to where the nose now points; the
    scene turns the other way, by the transpose.

    Raises:
      ShapeError: the number of channels is no square, or the rotation not [..., 3, 3].
    """
    check_shape("head_rotation", head_rotation, "... 3 3")
    return rotate(ambisonics, jnp.swapaxes(head_rotation, -1, -2))


def rotate_yaw(ambisonics: Array, yaw_rad: Array | float) -> Array:
    """The field [..., c, t], float32, of a scene turned to the left by yaws [...].

    Equal to `rotate` with `yaw_matrix`, at two products a sample: the channels m and
    -m of a degree turn as a pair by the angle m·yaw.

    Raises:
      ShapeError: the number of channels is no square.
    """
    order = order_of(check_shape("ambisonics", ambisonics, "... c t")["c"])
    n, m = degrees(order), indices(order)
    partner = jnp.asarray(ambisonics)[..., n * (n + 1) - m, :]
    yaw = jnp.asarray(yaw_rad, jnp.float32)[..., None]
    angle_rad = yaw * m.astype(np.float32).reshape((1,) * (yaw.ndim - 1) + (-1,))
    return scale_channels(ambisonics, jnp.cos(angle_rad)) - scale_channels(
        partner, jnp.sin(angle_rad)
    )


def harmonic_rotation(rotation: Array, order: int) -> Array:
    """Matrices B [..., c, c], float32, that rotate fields, of rotations [..., 3, 3].

    The recursion of Ivanic and Ruedenberg (J. Phys. Chem. 100, 1996, 6342, with the
    correction in J. Phys. Chem. A 102, 1998, 9099) makes the block of degree l from
    those of degrees 1 and l - 1, without angles and so without singular places. Its
    coefficients factor into rows, known beforehand, and a divisor of each column. In
    float32 the errors stay below 1e-6 up to order 10.

    Args:
      rotation: orthogonal, of determinant 1; a gradient with respect to it is that of
        the polynomial, which is defined for any matrix.
      order: any.

    Raises:
      ShapeError: the rotation is not [..., 3, 3].
      ConfigError: the order is negative.
    """
    check_shape("rotation", rotation, "... 3 3")
    size = num_channels(order)
    rotation = jnp.asarray(rotation, jnp.float32)
    y_z_x = np.array([1, 2, 0])
    first = rotation[..., y_z_x[:, None], y_z_x]
    blocks = [jnp.ones((*rotation.shape[:-2], 1, 1), jnp.float32), first]
    for degree in range(2, order + 1):
        blocks.append(_next_block(first, blocks[-1], degree))
    rows = []
    for degree, block in enumerate(blocks[: order + 1]):
        margin = degree**2, size - (degree + 1) ** 2
        rows.append(jnp.pad(block, [(0, 0)] * (block.ndim - 1) + [margin]))
    return jnp.concatenate(rows, axis=-2)


def _next_block(first: Array, before: Array, degree: int) -> Array:
    """Block [..., 2l + 1, 2l + 1] of degree l from those of degrees 1 and l - 1."""
    low, middle, high = (first[..., i][..., None, None] for i in range(3))
    inner = before[..., None, :, :]
    lowest, highest = inner[..., :1], inner[..., -1:]
    products = jnp.concatenate(
        [
            high * lowest + low * highest,
            middle * inner,
            high * highest - low * lowest,
        ],
        axis=-1,
    )
    rows, divisors = _recursion_coefficients(degree)
    block = jnp.einsum("mia,...ian->...mn", rows, products, precision="highest")
    return block / divisors.reshape((1,) * (block.ndim - 1) + (-1,))


@functools.lru_cache(maxsize=32)
def _recursion_coefficients(degree: int) -> tuple[HostArray, HostArray]:
    """Weights [2l + 1, 3, 2l - 1] of the products P(i; a, b) in each row, and divisors.

    The divisors [2l + 1] belong to the columns; both are float32. u, v and w are those
    of the paper's table 1, and the products with them those of its table 2, where the
    cases m > 0 and m < 0 are one up to signs.
    """
    weights = np.zeros((2 * degree + 1, 3, 2 * degree - 1))
    for m in range(-degree, degree + 1):
        k, sign = abs(m), 1 if m >= 0 else -1
        u = math.sqrt((degree + m) * (degree - m))
        v = math.sqrt((degree + k - 1) * (degree + k)) / 2
        w = -math.sqrt(max(degree - k - 1, 0) * (degree - k)) / 2
        terms = [(0, m, u)]
        if m == 0:
            terms += [(1, 1, -math.sqrt(2) * v), (-1, -1, -math.sqrt(2) * v)]
        else:
            terms += [(sign, k - 1, math.sqrt(2) * v if k == 1 else v)]
            terms += [(-sign, 1 - k, 0 if k == 1 else -sign * v)]
            terms += [(sign, k + 1, sign * w), (-sign, -k - 1, w)]
        for i, a, weight in terms:
            if weight:  # else a may be no row of the block before
                weights[degree + m, 1 + i, degree - 1 + a] += weight
    n = np.arange(-degree, degree + 1)
    squares = np.where(abs(n) < degree, degree**2 - n**2, 2 * degree * (2 * degree - 1))
    return weights.astype(np.float32), np.sqrt(squares).astype(np.float32)


def _axis_rotation(angle_rad: Array | float, axis: int) -> Array:
    """Right-handed rotations [..., 3, 3] about one of the axes x, y, z."""
    angle = jnp.asarray(angle_rad, jnp.float32)
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    one, zero = jnp.ones_like(angle), jnp.zeros_like(angle)
    about_x = [one, zero, zero, zero, cosine, -sine, zero, sine, cosine]
    matrix = jnp.stack(about_x, axis=-1).reshape(*angle.shape, 3, 3)
    return jnp.roll(matrix, (axis, axis), axis=(-2, -1))
