"""What a network gives that makes a sound field of a mono signal."""

from typing import NamedTuple

import jax.numpy as jnp

from spatialjax.typing import Array

MAGNITUDE_FLOOR = 1e-7
"""Added to magnitudes, so that silence has a logarithm."""

LEVEL_FLOOR = 0.02
"""Share of the mean magnitude that is added before the logarithm: what is 34 dB below
the mean looks like silence, however loud the window."""


class BinAttention(NamedTuple):
    """Where the bins of a spectrogram look, on the sphere that a picture shows.

    A bin looks at a place with the share ``exp(logit - log_total)``. What the shares
    lack of 1 is the share that looks nowhere.
    """

    logit: Array  # [b, k, i, h', w']
    log_total: Array  # [b, k, i]

    @property
    def share(self) -> Array:
        """How much each bin looks at each place ``[b, k, i, h', w']``."""
        return jnp.exp(self.logit - self.log_total[..., None, None])


class Field(NamedTuple):
    """What makes an ambisonic field of the spectrum of its mono signal.

    Channel c above the first is ``gain[c] · spectrum + offset[c] · window``, the window
    being the spectrum of a constant 1. `attention` tells how much of the energy of the
    window is placed where in an equirectangular map, from 0 to 1 in all; `bins` where
    each row of a log-frequency axis looks.
    """

    gain: Array  # [b, c, f, k]
    offset: Array | None = None  # [b, c, k]
    attention: Array | None = None  # [b, h', w']
    bins: BinAttention | None = None


def relative_level(rows: Array) -> Array:
    """Levels of magnitudes ``[b, i, k]`` in nats above the mean of their window."""
    rows = rows + MAGNITUDE_FLOOR
    return jnp.log(rows / rows.mean((1, 2), keepdims=True) + LEVEL_FLOOR)


def interpolate_in_time(values: Array, times_s: Array, at_s: Array) -> Array:
    """Values ``[b, ..., v]`` at times ``[b, v]``, linearly between, at times ``[k]``.

    Before the first time stands the first value, after the last one the last.
    """
    shape = (len(values),) + (1,) * (values.ndim - 2)
    result = values[..., :1]
    for j in range(values.shape[-1] - 1):
        since = at_s[None] - times_s[:, j, None]
        lasts = times_s[:, j + 1, None] - times_s[:, j, None]
        share = jnp.clip(since / jnp.maximum(lasts, 1e-6), 0, 1)
        step = values[..., j + 1, None] - values[..., j, None]
        result = result + step * share.reshape(*shape, -1)
    return jnp.broadcast_to(result, (*values.shape[:-1], len(at_s)))
