"""Objects found in a film: clusters of places that look alike and sound."""

import numpy as np
from scipy.cluster.vq import kmeans2

from spatialjax.errors import DataError
from spatialjax.inference.regions import Region
from spatialjax.typing import HostArray

TRIALS = 10
"""Beginnings of a clustering, of which the best is taken."""

BACKGROUND_DB = 1.0
"""What the background is at least below what sounds; without it there is none."""


def object_regions(
    vectors: HostArray, energy: HostArray, num_objects: int
) -> list[Region]:
    """The places of each object, the loudest object first.

    Places that let little through are background: of two clusters of their levels in
    dB, the lower one. The others are clustered by what they look like.

    Args:
      vectors: of the places ``[h', w', d]``, as a mask reads them.
      energy: that each place lets through ``[h', w']``.
      num_objects: clusters that are asked for.

    Raises:
      DataError: fewer places differ than objects are asked for.
    """
    grid = energy.shape
    sounds = sounding_places(energy)
    if sounds.sum() < num_objects:
        sounds = np.ones(grid, bool)
    chosen = vectors[sounds].astype(np.float64)
    if len(np.unique(chosen, axis=0)) < num_objects:
        raise DataError(
            f"{num_objects} objects are asked for, but the picture has "
            f"{len(np.unique(chosen, axis=0))} places that differ; ask for fewer"
        )
    labels = _cluster(chosen, num_objects)
    regions = []
    for label in range(num_objects):
        places = np.zeros(grid, bool)
        places[sounds] = labels == label
        regions.append(places)
    regions.sort(key=lambda places: -float(energy[places].sum()))
    return [Region(f"object_{n}", places) for n, places in enumerate(regions, 1)]


def sounding_places(energy: HostArray) -> HostArray:
    """The places ``[h', w']`` (bool) of the upper of two clusters of levels in dB."""
    floor = max(float(energy.max()), 1e-20) * 1e-6
    level_db = 10 * np.log10(np.maximum(energy, floor)).reshape(-1, 1)
    if np.ptp(level_db) == 0:
        return np.ones(energy.shape, bool)
    ends = np.array([[level_db.min()], [level_db.max()]])
    means_db, labels = kmeans2(level_db, ends, minit="matrix")
    if means_db[1] - means_db[0] < BACKGROUND_DB:
        return np.ones(energy.shape, bool)
    return (labels == 1).reshape(energy.shape)


def _cluster(vectors: HostArray, num_clusters: int) -> HostArray:
    """Labels of the best of several clusterings without an empty cluster."""
    best, least = None, np.inf
    for seed in range(TRIALS):
        rng = np.random.default_rng(seed)
        starts = np.unique(vectors, axis=0)
        starts = starts[rng.choice(len(starts), num_clusters, replace=False)]
        centres, labels = kmeans2(vectors, starts, minit="matrix", missing="warn")
        spread = np.square(vectors - centres[labels]).sum()
        if len(np.unique(labels)) == num_clusters and spread < least:
            best, least = labels, spread
    if best is None:
        raise DataError(
            f"the picture does not fall into {num_clusters} objects; ask for fewer"
        )
    return best
