"""Initial values of kernels and norms, as published systems or their library draw them.

A kernel is ``[*taps, i, o]``; its fan-in is the number of inputs of one output.
"""

import enum
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from spatialjax.typing import Array

Shape = tuple[int, ...]


class Draws:
    """The random numbers of a module that is being built; stands in for `nnx.Rngs`.

    Every parameter takes its share of one vector: a compiler needs about a second for
    each call of a generator, and a network has some forty. Without the vector, the
    draws are counted only. Layers of flax take their keys as from `nnx.Rngs`.
    """

    def __init__(self, key: Array, vector: Array | None = None) -> None:
        self.num_drawn = 0
        self._num_keys = 0
        self._key = key
        self._vector = vector

    @staticmethod
    def vector(key: Array, size: int) -> Array:
        """Uniform numbers in (-1, 1), without the ends."""
        return jax.random.uniform(key, (size,), jnp.float32, 2.0**-24 - 1.0, 1.0)

    def uniform(self, shape: Shape) -> Array:
        """Uniform numbers in (-1, 1)."""
        start = self.num_drawn
        self.num_drawn += math.prod(shape)
        if self._vector is None:
            return jnp.zeros(shape)
        return lax.slice(self._vector, (start,), (self.num_drawn,)).reshape(shape)

    def normal(self, shape: Shape) -> Array:
        """Normal numbers of mean 0 and variance 1."""
        return math.sqrt(2.0) * lax.erf_inv(self.uniform(shape))

    def params(self) -> Array:
        """A new key."""
        self._num_keys += 1
        return jax.random.fold_in(self._key, self._num_keys)


Initializer = Callable[[Draws, Shape], Array]


class Initialization(enum.Enum):
    """How a network that starts from nothing is drawn."""

    FAN_IN = "fan_in"
    """Variance 2 / fan-in (He et al. 2015, eq. 10), norms at 1, biases at 0."""

    PUBLISHED = "published"
    """What the published system used; stated beside each network."""


def zeros(draws: Draws, shape: Shape) -> Array:
    """Zeros."""
    del draws
    return jnp.zeros(shape)


def ones(draws: Draws, shape: Shape) -> Array:
    """Ones."""
    del draws
    return jnp.ones(shape)


def he_fan_in(draws: Draws, shape: Shape) -> Array:
    """Normal numbers of variance 2 / fan-in (He et al. 2015, eq. 10)."""
    return math.sqrt(2.0 / math.prod(shape[:-1])) * draws.normal(shape)


def he_fan_out(draws: Draws, shape: Shape) -> Array:
    """Normal numbers of variance 2 / fan-out (He et al. 2015, eq. 14)."""
    fan_out = math.prod(shape[:-2]) * shape[-1]
    return math.sqrt(2.0 / fan_out) * draws.normal(shape)


def glorot_uniform(draws: Draws, shape: Shape) -> Array:
    """Uniform numbers of variance 2 / (fan-in + fan-out) (Glorot, Bengio 2010, eq. 16).

    The order of the last two axes, and so a transposed kernel, makes no difference.
    """
    fans = math.prod(shape[:-2]) * (shape[-2] + shape[-1])
    return math.sqrt(6.0 / fans) * draws.uniform(shape)


def truncated_normal(deviation: float) -> Initializer:
    """Normal numbers around 0, drawn again beyond two deviations, as TensorFlow does.

    Their own standard deviation is 0.8796 of `deviation`.
    """
    inside = math.erf(math.sqrt(2.0))
    scale = math.sqrt(2.0) * deviation
    return lambda draws, shape: scale * lax.erf_inv(inside * draws.uniform(shape))


def normal_around(mean: float, deviation: float) -> Initializer:
    """Normal numbers around a mean."""
    return lambda draws, shape: mean + deviation * draws.normal(shape)


def fan_in_uniform(fan_in: int) -> Initializer:
    """Uniform in ±1/√fan_in: PyTorch's default of kernels and of their biases."""
    return lambda draws, shape: draws.uniform(shape) / math.sqrt(fan_in)
