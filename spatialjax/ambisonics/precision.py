"""One formula for both precisions: float64 on the host, float32 on the device.

Constants (grids, decoders, filters) are designed once, on the host, where float64
costs nothing; signals are computed on a device, traced and differentiated. The same
function serves both: the kind of its arguments decides.
"""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.typing import Array, HostArray

Numbers = TypeVar("Numbers", Array, HostArray)
"""Arrays of one kind, in and out."""


def float_arrays(*values: Any) -> tuple[Any, ...]:
    """The array module for some values, followed by the values as its arrays.

    NumPy arrays, alone or beside Python numbers, stay in NumPy and become float64.
    Everything else, Python numbers alone included, goes to JAX and becomes float32.
    """
    on_host = any(isinstance(value, np.ndarray | np.generic) for value in values)
    on_device = any(isinstance(value, jax.Array) for value in values)
    if on_host and not on_device:
        return np, *(np.asarray(value, np.float64) for value in values)
    return jnp, *(jnp.asarray(value, jnp.float32) for value in values)
