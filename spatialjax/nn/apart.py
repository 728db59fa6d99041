"""Functions that a compiler does not merge with their surroundings.

XLA for CPUs fuses whatever is elementwise, and so computes an intermediate array again
for every place that reads it, or walks through dozens of arrays at once whose lines
fall into the same place of the cache. Neither `jax.jit` nor `optimization_barrier`
keeps parts of a program apart there: one is inlined, the other dropped before fusion.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata


def apart(function: Callable, *arguments: Any) -> Any:
    """The value of the function, whose inputs and outputs become arrays in memory.

    The result is the same with and without, and shardings pass through. Inside, call
    `jax.lax` rather than `jax.numpy`, whose own functions would be kept apart as well.
    """
    with set_xla_metadata(inlineable="false"):
        return jax.jit(function, inline=False)(*arguments)
