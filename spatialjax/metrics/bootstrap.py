"""Mean of a metric and its bootstrap interval over items."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spatialjax.errors import check_shape
from spatialjax.typing import HostArray

_BLOCK = 1 << 21
"""Draws held in memory at once."""


class Interval(NamedTuple):
    """Weighted mean, the ends of its interval, and how many values count.

    The first three are NaN where nothing counts, the ends where no draw does.
    """

    mean: float
    low: float
    high: float
    num_valid: int


def bootstrap_mean(
    values: HostArray,
    weights: HostArray,
    num_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    groups: Sequence[str] | None = None,
) -> Interval:
    """The mean over all values of weight 1, with its percentile bootstrap interval.

    What is drawn again, with replacement, are items: the sources of one mixture stay
    together, since they are not independent. The same seed and number of items give
    the same draws, so that intervals of several metrics belong together
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3).

    Where items come in groups, such as the moments of one clip, the mean is that of the
    groups' means, and what is drawn again are whole groups.

    Args:
      values: one per item ``[m]``, or one per item and source ``[m, n]``; whatever
        stands where the weight is 0 is ignored.
      weights: 0 or 1, of the same shape.
      num_resamples: number of draws of m items each.
      level: share of the resampled means inside the interval.
      seed: of the draws.
      groups: name of the group of each item ``[m]``.

    Raises:
      ShapeError: the two shapes differ.
    """
    ones = np.ones(np.shape(values))
    return bootstrap_ratio(values, ones, weights, num_resamples, level, seed, groups)


def bootstrap_ratio(
    values: HostArray,
    references: HostArray,
    weights: HostArray,
    num_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    groups: Sequence[str] | None = None,
) -> Interval:
    """The mean of values over that of references, with its bootstrap interval.

    A draw takes both of an item or none, so that what makes both large, such as the
    level of a sound, does not widen the interval. Where the references add up to 0, the
    ratio is NaN.

    Args:
      values: as of `bootstrap_mean`.
      references: of the same shape.
      weights: as of `bootstrap_mean`, and so on.
      num_resamples: see there.
      level: see there.
      seed: see there.
      groups: see there; both means are those of the groups' means.

    Raises:
      ShapeError: the shapes differ.
    """
    shape = " ".join(map(str, np.shape(values)))
    check_shape("references", references, shape)
    check_shape("weights", weights, shape)
    counted = np.asarray(weights) > 0
    if not counted.any():
        return Interval(np.nan, np.nan, np.nan, 0)
    columns = (np.where(counted, x, 0.0) for x in (values, references, 1.0))
    rows = len(counted)
    sums = np.stack([c.reshape(rows, -1).sum(-1) for c in columns], axis=-1)
    num_valid = int(sums[:, 2].sum())
    if groups is not None:
        sums = _means_of_groups(sums, groups)
    total, reference = sums[:, :2].sum(0)
    resampled, weight = _resampled_sums(sums[:, :2], num_resamples, seed).T
    ratios = resampled[weight > 0] / weight[weight > 0]
    tails = 50.0 * (1.0 - level)
    low, high = np.nan, np.nan
    if len(ratios):  # no draw need hit the few items that count
        low, high = np.percentile(ratios, [tails, 100.0 - tails])
    ratio = total / reference if reference > 0 else np.nan
    return Interval(float(ratio), float(low), float(high), num_valid)


def _means_of_groups(sums: HostArray, groups: Sequence[str]) -> HostArray:
    """The means of each group ``[g, k]``, or zeros where nothing counts.

    The last column counts the values.
    """
    names, index = np.unique(groups, return_inverse=True)
    totals = np.zeros((len(names), sums.shape[-1]))
    np.add.at(totals, index, sums)
    return totals / np.maximum(totals[:, -1:], 1)


def _resampled_sums(sums: HostArray, num_resamples: int, seed: int) -> HostArray:
    """Sums ``[num_resamples, k]`` over rows of ``[m, k]`` drawn with replacement."""
    counts = _draw_counts(len(sums), num_resamples, seed)
    block = max(_BLOCK // len(sums), 1)
    parts = np.split(counts, range(block, num_resamples, block))
    return np.concatenate([part.astype(np.float64) @ sums for part in parts])


@functools.lru_cache(maxsize=4)
def _draw_counts(rows: int, num_resamples: int, seed: int) -> HostArray:
    """How often each draw takes each row, ``[num_resamples, rows]``.

    Kept, as every metric and class of a suite asks for the same.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((num_resamples, rows), np.uint16)
    for draw in counts:
        draw[:] = np.bincount(rng.integers(rows, size=rows), minlength=rows)
    counts.flags.writeable = False
    return counts
