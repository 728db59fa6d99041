"""The sound of pixels: sound, frame and synthesizer networks (Zhao et al. 2018)."""

import enum
from dataclasses import dataclass

import jax.numpy as jnp
from flax import nnx

from spatialjax.errors import ConfigError, check_shape
from spatialjax.models.resnet import Resnet, ResnetConfig
from spatialjax.models.small_image_net import SmallImageNet, SmallImageNetConfig
from spatialjax.models.synthesizer import (
    Synthesizer,
    SynthesizerConfig,
    SynthesizerKind,
)
from spatialjax.models.unet import Unet, UnetConfig
from spatialjax.nn.activations import Activation, Pooling, activate, pool
from spatialjax.nn.initializers import Draws, Initialization
from spatialjax.nn.norm import GLOBAL_NORM, Mode, NormConfig
from spatialjax.typing import Array


class FrameNet(enum.Enum):
    """The network that looks at the pictures."""

    RESNET18_DILATED = "resnet18dilated"
    RESNET18_FC = "resnet18fc"
    SMALL = "small"


@dataclass(frozen=True)
class SoundOfPixelsSpec:
    """Everything that decides the parameters and the function of `SoundOfPixels`.

    The defaults are the published sizes. `frame_widths` belongs to `FrameNet.SMALL`,
    `frame_width` to the others.
    """

    num_channels: int = 32
    sound_downs: int = 7
    sound_width: int = 64
    sound_activation: Activation = Activation.NONE
    frame_net: FrameNet = FrameNet.RESNET18_DILATED
    frame_width: int = 64
    frame_widths: tuple[int, ...] = (16, 32, 64, 64)
    frame_pooling: Pooling = Pooling.MAX
    frame_activation: Activation = Activation.SIGMOID
    synthesizer: SynthesizerKind = SynthesizerKind.LINEAR
    norm: NormConfig = GLOBAL_NORM
    initialization: Initialization = Initialization.FAN_IN
    compute_dtype: str = "float32"

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range.
        """
        self.norm.validate()
        if not 2 <= self.sound_downs <= 10:
            raise ConfigError(f"sound_downs is {self.sound_downs}; give 2 to 10")
        sizes = {
            "num_channels": self.num_channels,
            "sound_width": self.sound_width,
            "frame_width": self.frame_width,
            "frame_widths": min(self.frame_widths, default=0),
        }
        for name, size in sizes.items():
            if size < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.compute_dtype not in ("float32", "bfloat16"):
            raise ConfigError(
                f"compute_dtype is {self.compute_dtype!r}; give float32 or bfloat16"
            )

    @property
    def sound(self) -> UnetConfig:
        """The configuration of the sound network."""
        return UnetConfig(
            num_channels=self.num_channels,
            num_downs=self.sound_downs,
            base_width=self.sound_width,
            norm=self.norm,
            initialization=self.initialization,
            dtype=self.compute_dtype,
        )

    def build_frame(self, rngs: Draws) -> Resnet | SmallImageNet:
        """The frame network."""
        if self.frame_net is FrameNet.SMALL:
            small = SmallImageNetConfig(
                self.num_channels, self.frame_widths, self.norm, self.compute_dtype
            )
            return SmallImageNet(small, rngs=rngs)
        stride = 16 if self.frame_net is FrameNet.RESNET18_DILATED else 32
        resnet = ResnetConfig(
            self.num_channels, stride, self.frame_width, self.norm, self.compute_dtype
        )
        return Resnet(resnet, rngs=rngs)


class SoundOfPixels(nnx.Module):
    """Mask logits of the sources that pictures show, from the sound of all together."""

    def __init__(self, spec: SoundOfPixelsSpec, *, rngs: Draws) -> None:
        self.spec = spec
        self.sound = Unet(spec.sound, rngs=rngs)
        self.frame = spec.build_frame(rngs)
        synthesizer = SynthesizerConfig(
            spec.num_channels, spec.synthesizer, spec.compute_dtype
        )
        self.synthesizer = Synthesizer(synthesizer, rngs=rngs)

    def __call__(self, log_magnitude: Array, images: Array, mode: Mode) -> Array:
        """Mask logits ``[b, n, f, k]``, float32.

        Args:
          log_magnitude: of the mixture ``[b, f, k]``, natural logarithm.
          images: standardised pictures of the sources ``[b, n, v, h, w, 3]``.
          mode: how the norms treat the batch.
        """
        sound = self.sound_features(log_magnitude, mode)
        visual = self.visual_vector(self.visual_map(images, mode))
        return self.logits(visual, sound)

    def sound_features(self, log_magnitude: Array, mode: Mode) -> Array:
        """Activated features ``[b, f, k, c]`` of the mixture ``[b, f, k]``."""
        features = self.sound(log_magnitude, mode.with_rows(1, 1))
        return activate(features, self.spec.sound_activation)

    def visual_map(self, images: Array, mode: Mode) -> Array:
        """Features ``[b, n, v, h', w', c]`` before pooling and activation, float32.

        All pictures ``[b, n, v, h, w, 3]`` pass through the network in one call.
        """
        sizes = check_shape("images", images, "b n v h w 3")
        b, n, v = sizes["b"], sizes["n"], sizes["v"]
        rows = images.reshape(b * n * v, *images.shape[3:])
        features = self.frame(rows, mode.with_rows(n, v)).astype(jnp.float32)
        return features.reshape(b, n, v, *features.shape[1:])

    def visual_vector(self, visual_map: Array) -> Array:
        """Features ``[b, n, c]``: pooled over pictures and places, then activated."""
        pooled = pool(visual_map, (2, 3, 4), self.spec.frame_pooling)
        return activate(pooled, self.spec.frame_activation)

    def logits(self, visual: Array, sound: Array) -> Array:
        """Mask logits ``[b, n, f, k]`` of visual vectors and sound features."""
        return self.synthesizer(visual, sound)

    def place_vectors(self, visual_map: Array) -> Array:
        """Features ``[b, n, h', w', c]``: pooled over pictures only, then activated."""
        pooled = pool(visual_map, 2, self.spec.frame_pooling)
        return activate(pooled, self.spec.frame_activation)

    def place_logits(self, log_magnitude: Array, images: Array, mode: Mode) -> Array:
        """Mask logits of each place, ``[b, n, h', w', f, k]``, float32."""
        sound = self.sound_features(log_magnitude, mode)
        visual = self.place_vectors(self.visual_map(images, mode))
        return self.synthesizer(visual, sound)
