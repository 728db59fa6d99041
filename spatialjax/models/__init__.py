"""The published networks."""

from spatialjax.models.audio_only_field import AudioOnlyField, AudioOnlyFieldSpec
from spatialjax.models.directional_attention import (
    DirectionalAttention,
    DirectionalAttentionSpec,
)
from spatialjax.models.field import BinAttention, Field, interpolate_in_time
from spatialjax.models.resnet import Resnet, ResnetConfig
from spatialjax.models.small_image_net import SmallImageNet, SmallImageNetConfig
from spatialjax.models.sound_of_pixels import (
    FrameNet,
    SoundOfPixels,
    SoundOfPixelsSpec,
)
from spatialjax.models.spatialaudiogen import (
    SeparationKind,
    SpatialAudioGen,
    SpatialAudioGenSpec,
    Tracks,
)
from spatialjax.models.sphere_net import SphereNet, SphereNetConfig
from spatialjax.models.synthesizer import (
    Synthesizer,
    SynthesizerConfig,
    SynthesizerKind,
)
from spatialjax.models.unet import Unet, UnetConfig

__all__ = [
    "AudioOnlyField",
    "AudioOnlyFieldSpec",
    "BinAttention",
    "DirectionalAttention",
    "DirectionalAttentionSpec",
    "Field",
    "FrameNet",
    "Resnet",
    "ResnetConfig",
    "SeparationKind",
    "SmallImageNet",
    "SmallImageNetConfig",
    "SoundOfPixels",
    "SoundOfPixelsSpec",
    "SpatialAudioGen",
    "SpatialAudioGenSpec",
    "SphereNet",
    "SphereNetConfig",
    "Synthesizer",
    "SynthesizerConfig",
    "SynthesizerKind",
    "Tracks",
    "Unet",
    "UnetConfig",
    "interpolate_in_time",
]
