"""A small picture network for the whole sphere, equivariant to yaw."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from spatialjax.nn import (
    BLOCK,
    GLOBAL_NORM,
    BatchNorm,
    Draws,
    Mode,
    NormConfig,
    SphereConv,
)
from spatialjax.typing import Array


@dataclass(frozen=True)
class SphereNetConfig:
    """Layers of a `SphereNet`: those of `strided` halve the sides, those of `kept` not.

    `num_inputs` is 3 for colours, 5 with optical flow.
    """

    num_inputs: int = 3
    strided: tuple[int, ...] = (16, 32)
    kept: tuple[int, ...] = (64,)
    num_features: int = 32
    norm: NormConfig = GLOBAL_NORM
    dtype: str = "float32"


class Layer(nnx.Module):
    """Convolution, norm, rectifier."""

    def __init__(
        self,
        num_inputs: int,
        width: int,
        stride: int,
        config: SphereNetConfig,
        *,
        rngs: Draws,
    ) -> None:
        taps = 4 if stride == 2 else 3
        dtype = jnp.dtype(config.dtype)
        self.conv = SphereConv(
            num_inputs, width, taps, stride=stride, dtype=dtype, rngs=rngs
        )
        self.norm = BatchNorm(width, config.norm, rngs=rngs)

    def __call__(self, x: Array, mode: Mode) -> Array:
        return checkpoint_name(jax.nn.relu(self.norm(self.conv(x), mode)), BLOCK)


class SphereNet(nnx.Module):
    """Features ``[rows, h', w', d]`` of equirectangular pictures ``[rows, h, w, i]``.

    Place (r, c) of the result lies at the direction of pixel (r, c) of a picture of
    h' times w' pixels.
    """

    def __init__(self, config: SphereNetConfig, *, rngs: Draws) -> None:
        widths = [config.num_inputs, *config.strided, *config.kept]
        strides = [2] * len(config.strided) + [1] * len(config.kept)
        self.layers = nnx.List(
            Layer(num_inputs, width, stride, config, rngs=rngs)
            for num_inputs, width, stride in zip(
                widths, widths[1:], strides, strict=False
            )
        )
        self.top = SphereConv(
            widths[-1],
            config.num_features,
            3,
            use_bias=True,
            dtype=jnp.dtype(config.dtype),
            rngs=rngs,
        )

    def __call__(self, images: Array, mode: Mode) -> Array:
        """The features, in the compute dtype."""
        x = images
        for layer in self.layers:
            x = layer(x, mode)
        return self.top(x)
