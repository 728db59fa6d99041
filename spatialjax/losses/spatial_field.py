"""Losses on where the sound comes from rather than on waveforms.

Each compares averages over the whole signals that are given, so these should last about
as long as a source stands still: cut longer ones into frames [..., k, c, t].
"""

import functools

import jax.numpy as jnp

from spatialjax.ambisonics import (
    DecoderKind,
    covariance,
    energy_density,
    energy_map,
    fibonacci_grid,
    intensity,
    order_of,
    plane_wave_decoder,
)
from spatialjax.errors import check_shape
from spatialjax.typing import Array, HostArray

NUM_POINTS = 120
"""Points of the maps; beams of order 3 are 40 degrees wide, points 19 apart."""
ENERGY_FLOOR = 1e-8
"""Mean square, -80 dB below full scale, under which fields are alike."""


def energy_map_loss(
    estimate: Array, target: Array, num_points: int = NUM_POINTS
) -> Array:
    """Divergences [...] in nats of the energy maps of fields [..., c, t].

    The maps, heard by max-rE beams on a Fibonacci grid, are divided by their sums, so
    that the level does not count. The Jensen-Shannon divergence (Lin, Divergence
    measures based on the Shannon entropy, 1991) lies between 0 and log 2.

    Raises:
      ShapeError: the shapes differ or are none of a sound field.
    """
    num_channels = check_shape("estimate", estimate, "... c t")["c"]
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    beams = _beams(order_of(num_channels), num_points)
    own, true = (_share(energy_map(covariance(f), beams)) for f in (estimate, target))
    middle = jnp.log((own + true) / 2)
    terms = own * (jnp.log(own) - middle) + true * (jnp.log(true) - middle)
    return terms.sum(-1) / 2


def intensity_loss(estimate: Array, target: Array) -> Array:
    """Squared differences [...] of the intensity vectors of fields [..., c, t].

    Of each vector over the energy density: its direction is that of the sound, its
    length 1 less the diffuseness. So the level does not count; between 0 and 4.

    Raises:
      ShapeError: the shapes differ or are none of a sound field of order 1 or more.
    """
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    own, true = (
        intensity(f) / (energy_density(f) + ENERGY_FLOOR)[..., None]
        for f in (estimate, target)
    )
    return jnp.square(own - true).sum(-1)


@functools.lru_cache(maxsize=8)
def _beams(order: int, num_points: int) -> HostArray:
    """Decoder [q, c] of a beam towards each point."""
    grid = fibonacci_grid(num_points)
    return plane_wave_decoder(grid.direction, order, DecoderKind.MAX_RE)


def _share(energy: Array) -> Array:
    """Maps [..., q] that add up to 1; that of silence is flat."""
    energy = energy + ENERGY_FLOOR
    return energy / energy.sum(-1, keepdims=True)
