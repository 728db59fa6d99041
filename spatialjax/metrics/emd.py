"""Exact earth mover's distances, in float64 on the host.

The distance of two maps is the least work, mass times way, that turns one into the
other. Where their masses differ, the rest is moved over the longest way there is: the
EMD-hat of Pele and Werman, A linear time histogram metric for improved SIFT matching,
2008, and the default of pyemd.

Since ways are a metric, what both maps hold at a node can stay there, and a dummy node
as far from all others as possible takes or gives the rest. What remains is a transport
from the nodes with too much to those with too little, for the network simplex of POT.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spatialjax.errors import check_shape
from spatialjax.typing import HostArray

MOST_PIVOTS = 1_000_000


@functools.cache
def _transport() -> Callable[..., float]:
    """POT's solver, loaded on first use: it takes a second to import."""
    import ot

    return functools.partial(ot.emd2, numItermax=MOST_PIVOTS, center_dual=False)


def emd_hat(
    first: HostArray,
    second: HostArray,
    distance: HostArray,
    num_threads: int | None = None,
) -> HostArray:
    """Distances [...], float64, of maps [..., q]: mass times distance.

    Args:
      first: masses [..., q], none below 0; a map that is not finite gives NaN.
      second: likewise.
      distance: [q, q], a metric: symmetric, 0 to itself, with the triangle inequality.
      num_threads: maps compared at once; None for one per processor.

    Raises:
      ShapeError: the shapes do not fit.
    """
    num_nodes = check_shape("distance", distance, "q q")["q"]
    check_shape("first", first, "... q", {"q": num_nodes})
    check_shape("second", second, " ".join(map(str, first.shape)))
    distance = np.asarray(distance, np.float64)
    surplus = np.subtract(first, second, dtype=np.float64).reshape(-1, num_nodes)
    solve = functools.partial(_least_work, distance=distance, transport=_transport())
    with ThreadPoolExecutor(num_threads or os.cpu_count()) as pool:
        work = list(pool.map(solve, surplus))
    return np.reshape(work, first.shape[:-1])


def _least_work(
    surplus: HostArray, distance: HostArray, transport: Callable[..., float]
) -> float:
    """Work that takes a surplus [q] to where it lacks."""
    if not np.isfinite(surplus).all():
        return np.nan
    given, lacking = surplus > 0, surplus < 0
    supply, demand = surplus[given], -surplus[lacking]
    moved = max(supply.sum(), demand.sum())
    if moved == 0:
        return 0.0
    cost = distance[np.ix_(given, lacking)]
    rest = supply.sum() - demand.sum()
    longest = distance.max()
    if rest > 0:
        demand = np.append(demand, rest)
        cost = np.pad(cost, ((0, 0), (0, 1)), constant_values=longest)
    elif rest < 0:
        supply = np.append(supply, -rest)
        cost = np.pad(cost, ((0, 1), (0, 0)), constant_values=longest)
    # The solver's tolerances are absolute: give it masses that add up to 1.
    return moved * transport(supply / supply.sum(), demand / demand.sum(), cost)
