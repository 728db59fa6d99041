"""The sound network: a U-Net on log magnitudes (Zhao et al. 2018, section 3.1)."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from spatialjax.errors import ShapeError
from spatialjax.nn.conv import Conv
from spatialjax.nn.initializers import (
    Draws,
    Initialization,
    Initializer,
    fan_in_uniform,
    he_fan_in,
    normal_around,
    ones,
)
from spatialjax.nn.kept import BLOCK
from spatialjax.nn.norm import GLOBAL_NORM, BatchNorm, Mode, NormConfig
from spatialjax.nn.upsample_conv import UpsampleConv
from spatialjax.typing import Array

LEAK = 0.2
"""Slope of the leaky rectifier below zero."""


@dataclass(frozen=True)
class UnetConfig:
    """Size of a `Unet`; the published unet5, unet6 and unet7 differ in `num_downs`."""

    num_channels: int = 32
    num_downs: int = 7
    base_width: int = 64
    norm: NormConfig = GLOBAL_NORM
    initialization: Initialization = Initialization.FAN_IN
    dtype: str = "float32"
    num_inputs: int = 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels below each level; they double until eight times the first."""
        return tuple(
            self.base_width * min(2**level, 8) for level in range(self.num_downs)
        )

    @property
    def kernel_init(self) -> Initializer:
        """Draws the kernels; the published system took N(0, 0.001)."""
        published = self.initialization is Initialization.PUBLISHED
        return normal_around(0.0, 0.001) if published else he_fan_in

    def build_norm(self, num_channels: int, rngs: Draws) -> BatchNorm:
        """A norm; the published system drew its scale from N(1, 0.02)."""
        published = self.initialization is Initialization.PUBLISHED
        scale_init = normal_around(1.0, 0.02) if published else ones
        return BatchNorm(num_channels, self.norm, scale_init=scale_init, rngs=rngs)


class Level(nnx.Module):
    """One level: halve the sides, pass through the levels below, double the sides."""

    def __init__(
        self,
        num_inputs: int,
        width: int,
        num_outputs: int,
        config: UnetConfig,
        *,
        is_outermost: bool,
        is_innermost: bool,
        rngs: Draws,
    ) -> None:
        dtype, init = jnp.dtype(config.dtype), config.kernel_init
        num_inside = width if is_innermost else 2 * width
        self.is_outermost = is_outermost
        self.down = Conv(
            num_inputs,
            width,
            (4, 4),
            strides=2,
            padding=1,
            kernel_init=init,
            dtype=dtype,
            rngs=rngs,
        )
        self.up = UpsampleConv(
            num_inside,
            num_outputs,
            use_bias=is_outermost,
            kernel_init=init,
            bias_init=fan_in_uniform(9 * num_inside),
            dtype=dtype,
            rngs=rngs,
        )
        has_down_norm = not (is_outermost or is_innermost)
        self.down_norm = config.build_norm(width, rngs) if has_down_norm else None
        self.up_norm = None if is_outermost else config.build_norm(num_outputs, rngs)

    def go_down(self, x: Array, mode: Mode) -> Array:
        """The rows with half the sides."""
        if not self.is_outermost:
            x = jax.nn.leaky_relu(x, LEAK)
        x = self.down(x)
        x = x if self.down_norm is None else self.down_norm(x, mode)
        return checkpoint_name(x, BLOCK)

    def go_up(self, x: Array, mode: Mode) -> Array:
        """The rows with twice the sides."""
        x = self.up(jax.nn.relu(x))
        x = x if self.up_norm is None else self.up_norm(x, mode)
        return checkpoint_name(x, BLOCK)


class Unet(nnx.Module):
    """Features of each time-frequency bin: ``[b, f, k]`` to ``[b, f, k, c]``."""

    def __init__(self, config: UnetConfig, *, rngs: Draws) -> None:
        widths = config.widths
        inputs = (config.num_inputs, *widths[:-1])
        outputs = (config.num_channels, *widths[:-1])
        last = config.num_downs - 1
        self.config = config
        self.norm = config.build_norm(config.num_inputs, rngs)
        self.levels = nnx.List(
            Level(
                *sizes,
                config,
                is_outermost=index == 0,
                is_innermost=index == last,
                rngs=rngs,
            )
            for index, sizes in enumerate(zip(inputs, widths, outputs, strict=True))
        )

    def __call__(self, x: Array, mode: Mode) -> Array:
        """The features, in the compute dtype.

        Args:
          x: log magnitude ``[b, f, k]`` or ``[b, f, k, i]``, natural logarithm; of
            several inputs the norm treats each by itself.
          mode: how the norms treat the batch.

        Raises:
          ShapeError: a side is no multiple of two to the number of levels.
        """
        x = x[..., None] if x.ndim == 3 else x
        multiple = 2 ** len(self.levels)
        if x.ndim != 4 or x.shape[1] % multiple or x.shape[2] % multiple:
            raise ShapeError(
                f"the sound network got {list(x.shape)}, expected [b, f, k] with f and "
                f"k multiples of {multiple}, as it halves them {len(self.levels)} times"
            )
        skips = [self.norm(x, mode).astype(self.config.dtype)]
        for level in self.levels:
            skips.append(level.go_down(skips[-1], mode))
        *outer, innermost = self.levels
        x = innermost.go_up(skips.pop(), mode)
        for level in reversed(outer):
            x = level.go_up(jnp.concatenate([skips.pop(), x], -1), mode)
        return x
