"""A small strided picture network, for small pictures and small machines."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from spatialjax.nn.conv import Conv
from spatialjax.nn.initializers import Draws, fan_in_uniform
from spatialjax.nn.kept import BLOCK
from spatialjax.nn.norm import GLOBAL_NORM, BatchNorm, Mode, NormConfig
from spatialjax.typing import Array


@dataclass(frozen=True)
class SmallImageNetConfig:
    """One 3×3 convolution of stride 2, norm and rectifier for each of `widths`."""

    num_channels: int = 16
    widths: tuple[int, ...] = (16, 32, 64, 64)
    norm: NormConfig = GLOBAL_NORM
    dtype: str = "float32"


class Stage(nnx.Module):
    """Convolution of stride 2, norm, rectifier."""

    def __init__(
        self,
        num_inputs: int,
        width: int,
        config: SmallImageNetConfig,
        *,
        rngs: Draws,
    ) -> None:
        dtype = jnp.dtype(config.dtype)
        self.conv = Conv(num_inputs, width, (3, 3), strides=2, dtype=dtype, rngs=rngs)
        self.norm = BatchNorm(width, config.norm, rngs=rngs)

    def __call__(self, x: Array, mode: Mode) -> Array:
        return checkpoint_name(jax.nn.relu(self.norm(self.conv(x), mode)), BLOCK)


class SmallImageNet(nnx.Module):
    """Features ``[rows, h', w', c]`` of the places of pictures ``[rows, h, w, 3]``.

    Each stage halves the sides, rounding up; pictures are standardised floats.
    """

    def __init__(self, config: SmallImageNetConfig, *, rngs: Draws) -> None:
        inputs, last = (3, *config.widths[:-1]), config.widths[-1]
        self.features = nnx.List(
            Stage(num_inputs, width, config, rngs=rngs)
            for num_inputs, width in zip(inputs, config.widths, strict=True)
        )
        top_init = fan_in_uniform(9 * last)
        self.fc = Conv(
            last,
            config.num_channels,
            (3, 3),
            use_bias=True,
            kernel_init=top_init,
            bias_init=top_init,
            dtype=jnp.dtype(config.dtype),
            rngs=rngs,
        )

    def __call__(self, images: Array, mode: Mode) -> Array:
        """The features, in the compute dtype."""
        x = images
        for stage in self.features:
            x = stage(x, mode)
        return self.fc(x)
