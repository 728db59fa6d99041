"""Outlines of places, as paths of SVG."""

import itertools

import numpy as np

from spatialjax.typing import HostArray


def outline_path(places: HostArray) -> str:
    """The border of places ``[h, w]`` (bool), as a path whose unit is one place.

    Straight runs are one line each; holes and islands have borders of their own.
    """
    rows = _runs(np.diff(np.pad(places, ((1, 1), (0, 0))).astype(np.int8), axis=0))
    columns = _runs(np.diff(np.pad(places, ((0, 0), (1, 1))).astype(np.int8), axis=1).T)
    return "".join(
        [f"M{start} {at}H{end}" for at, start, end in rows]
        + [f"M{at} {start}V{end}" for at, start, end in columns]
    )


def _runs(borders: HostArray) -> list[tuple[int, int, int]]:
    """Line, start and end of each run of equal values that are not 0."""
    runs = []
    for at, line in enumerate(borders):
        changes = np.flatnonzero(np.diff(line, prepend=0, append=0))
        runs += [
            (at, int(start), int(end))
            for start, end in itertools.pairwise(changes)
            if line[start]
        ]
    return runs
