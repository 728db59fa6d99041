"""Masks that share a mixture out among its sources."""

import jax.numpy as jnp

from spatialjax.errors import check_shape
from spatialjax.typing import Array


def wiener_masks(masks: Array, exponent: float = 2.0) -> Array:
    """Masks of the same shape, in [0, 1], whose sum is 1: m_n^p / Σ_j m_j^p.

    For p = 2 and the magnitudes of uncorrelated sources this is the Wiener filter; p =
    1 shares in proportion, and a large p gives all to the largest. Bins in which all
    masks are 0 keep 0.

    Args:
      masks: [..., n, f, k], not negative; magnitudes of estimates do as well.
      exponent: p, above 0.

    Raises:
      ShapeError: the masks have fewer than three axes.
    """
    check_shape("masks", masks, "... n f k")
    masks = jnp.asarray(masks, jnp.float32)
    # Of ratios to the largest: the power of a small magnitude would underflow.
    largest = masks.max(-3, keepdims=True)
    powers = (masks / jnp.where(largest > 0, largest, 1)) ** exponent
    total = powers.sum(-3, keepdims=True)
    return powers / jnp.where(total > 0, total, 1)
