"""A checksum of an array, wherever its parts lie.

The sum over all values of their bits times an odd weight that depends on the place,
modulo 2^32. A sum has no order: devices that hold parts of an array each add their own,
and a host that holds the whole finds the same number. One flipped bit always changes
it, as an odd number times a power of two below 2^32 is no multiple of 2^32; other
damage goes unseen once in 2^32 times.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.typing import Array, HostArray

FACTOR = 2654435761
"""Knuth's multiplier, 2^32 over the golden ratio: it spreads the places."""


def checksum(array: HostArray) -> int:
    """The checksum of an array on the host."""
    values = np.ascontiguousarray(array).reshape(-1)
    unsigned = np.dtype(f"uint{8 * min(values.itemsize, 4)}")
    bits = values.view(unsigned).astype(np.uint32)
    places = np.arange(bits.size, dtype=np.uint32) * np.uint32(FACTOR)
    return int((bits * (places | np.uint32(1))).sum(dtype=np.uint32))


@jax.jit
def device_checksums(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Those of arrays on devices, of up to four bytes a value; uint32 by name."""
    return {name: _device_checksum(array) for name, array in arrays.items()}


def _device_checksum(array: Array) -> Array:
    if array.dtype == bool:
        array = array.astype(jnp.uint8)
    unsigned = jnp.dtype(f"uint{8 * array.dtype.itemsize}")
    bits = jax.lax.bitcast_convert_type(array, unsigned).astype(jnp.uint32)
    # Place by place along each axis: flattened, the parts would have to move.
    places, stride = jnp.zeros((), jnp.uint32), 1
    for axis in reversed(range(array.ndim)):
        along = jax.lax.broadcasted_iota(jnp.uint32, array.shape, axis)
        places = jnp.broadcast_to(places, array.shape)
        places = places + along * jnp.uint32(stride % 2**32)
        stride *= array.shape[axis]
    weights = places * jnp.uint32(FACTOR) | jnp.uint32(1)
    return (bits * weights).sum(dtype=jnp.uint32)
