"""A measured value beside what it counts for."""

from typing import NamedTuple

from spatialjax.typing import Array, HostArray


class Weighted(NamedTuple):
    """Values and their weights, of one shape.

    Where the weight is 0 the value is undefined, such as the direction of silence; it
    is then some finite number, never NaN.
    """

    value: Array | HostArray
    weight: Array | HostArray
