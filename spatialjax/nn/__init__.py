"""Reusable blocks of networks, built with `flax.nnx` and used as pure functions."""

from spatialjax.nn.activations import Activation, Pooling, activate, pool
from spatialjax.nn.conv import Conv
from spatialjax.nn.functional import Functional
from spatialjax.nn.initializers import Initialization
from spatialjax.nn.norm import EVAL, GLOBAL_NORM, BatchNorm, Mode, NormConfig, Renorm
from spatialjax.nn.pooling import max_pool
from spatialjax.nn.upsample_conv import UpsampleConv

__all__ = [
    "EVAL",
    "GLOBAL_NORM",
    "Activation",
    "BatchNorm",
    "Conv",
    "Functional",
    "Initialization",
    "Mode",
    "NormConfig",
    "Pooling",
    "Renorm",
    "UpsampleConv",
    "activate",
    "max_pool",
    "pool",
]
