"""Activations and poolings that a configuration can name."""

import enum

import jax
import jax.numpy as jnp

from spatialjax.typing import Array


class Activation(enum.Enum):
    """A function of each value; softmax is taken over the channels."""

    NONE = "none"
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"
    RELU = "relu"
    TANH = "tanh"
    ABSTANH = "abstanh"


_FUNCTIONS = {
    Activation.NONE: lambda x: x,
    Activation.SIGMOID: jax.nn.sigmoid,
    Activation.SOFTMAX: jax.nn.softmax,
    Activation.RELU: jax.nn.relu,
    Activation.TANH: jnp.tanh,
    Activation.ABSTANH: lambda x: jnp.abs(jnp.tanh(x)),
}


def activate(x: Array, activation: Activation) -> Array:
    """The activation of ``[..., c]``."""
    return _FUNCTIONS[activation](x)


class Pooling(enum.Enum):
    """How values are brought down to one."""

    MAX = "max"
    MEAN = "avg"


def pool(x: Array, axes: int | tuple[int, ...], pooling: Pooling) -> Array:
    """The maximum or the mean over axes."""
    return x.max(axes) if pooling is Pooling.MAX else x.mean(axes)
