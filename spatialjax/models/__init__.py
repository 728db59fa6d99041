"""The published networks."""

from spatialjax.models.resnet import Resnet, ResnetConfig
from spatialjax.models.small_image_net import SmallImageNet, SmallImageNetConfig
from spatialjax.models.sound_of_pixels import (
    FrameNet,
    SoundOfPixels,
    SoundOfPixelsSpec,
)
from spatialjax.models.synthesizer import (
    Synthesizer,
    SynthesizerConfig,
    SynthesizerKind,
)
from spatialjax.models.unet import Unet, UnetConfig

__all__ = [
    "FrameNet",
    "Resnet",
    "ResnetConfig",
    "SmallImageNet",
    "SmallImageNetConfig",
    "SoundOfPixels",
    "SoundOfPixelsSpec",
    "Synthesizer",
    "SynthesizerConfig",
    "SynthesizerKind",
    "Unet",
    "UnetConfig",
]
