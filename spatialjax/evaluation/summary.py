"""From the values of all items to the figures that are reported."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spatialjax.metrics import Interval, bootstrap_mean, bootstrap_ratio
from spatialjax.typing import HostArray


@dataclass(frozen=True)
class Summary:
    """One metric over one suite.

    `num_undefined` counts the values that are infinite or NaN although their item is
    valid; they are left out of the mean. `batch_mean` is the published code's mean,
    `fraction` the mean over that of another metric.
    """

    total: Interval
    num_undefined: int = 0
    batch_mean: float | None = None
    per_class: dict[str, Interval] = field(default_factory=dict)
    fraction: Interval | None = None


def summarise(
    values: HostArray,
    class_ids: HostArray,
    classes: Sequence[str],
    num_bootstrap: int,
    num_undefined: int = 0,
    batch_size: int | None = None,
    groups: Sequence[str] | None = None,
    references: HostArray | None = None,
) -> Summary:
    """The figures of one metric.

    Args:
      values: of each item ``[m]`` or of each of its sources ``[m, n]``; NaN where a
        value does not count.
      class_ids: class of each source ``[m, n]``, -1 where it is unknown.
      classes: names of the classes.
      num_bootstrap: draws behind an interval.
      num_undefined: how many of the NaN come from valid items.
      batch_size: of the published code's mean, None to leave it out.
      groups: clip of each item ``[m]``, where several are of one clip; a clip then has
        one share in the means.
      references: values of the other metric that the mean is a fraction of, of the same
        shape; what does not count in both does not count there.
    """
    counted = np.isfinite(values)
    fraction = None
    if references is not None:
        both = counted & np.isfinite(references)
        fraction = bootstrap_ratio(
            values, references, both, num_bootstrap, groups=groups
        )
    per_class = {}
    if values.shape == class_ids.shape:
        for index in np.unique(class_ids[class_ids >= 0]):
            of_class = counted & (class_ids == index)
            interval = bootstrap_mean(values, of_class, num_bootstrap, groups=groups)
            if interval.num_valid:
                per_class[classes[index]] = interval
    return Summary(
        total=bootstrap_mean(values, counted, num_bootstrap, groups=groups),
        num_undefined=num_undefined,
        batch_mean=None if batch_size is None else batch_mean(values, batch_size),
        per_class=per_class,
        fraction=fraction,
    )


def num_decimals(value: float, least: int) -> int:
    """Decimals that show three digits of a number, `least` of them at least.

    Below a millionth it is as good as 0.
    """
    if not abs(value) > 1e-6 or math.isinf(value):
        return least
    return max(least, 2 - math.floor(math.log10(abs(value))))


def batch_mean(values: HostArray, batch_size: int) -> float:
    """The published mean: over sources, over items of a batch, over batches.

    An item counts whole or not at all. Every batch has the same share, a short last
    one too, and one without a valid item gives 0 instead of nothing.
    """
    per_item = values.reshape(len(values), -1).mean(-1)
    means = []
    for first in range(0, len(per_item), batch_size):
        rows = per_item[first : first + batch_size]
        rows = rows[np.isfinite(rows)]
        means.append(rows.mean() if len(rows) else 0.0)
    return float(np.mean(means)) if means else 0.0
