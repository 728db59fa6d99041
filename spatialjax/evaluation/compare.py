"""Two score cards side by side, item by item."""

from dataclasses import dataclass

import numpy as np

from spatialjax.errors import DataError
from spatialjax.evaluation.scorecard import ScoreCard, SuiteScores
from spatialjax.evaluation.summary import num_decimals
from spatialjax.metrics import Interval, bootstrap_mean


@dataclass(frozen=True)
class Difference:
    """One metric of one suite in two evaluations.

    `difference` is second minus first over the values that count in both; the means
    stand over the same values.
    """

    first_mean: float
    second_mean: float
    difference: Interval


def compare(
    first: ScoreCard, second: ScoreCard, num_bootstrap: int = 2000
) -> dict[str, dict[str, Difference]]:
    """Differences by suite and metric, with paired 95 % bootstrap intervals.

    Suites and metrics that only one of the cards holds are left out.

    Raises:
      DataError: the cards share no suite, or a suite is of another list of items.
    """
    shared = [name for name in first.suites if name in second.suites]
    if not shared:
        raise DataError(
            f"no suite in common: {', '.join(first.suites) or 'none'} in the first, "
            f"{', '.join(second.suites) or 'none'} in the second"
        )
    for name in shared:
        _check_same_items(name, first.suites[name], second.suites[name])
    return {
        name: _differences(first.suites[name], second.suites[name], num_bootstrap)
        for name in shared
    }


def comparison_table(differences: dict[str, dict[str, Difference]]) -> str:
    """The differences for a terminal; a star marks those whose interval excludes 0."""
    lines = []
    for suite, metrics in differences.items():
        width = max((len(metric) for metric in metrics), default=0)
        lines.append(f"{suite}")
        lines.append(
            f"  {'':{width}}     first    second    difference, 95 % interval"
            "          valid"
        )
        for metric, found in metrics.items():
            mean, low, high, num_valid = found.difference
            star = "*" if low > 0 or high < 0 else " "
            d = num_decimals(max(abs(found.first_mean), abs(found.second_mean)), 3)
            lines.append(
                f"  {metric:{width}} {found.first_mean:9.{d}f} "
                f"{found.second_mean:9.{d}f} {mean:+10.{d}f}{star} "
                f"[{low:+8.{d}f}, {high:+8.{d}f}]  {num_valid:>6}"
            )
    return "\n".join(lines)


def _check_same_items(name: str, first: SuiteScores, second: SuiteScores) -> None:
    if (first.pair_hash, first.item_ids) == (second.pair_hash, second.item_ids):
        return
    lists = " and ".join(
        f"{len(s.item_ids)} items of list {s.pair_hash[:12]}" for s in (first, second)
    )
    common = len(set(first.item_ids) & set(second.item_ids))
    raise DataError(
        f"suite {name!r} is of different items: {lists}, {common} in common; evaluate "
        "both models on the same dataset, split and number of items"
    )


def _differences(
    first: SuiteScores, second: SuiteScores, num_bootstrap: int
) -> dict[str, Difference]:
    found = {}
    for metric, ours in first.values.items():
        theirs = second.values.get(metric)
        if theirs is None or theirs.shape != ours.shape:
            continue
        delta = theirs - ours
        counted, clips = np.isfinite(delta), first.clip_ids
        found[metric] = Difference(
            first_mean=bootstrap_mean(ours, counted, 1, groups=clips).mean,
            second_mean=bootstrap_mean(theirs, counted, 1, groups=clips).mean,
            difference=bootstrap_mean(delta, counted, num_bootstrap, groups=clips),
        )
    return found
