"""The frame network: ResNet-18, dilated or not, and a 3×3 convolution on top.

He et al. 2016; dilation as in Zhao et al. 2018, section 3.1. Children are named as in
the published files: ``features/layer4/0/downsample/0/kernel``.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from spatialjax.nn.conv import Conv
from spatialjax.nn.initializers import Draws, fan_in_uniform, he_fan_out
from spatialjax.nn.kept import BLOCK
from spatialjax.nn.norm import GLOBAL_NORM, BatchNorm, Mode, NormConfig
from spatialjax.nn.pooling import max_pool
from spatialjax.typing import Array


@dataclass(frozen=True)
class ResnetConfig:
    """Size of a `Resnet`.

    `total_stride` is the side of the picture over the side of the map: 32 is the plain
    network (resnet18fc), 16 the published default (resnet18dilated), 8 dilates the
    third stage as well.
    """

    num_channels: int = 32
    total_stride: int = 16
    base_width: int = 64
    norm: NormConfig = GLOBAL_NORM
    dtype: str = "float32"

    def stage(self, index: int) -> tuple[int, int, int]:
        """Stride and dilation of the first convolution of a stage, then dilation."""
        if index == 0:
            return 1, 1, 1
        before = 4 * 2 ** (index - 1)
        if before < self.total_stride:
            return 2, 1, 1
        first = before // self.total_stride
        return 1, first, 2 * first


class Block(nnx.Module):
    """Two 3×3 convolutions with norms, around them a shortcut."""

    def __init__(
        self,
        num_inputs: int,
        width: int,
        stage: tuple[int, int, int],
        config: ResnetConfig,
        *,
        rngs: Draws,
    ) -> None:
        stride, first_dilation, dilation = stage
        self.conv1 = _conv(num_inputs, width, 3, stride, first_dilation, config, rngs)
        self.bn1 = BatchNorm(width, config.norm, rngs=rngs)
        self.conv2 = _conv(width, width, 3, 1, dilation, config, rngs)
        self.bn2 = BatchNorm(width, config.norm, rngs=rngs)
        self.downsample = (
            nnx.List(
                [
                    _conv(num_inputs, width, 1, stride, 1, config, rngs),
                    BatchNorm(width, config.norm, rngs=rngs),
                ]
            )
            if num_inputs != width
            else None
        )

    def __call__(self, x: Array, mode: Mode) -> Array:
        y = jax.nn.relu(self.bn1(self.conv1(x), mode))
        y = self.bn2(self.conv2(y), mode)
        if self.downsample is not None:
            project, norm = self.downsample
            x = norm(project(x), mode)
        return checkpoint_name(jax.nn.relu(x + y), BLOCK)


class Trunk(nnx.Module):
    """ResNet-18 without its pooling and classifier."""

    def __init__(self, config: ResnetConfig, *, rngs: Draws) -> None:
        width = config.base_width
        self.conv1 = _conv(3, width, 7, 2, 1, config, rngs)
        self.bn1 = BatchNorm(width, config.norm, rngs=rngs)
        inputs = width
        for index in range(4):
            width = config.base_width * 2**index
            first = config.stage(index)
            later = (1, first[2], first[2])
            blocks = [
                Block(inputs, width, first, config, rngs=rngs),
                Block(width, width, later, config, rngs=rngs),
            ]
            setattr(self, f"layer{index + 1}", nnx.List(blocks))
            inputs = width

    def __call__(self, x: Array, mode: Mode) -> Array:
        x = max_pool(jax.nn.relu(self.bn1(self.conv1(x), mode)))
        x = checkpoint_name(x, BLOCK)
        for index in range(4):
            for block in getattr(self, f"layer{index + 1}"):
                x = block(x, mode)
        return x


class Resnet(nnx.Module):
    """Features ``[rows, h', w', c]`` of the places of pictures ``[rows, h, w, 3]``.

    Pictures are standardised floats. The top convolution is drawn as PyTorch does.
    """

    def __init__(self, config: ResnetConfig, *, rngs: Draws) -> None:
        width = 8 * config.base_width
        top_init = fan_in_uniform(9 * width)
        self.features = Trunk(config, rngs=rngs)
        self.fc = Conv(
            width,
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
        return self.fc(self.features(images, mode))


def _conv(
    num_inputs: int,
    num_outputs: int,
    size: int,
    stride: int,
    dilation: int,
    config: ResnetConfig,
    rngs: Draws,
) -> Conv:
    return Conv(
        num_inputs,
        num_outputs,
        (size, size),
        strides=stride,
        dilation=dilation,
        kernel_init=he_fan_out,
        dtype=jnp.dtype(config.dtype),
        rngs=rngs,
    )
