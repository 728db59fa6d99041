"""Systems behind one protocol."""

from spatialjax.tasks.base import (
    ArraySpec,
    Aux,
    BatchSpec,
    HostScored,
    MaskSeparator,
    Scores,
    Task,
    Trainable,
    Variables,
    WindowSpec,
    check_batch,
)
from spatialjax.tasks.mask_chain import MaskChain, MaskLoss, MaskTarget
from spatialjax.tasks.pixels import Compat, Pixels, PixelsConfig

__all__ = [
    "ArraySpec",
    "Aux",
    "BatchSpec",
    "Compat",
    "HostScored",
    "MaskChain",
    "MaskLoss",
    "MaskSeparator",
    "MaskTarget",
    "Pixels",
    "PixelsConfig",
    "Scores",
    "Task",
    "Trainable",
    "Variables",
    "WindowSpec",
    "check_batch",
]
