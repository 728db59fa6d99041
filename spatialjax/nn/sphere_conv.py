"""Convolution of equirectangular maps that knows no edge."""

import jax
import jax.numpy as jnp
from flax import nnx

from spatialjax.nn.conv import Conv
from spatialjax.nn.initializers import Draws
from spatialjax.typing import Array
from spatialjax.vision import pad_circular


class SphereConv(nnx.Module):
    """Convolution of maps ``[rows, h, w, i]`` that go on around and over the poles.

    The number of taps is odd with stride 1 and even with stride 2, so that the places
    of the result are again the pixels of an equirectangular picture. A map rolled by
    the stride gives the result rolled by 1: the layer is equivariant to yaw.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        taps: int,
        *,
        stride: int = 1,
        use_bias: bool = False,
        dtype: jax.typing.DTypeLike = jnp.float32,
        rngs: Draws,
    ) -> None:
        self.pad = (taps - 1) // 2
        self.conv = Conv(
            num_inputs,
            num_outputs,
            (taps, taps),
            strides=stride,
            padding=0,
            use_bias=use_bias,
            dtype=dtype,
            rngs=rngs,
        )

    def __call__(self, x: Array) -> Array:
        """The filtered maps ``[rows, h / stride, w / stride, o]``."""
        return self.conv(pad_circular(x, self.pad, self.pad))
