"""Mirror images of sound fields: every channel is kept or changes its sign."""

import enum

import numpy as np

from spatialjax.ambisonics.channels import degrees, indices, order_of, scale_channels
from spatialjax.errors import check_choice, check_shape
from spatialjax.typing import Array, HostArray


class Mirror(enum.StrEnum):
    """What changes places: y, z or x becomes its negative."""

    LEFT_RIGHT = "left_right"
    UP_DOWN = "up_down"
    FRONT_BACK = "front_back"


def mirror(ambisonics: Array, axis: Mirror) -> Array:
    """The mirrored field [..., c, t], float32, of a field [..., c, t].

    A source that was encoded at (x, y, z) is then, for LEFT_RIGHT, at (x, -y, z). With
    the picture flipped as well this makes a second example of every film.

    Raises:
      ShapeError: the number of channels is no square.
      ConfigError: there is no such axis.
    """
    order = order_of(check_shape("ambisonics", ambisonics, "... c t")["c"])
    return scale_channels(ambisonics, mirror_signs(order, axis))


def mirror_signs(order: int, axis: Mirror) -> HostArray:
    """Sign of each channel, float32 [c]: 1 or -1.

    The parity of the harmonic in the axis: sines (m < 0) are odd in y; harmonics of odd
    n + m are odd in z; cosines of odd m and sines of even m are odd in x.
    """
    n, m = degrees(order), indices(order)
    is_odd = {
        Mirror.LEFT_RIGHT: m < 0,
        Mirror.UP_DOWN: (n + m) % 2 == 1,
        Mirror.FRONT_BACK: (m < 0) != (m % 2 == 1),
    }[check_choice("axis", axis, Mirror)]
    return np.where(is_odd, -1, 1).astype(np.float32)
