"""Reusable blocks of networks, built with `flax.nnx` and used as pure functions."""

from spatialjax.nn.activations import Activation, Pooling, activate, pool
from spatialjax.nn.conv import SAME, Conv
from spatialjax.nn.conv_transpose import ConvTranspose
from spatialjax.nn.dense import Dense
from spatialjax.nn.functional import Functional
from spatialjax.nn.initializers import Draws, Initialization
from spatialjax.nn.kept import BLOCK, LINEAR
from spatialjax.nn.norm import EVAL, GLOBAL_NORM, BatchNorm, Mode, NormConfig, Renorm
from spatialjax.nn.pooling import max_pool
from spatialjax.nn.sphere_conv import SphereConv
from spatialjax.nn.upsample_conv import UpsampleConv

__all__ = [
    "BLOCK",
    "EVAL",
    "GLOBAL_NORM",
    "LINEAR",
    "SAME",
    "Activation",
    "BatchNorm",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Draws",
    "Functional",
    "Initialization",
    "Mode",
    "NormConfig",
    "Pooling",
    "Renorm",
    "SphereConv",
    "UpsampleConv",
    "activate",
    "max_pool",
    "pool",
]
