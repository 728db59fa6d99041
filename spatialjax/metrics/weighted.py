"""A measured value beside what it counts for."""

from typing import NamedTuple

from spatialjax.typing import Array, HostArray

SILENT_DB = -60.0
"""Mean square, in dB of full scale, up to which a target is silent."""


class Weighted(NamedTuple):
    """Values and their weights, of one shape.

    Where the weight is 0 the value is undefined, such as the direction of silence; it
    is then some finite number, never NaN.
    """

    value: Array | HostArray
    weight: Array | HostArray


def is_audible(mean_square: Array, silent_db: float = SILENT_DB) -> Array:
    """Whether mean squares of samples, of any shape, are above a level."""
    return mean_square > 10 ** (silent_db / 10)
