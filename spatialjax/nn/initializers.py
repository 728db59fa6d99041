"""Initial values of kernels and norms, as published systems or their library draw them.

A kernel is ``[*taps, i, o]``; its fan-in is the number of inputs of one output.
"""

import enum
import math
from collections.abc import Callable

import jax

from spatialjax.typing import Array

Initializer = Callable[..., Array]
"""Function of (key, shape, dtype) that gives an array."""


class Initialization(enum.Enum):
    """How a network that starts from nothing is drawn."""

    FAN_IN = "fan_in"
    """Variance 2 / fan-in (He et al. 2015, eq. 10), norms at 1, biases at 0."""

    PUBLISHED = "published"
    """What the published system used; stated beside each network."""


he_fan_in: Initializer = jax.nn.initializers.variance_scaling(2.0, "fan_in", "normal")
he_fan_out: Initializer = jax.nn.initializers.variance_scaling(2.0, "fan_out", "normal")


def normal_around(mean: float, deviation: float) -> Initializer:
    """Normal values around a mean."""

    def draw(key: Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike) -> Array:
        return mean + deviation * jax.random.normal(key, shape, dtype)

    return draw


def fan_in_uniform(fan_in: int) -> Initializer:
    """Uniform in ±1/√fan_in: PyTorch's default of kernels and of their biases."""
    bound = 1.0 / math.sqrt(fan_in)

    def draw(key: Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return draw
