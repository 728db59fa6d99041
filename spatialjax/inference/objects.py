"""Objects found in a film: clusters of places that sound alike.

Sound of Pixels, §4.5: what a place sounds like tells more of what is there than what it
looks like. On duets of toy_band, clusters of sounds separate as well as boxes do, while
clusters of visual features lose 3 dB.
"""

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2

from spatialjax.errors import DataError
from spatialjax.inference.regions import Region
from spatialjax.typing import HostArray

TRIALS = 10
"""Beginnings of a clustering, of which the best is taken."""

SOUNDING_DB = 10.0
"""What a place that sounds is at most below the loudest one; the rest is background."""

QUIETEST = 1e-12
"""Least energy and length that anything is compared with."""


def object_regions(
    sounds: HostArray, energy: HostArray, num_objects: int
) -> list[Region]:
    """The places of each object, the loudest object first.

    Places that let little through are background; the others are clustered by the
    direction of what they sound like.

    Args:
      sounds: of the places ``[h', w', f]``, sums over time of log(1 + magnitude).
      energy: that each place lets through ``[h', w']``.
      num_objects: clusters that are asked for.

    Raises:
      DataError: the film is silent, or fewer places differ than objects are asked for.
    """
    if num_objects > 1 and not energy.any():
        raise DataError(
            f"the film is silent, which tells no {num_objects} objects apart; give "
            "boxes or points"
        )
    loudest = max(float(energy.max()), QUIETEST)
    is_heard = energy >= loudest * 10 ** (-SOUNDING_DB / 10)
    if is_heard.sum() < num_objects:
        is_heard = np.ones(energy.shape, bool)
    vectors = sounds[is_heard].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = _cluster(vectors / np.maximum(lengths, QUIETEST), num_objects)
    regions = []
    for label in range(num_objects):
        places = np.zeros(energy.shape, bool)
        places[is_heard] = labels == label
        regions.append(places)
    regions.sort(key=lambda places: -float(energy[places].sum()))
    return [Region(f"object_{n}", places) for n, places in enumerate(regions, 1)]


def _cluster(vectors: HostArray, num_clusters: int) -> HostArray:
    """Labels of the best of several clusterings without an empty cluster."""
    distinct = np.unique(vectors, axis=0)
    best, least = None, np.inf
    for seed in range(TRIALS if num_clusters <= len(distinct) else 0):
        rng = np.random.default_rng(seed)
        starts = distinct[rng.choice(len(distinct), num_clusters, replace=False)]
        with warnings.catch_warnings(action="ignore"):  # an empty cluster is told below
            centres, labels = kmeans2(vectors, starts, minit="matrix")
        spread = np.square(vectors - centres[labels]).sum()
        if len(np.unique(labels)) == num_clusters and spread < least:
            best, least = labels, spread
    if best is None:
        raise DataError(
            f"{num_clusters} objects are asked for, but the picture has "
            f"{len(distinct)} places that sound differently; ask for fewer"
        )
    return best
