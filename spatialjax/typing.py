"""Names for the types that cross folder borders."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

Array = jax.Array
"""An array on a device, or its tracer."""

HostArray = np.ndarray
"""An array in the memory of the host."""

PyTree = Any
"""Nested dicts, tuples and lists of arrays."""

Batch = Mapping[str, Any]
"""Named arrays of one batch; the names and shapes stand in ``tasks.base``."""
