"""Earth mover's distances between the energy maps of two sound fields.

How far, in radians, sound must be carried over the sphere to turn the estimated map
into the true one. `directional_emd` is the published score of spatialaudiogen (Morgado
et al., 2018, and its code), `energy_emd` one on an even grid that hears directions
alone. Both run on the host in float64.
"""

import functools
from typing import NamedTuple

import numpy as np

from spatialjax.ambisonics import (
    DecoderKind,
    angle_between_rad,
    angles_to_direction,
    fibonacci_grid,
    order_of,
    plane_wave_decoder,
    spherical_harmonics,
)
from spatialjax.errors import check_shape
from spatialjax.metrics.emd import emd_hat
from spatialjax.metrics.weighted import Weighted, is_audible
from spatialjax.typing import HostArray

STEP_DEG = 30
"""Step of the published grid: 12 azimuths times 7 elevations, 84 nodes."""
MASS_FLOOR = 0.01
"""Added to the sum of a map before the normalised published score divides by it."""
NUM_POINTS = 240
"""Points of the even grid, about 13 degrees apart."""


class DirectionalEmd(NamedTuple):
    """The two published scores [...]: "emd/dir" and "emd/dir2"."""

    plain: HostArray
    normalised: HostArray


def directional_emd(
    estimate: HostArray, target: HostArray, num_threads: int | None = None
) -> DirectionalEmd:
    """The published distances [...] of sound fields [..., c, t], W first.

    Maps hold, at steps of 30 degrees, the root mean square of what cardioids hear: the
    channels times the harmonics, unweighted, so that poles count twelvefold. `plain`
    compares maps over the number of nodes, in radians times amplitude: a difference in
    level costs pi. `normalised` compares maps over their sums, in radians.

    Args:
      estimate: [..., c, t] with the true W; channels that a recording lacks are 0.
      target: likewise.
      num_threads: items at once; None for one per processor.

    Raises:
      ShapeError: the shapes differ or are none of a sound field.
    """
    order = _order(estimate, target)
    beams, distance_rad = _published_nodes(order)
    own, true = (np.sqrt(_energies(field, beams)) for field in (estimate, target))
    own_share, true_share = (
        rms / (rms.sum(-1, keepdims=True) + MASS_FLOOR) for rms in (own, true)
    )
    return DirectionalEmd(
        emd_hat(own, true, distance_rad, num_threads) / len(beams),
        emd_hat(own_share, true_share, distance_rad, num_threads),
    )


def energy_emd(
    estimate: HostArray,
    target: HostArray,
    num_points: int = NUM_POINTS,
    num_threads: int | None = None,
) -> Weighted:
    """Distances [...] in radians of where the energy of sound fields [..., c, t] is.

    Maps of energy on a Fibonacci grid, heard by max-rE beams, each brought to mass 1:
    the level does not count. The beams are as broad as the order demands, so that two
    plane waves of order 1 from opposite sides are √3 π / 4 apart rather than pi. A
    silent estimate stands for equal energy all round. Weight 0 where the target is
    silent.

    Raises:
      ShapeError: the shapes differ or are none of a sound field.
    """
    order = _order(estimate, target)
    beams, distance_rad = _even_nodes(order, num_points)
    own, true = (_energy_shares(field, beams) for field in (estimate, target))
    energy = np.square(target[..., 0, :], dtype=np.float64).mean(-1)
    weight = np.asarray(is_audible(energy), np.float64)
    return Weighted(emd_hat(own, true, distance_rad, num_threads) * weight, weight)


@functools.lru_cache(maxsize=4)
def _published_nodes(order: int) -> tuple[HostArray, HostArray]:
    """Harmonics [84, c] at the published grid, and the angles [84, 84] between."""
    azimuth_rad, elevation_rad = np.meshgrid(
        np.deg2rad(np.arange(150, -181, -STEP_DEG)),
        np.deg2rad(np.arange(-90, 91, STEP_DEG)),
    )
    direction = angles_to_direction(azimuth_rad.ravel(), elevation_rad.ravel())
    return spherical_harmonics(direction, order), _angles_between(direction)


@functools.lru_cache(maxsize=4)
def _even_nodes(order: int, num_points: int) -> tuple[HostArray, HostArray]:
    """Max-rE beams [q, c] to a Fibonacci grid, and the angles [q, q] between."""
    direction = fibonacci_grid(num_points).direction
    beams = plane_wave_decoder(direction, order, DecoderKind.MAX_RE)
    return beams, _angles_between(direction)


def _angles_between(direction: HostArray) -> HostArray:
    return angle_between_rad(direction[:, None], direction[None])


def _energies(field: HostArray, beams: HostArray) -> HostArray:
    """Mean squares [..., q], float64, of beams [q, c] of a field [..., c, t]."""
    field = np.asarray(field, np.float64)
    covariance = field @ np.swapaxes(field, -1, -2) / field.shape[-1]
    return np.maximum(((beams @ covariance) * beams).sum(-1), 0)


def _energy_shares(field: HostArray, beams: HostArray) -> HostArray:
    """Energies [..., q] over their sum; all alike where there is none."""
    energy = _energies(field, beams)
    total = energy.sum(-1, keepdims=True)
    is_heard = total > 0
    return np.where(is_heard, energy / np.where(is_heard, total, 1), 1 / len(beams))


def _order(estimate: HostArray, target: HostArray) -> int:
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    return order_of(check_shape("estimate", estimate, "... c t")["c"])
