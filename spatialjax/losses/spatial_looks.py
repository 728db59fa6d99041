"""A loss for bins of a spectrogram that look for where they come from.

In a bin that one plane wave fills, the intensity vector of a recorded field tells its
direction. What a bin looks at is compared with that by the cross-entropy, as if places
were classes: its gradient stays large as long as the bin looks elsewhere, where that of
a squared error of signals vanishes.
"""

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics import angles_to_pixel, direction_to_angles
from spatialjax.ambisonics.directions import vector_length
from spatialjax.errors import check_shape
from spatialjax.typing import Array

SILENCE = 1e-8
"""Energy, over that of a bin of a full-scale sine, of windows that tell nothing."""


def look_cross_entropy(
    logit: Array, log_total: Array, intensity: Array, energy: Array
) -> Array:
    """Cross-entropy ``[b]`` in nats of looks and of where the sound of bins comes from.

    It is a sum over bins, each weighted by the square of its intensity over its energy,
    over the energy of all: a mean where plane waves fill the bins, and less where
    several meet.

    Args:
      logit: of the looks of bins at places ``[b, k, i, h', w']``.
      log_total: of the sum of their exponentials, and of what looks nowhere
        ``[b, k, i]``.
      intensity: along x, y, z ``[b, k, i, 3]``, of a plane wave as long as `energy`.
      energy: of the mono signal ``[b, k, i]``; on log frequencies its density, so that
        high rows, which are wider, count no more than low ones.

    Raises:
      ShapeError: the shapes do not fit.
    """
    sizes = check_shape("logit", logit, "b k i h w")
    check_shape("log_total", log_total, "b k i", sizes)
    check_shape("intensity", intensity, "b k i 3", sizes)
    check_shape("energy", energy, "b k i", sizes)
    target = places_of(intensity, sizes["h"], sizes["w"])
    nats = log_total - (target * logit).sum((-2, -1))
    plain = jnp.minimum(vector_length(intensity) / (energy + SILENCE), 1)
    share = jnp.square(plain) * energy
    share = share / (energy.sum((1, 2), keepdims=True) + SILENCE)
    return (share * nats).sum((1, 2))


def places_of(direction: Array, height: int, width: int) -> Array:
    """Shares ``[..., h, w]`` of the pixels of a sphere around directions ``[..., 3]``.

    Those of bilinear interpolation; beyond the middle of the first and the last row the
    nearest pixels of that row.
    """
    row, column = angles_to_pixel(*direction_to_angles(direction), height, width)
    row = jnp.clip(row, 0, height - 1)[..., None]
    column = column[..., None]
    ones = (1,) * (direction.ndim - 1)
    rows = np.arange(height, dtype=np.float32).reshape(*ones, height)
    columns = np.arange(width, dtype=np.float32).reshape(*ones, width)
    aside = jnp.abs((column - columns + width / 2) % width - width / 2)
    across = jax.nn.relu(1 - aside)[..., None, :]
    return jax.nn.relu(1 - jnp.abs(row - rows))[..., :, None] * across
