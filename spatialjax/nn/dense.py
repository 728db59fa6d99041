"""A matrix and a bias on the last axis."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from spatialjax.nn.conv import add_bias, build_bias
from spatialjax.nn.initializers import Draws, Initializer, he_fan_in, zeros
from spatialjax.nn.kept import LINEAR
from spatialjax.typing import Array


class Dense(nnx.Module):
    """Linear map of ``[..., i]`` to ``[..., o]``, with a bias.

    Computes in `dtype`; the parameters stay float32.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        *,
        kernel_init: Initializer = he_fan_in,
        bias_init: Initializer = zeros,
        dtype: jax.typing.DTypeLike = jnp.float32,
        rngs: Draws,
    ) -> None:
        self.dtype = dtype
        self.kernel = nnx.Param(kernel_init(rngs, (num_inputs, num_outputs)))
        self.bias = build_bias(num_outputs, bias_init, rngs)

    def __call__(self, x: Array) -> Array:
        """The mapped values, in the compute dtype."""
        y = x.astype(self.dtype) @ self.kernel[...].astype(self.dtype)
        return add_bias(checkpoint_name(y, LINEAR), self.bias[...])
