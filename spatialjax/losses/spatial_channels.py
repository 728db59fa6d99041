"""Means over the examples that have a channel.

Not every recording holds every ambisonic channel: many have no Z. A channel is averaged
over the examples that have it, as a sum and a count that are divided last. Dividing on
each device first would give a device with few such examples too much say.
"""

import jax
import jax.numpy as jnp

from spatialjax.errors import check_shape
from spatialjax.typing import Array


def masked_sums(value: Array, mask: Array) -> tuple[Array, Array]:
    """Sums [c] of values over the examples that count, and their number [c].

    Args:
      value: [b, c]; whatever stands where the mask is 0, even NaN, is ignored.
      mask: [b, c], 0 or 1.

    Raises:
      ShapeError: the shapes differ.
    """
    sizes = check_shape("value", value, "b c")
    check_shape("mask", mask, "b c", sizes)
    mask = mask.astype(jnp.float32)
    return jnp.where(mask > 0, value * mask, 0.0).sum(0), mask.sum(0)


def masked_mean_shares(value: Array, mask: Array, axis: str | None = None) -> Array:
    """This device's share [c] of the channels' means; over all devices they add up.

    The own sum over the count of all devices, or over 1 where no example counts: such
    a channel has mean 0. A gradient of shares, added over the devices, is that of the
    means.

    Args:
      value: as in `masked_sums`.
      mask: likewise.
      axis: name of the device axis inside `pmap` or `shard_map`; None where the arrays
        hold all examples.
    """
    sums, counts = masked_sums(value, mask)
    if axis is not None:
        counts = jax.lax.psum(counts, axis)
    return sums / jnp.maximum(counts, 1.0)
