"""Maximum over neighbouring places."""

import functools

import jax.numpy as jnp
from jax import lax

from spatialjax.typing import Array


def max_pool(x: Array, size: int = 3, stride: int = 2, padding: int | str = 1) -> Array:
    """Maximum over windows of ``[b, h, w, c]``; outside of the picture is -inf.

    `padding` places stand on both sides of each axis, or those of `conv.SAME`. Rows
    first, then columns, as maxima of slices: they fuse, and their gradient does without
    the scatter of a windowed reduction, which is slow on a CPU.
    """
    for axis in (1, 2):
        config = [(0, 0, 0)] * x.ndim
        if isinstance(padding, str):
            (pads,) = lax.padtype_to_pads((x.shape[axis],), (size,), (stride,), padding)
        else:
            pads = (padding, padding)
        config[axis] = (*pads, 0)
        x = lax.pad(x, jnp.array(-jnp.inf, x.dtype), config)
        last = x.shape[axis] - size + 1
        slices = [
            lax.slice_in_dim(x, start, start + last, stride, axis)
            for start in range(size)
        ]
        x = functools.reduce(jnp.maximum, slices)
    return x
