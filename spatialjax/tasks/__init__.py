"""Systems behind one protocol."""

from spatialjax.tasks.base import (
    ArraySpec,
    Aux,
    BatchSpec,
    ChunkSpatializer,
    ChunkSpec,
    FieldSpec,
    HasConstantFields,
    HostScored,
    MaskSeparator,
    Scores,
    Spatializer,
    Task,
    Trainable,
    Variables,
    WindowSpec,
    check_batch,
)
from spatialjax.tasks.mask_chain import MaskChain, MaskLoss, MaskTarget
from spatialjax.tasks.pixels import Compat, Pixels, PixelsConfig
from spatialjax.tasks.spatial_audio import FieldLossWeights, SpatialAudio
from spatialjax.tasks.spatial_audio_config import (
    DirectionalConfig,
    FieldCompat,
    FieldLossConfig,
    Head,
    PublishedConfig,
    SpatialAudioConfig,
)
from spatialjax.tasks.spatialaudiogen import PublishedSpatialAudio

__all__ = [
    "ArraySpec",
    "Aux",
    "BatchSpec",
    "ChunkSpatializer",
    "ChunkSpec",
    "Compat",
    "DirectionalConfig",
    "FieldCompat",
    "FieldLossConfig",
    "FieldLossWeights",
    "FieldSpec",
    "HasConstantFields",
    "Head",
    "HostScored",
    "MaskChain",
    "MaskLoss",
    "MaskSeparator",
    "MaskTarget",
    "Pixels",
    "PixelsConfig",
    "PublishedConfig",
    "PublishedSpatialAudio",
    "Scores",
    "SpatialAudio",
    "SpatialAudioConfig",
    "Spatializer",
    "Task",
    "Trainable",
    "Variables",
    "WindowSpec",
    "check_batch",
]
