"""What spatialaudiogen hears and sees with (Morgado et al. 2018).

Layers have the names of the published checkpoints, and TensorFlow's `SAME` padding.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from spatialjax.errors import check_shape
from spatialjax.nn.conv import SAME, Conv, conv
from spatialjax.nn.initializers import Draws, glorot_uniform
from spatialjax.nn.kept import BLOCK, LINEAR
from spatialjax.nn.norm import BatchNorm, Mode, NormConfig
from spatialjax.nn.pooling import max_pool
from spatialjax.typing import Array

NUM_FRAMES = 127
NUM_BINS = 1024
"""The two-sided transform; these two sizes give whole strides in all five layers."""

AUDIO_LAYERS = (
    ((7, 16), (4, 8)),
    ((3, 7), (2, 4)),
    ((3, 5), (2, 2)),
    ((3, 5), (1, 1)),
    ((3, 5), (1, 1)),
)
"""Taps and strides, in frames and bins, of conv1 to conv5 and of deconv1 to deconv5."""

PUBLISHED_NORM = NormConfig(momentum=0.01, epsilon=1e-3)
"""TensorFlow's decay 0.99 and epsilon."""


class AudioEncoder(nnx.Module):
    """Five unpadded convolutions of magnitudes; the width doubles with each."""

    def __init__(self, width: int, *, dtype: jax.typing.DTypeLike, rngs: Draws) -> None:
        inputs, outputs = 1, width
        for index, (taps, strides) in enumerate(AUDIO_LAYERS):
            layer = Conv(
                inputs,
                outputs,
                taps,
                strides=strides,
                padding=0,
                use_bias=True,
                kernel_init=glorot_uniform,
                dtype=dtype,
                rngs=rngs,
            )
            setattr(self, f"conv{index + 1}", layer)
            inputs, outputs = outputs, 2 * outputs

    def __call__(self, magnitude: Array) -> tuple[Array, ...]:
        """Outputs ``[b, k', f', c]`` of all five layers, in the compute dtype.

        Args:
          magnitude: not logarithmic, of the two-sided spectrum ``[b, 127, 1024]``,
            frames before bins.

        Raises:
          ShapeError: there are other numbers of frames or bins.
        """
        check_shape("magnitude", magnitude, f"b {NUM_FRAMES} {NUM_BINS}")
        x, outputs = magnitude[..., None], []
        for index in range(len(AUDIO_LAYERS)):
            x = jax.nn.relu(getattr(self, f"conv{index + 1}")(x))
            x = checkpoint_name(x, BLOCK)
            outputs.append(x)
        return tuple(outputs)


@dataclass(frozen=True)
class VisualConfig:
    """Size of a `VisualEncoder`: width of the first stage, blocks in each stage.

    The published shortcuts have neither norm nor bias; a bias takes up the norm of
    ImageNet weights from elsewhere, folded into the shortcut.
    """

    width: int = 64
    depth: tuple[int, ...] = (2, 2, 2, 2)
    has_shortcut_bias: bool = False
    norm: NormConfig = PUBLISHED_NORM
    dtype: str = "float32"

    @property
    def total_stride(self) -> int:
        """Side of a picture over the side of its map, which is rounded up."""
        return 2 ** (len(self.depth) + 1)


class ConvNorm(nnx.Module):
    """A convolution without bias, and its norm."""

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        size: int,
        stride: int,
        config: VisualConfig,
        *,
        rngs: Draws,
    ) -> None:
        self.stride, self.dtype = stride, config.dtype
        shape = (size, size, num_inputs, num_outputs)
        self.kernel = nnx.Param(glorot_uniform(rngs, shape))
        self.bn = BatchNorm(num_outputs, config.norm, rngs=rngs)

    def __call__(self, x: Array, mode: Mode) -> Array:
        kernel = self.kernel[...].astype(self.dtype)
        y = conv(x.astype(self.dtype), kernel, self.stride, SAME)
        return self.bn(checkpoint_name(y, LINEAR), mode)


class Block(nnx.Module):
    """Two 3×3 convolutions; around them the input, or its 1×1 convolution."""

    def __init__(
        self, num_inputs: int, width: int, config: VisualConfig, *, rngs: Draws
    ) -> None:
        is_identity = num_inputs == width
        stride = 1 if is_identity else 2
        self.conv_1 = ConvNorm(num_inputs, width, 3, stride, config, rngs=rngs)
        self.conv_2 = ConvNorm(width, width, 3, 1, config, rngs=rngs)
        self.shortcut = (
            None
            if is_identity
            else Conv(
                num_inputs,
                width,
                (1, 1),
                strides=stride,
                use_bias=config.has_shortcut_bias,
                kernel_init=glorot_uniform,
                dtype=jnp.dtype(config.dtype),
                rngs=rngs,
            )
        )

    def __call__(self, x: Array, mode: Mode) -> Array:
        y = self.conv_2(jax.nn.relu(self.conv_1(x, mode)), mode)
        y = jax.nn.relu(y + (x if self.shortcut is None else self.shortcut(x)))
        return checkpoint_name(y, BLOCK)


class VisualEncoder(nnx.Module):
    """ResNet-18 up to its last block, for pictures or optical flow."""

    def __init__(self, config: VisualConfig, *, rngs: Draws) -> None:
        inputs = width = config.width
        self.depth = config.depth
        self.conv1 = nnx.Dict(conv=ConvNorm(3, width, 7, 2, config, rngs=rngs))
        for stage, num_blocks in enumerate(config.depth):
            width = config.width * 2**stage
            for index in range(num_blocks):
                block = Block(inputs, width, config, rngs=rngs)
                setattr(self, f"conv{stage + 2}_{index + 1}", block)
                inputs = width

    def __call__(self, images: Array, mode: Mode) -> Array:
        """Features ``[rows, h', w', c]`` of ``[rows, h, w, 3]``, in the compute dtype.

        Pictures are in [-0.5, 0.5]; flow is its two components and its length, pixels.
        """
        x = jax.nn.relu(self.conv1["conv"](images, mode))
        x = checkpoint_name(max_pool(x, padding=SAME), BLOCK)
        for stage, num_blocks in enumerate(self.depth):
            for index in range(num_blocks):
                x = getattr(self, f"conv{stage + 2}_{index + 1}")(x, mode)
        return x
