"""Keeps the first items of an evaluation, for a page to show and play."""

from dataclasses import dataclass, field

import numpy as np

from spatialjax.tasks.base import Scores
from spatialjax.typing import Batch, HostArray, PyTree


@dataclass(frozen=True)
class ShownItem:
    """One mixture with what was seen, heard, estimated and true; NumPy, float32.

    `images` ``[n, v, h, w, 3]`` uint8; `mixture` ``[c, t]``, `sources`, `estimates`
    ``[n, c, t]`` in [-1, 1]; `magnitude`, `loss_weight` ``[f, k]``, `mask`,
    `target_mask` ``[n, f, k]``; `class_ids` ``[n]``; `scores` by metric, ``[n]``.
    """

    index: int
    images: HostArray
    mixture: HostArray
    sources: HostArray
    estimates: HostArray
    magnitude: HostArray
    loss_weight: HostArray
    mask: HostArray
    target_mask: HostArray
    class_ids: HostArray
    scores: dict[str, HostArray]


SIGNALS = (
    "mixture",
    "sources",
    "estimates",
    "magnitude",
    "loss_weight",
    "mask",
    "target_mask",
)
"""What an item takes over from the outputs of a separation."""


@dataclass
class Gallery:
    """A `collect` for `evaluation.evaluate`: the first items of each suite.

    Called again for a suite that begins anew, as in the next validation, it forgets
    what it had.
    """

    num_items: int
    items: dict[str, list[ShownItem]] = field(default_factory=dict)

    def __call__(
        self, suite: str, outputs: PyTree, batch: Batch, scores: dict[str, Scores]
    ) -> None:
        """Takes the valid rows of a batch while there is room."""
        kept = self.items.setdefault(suite, [])
        for row in np.flatnonzero(batch["valid"]):
            index = int(batch["example_id"][row])
            if kept and index <= kept[-1].index:
                kept.clear()
            if len(kept) < self.num_items:
                kept.append(_item(index, int(row), outputs, batch, scores))


def _item(
    index: int, row: int, outputs: PyTree, batch: Batch, scores: dict[str, Scores]
) -> ShownItem:
    per_source = {
        name: np.where(score.weight[row] > 0, score.value[row], np.nan)
        for name, score in scores.items()
        if np.ndim(score.value) == 2
    }
    return ShownItem(
        index=index,
        images=np.array(batch["images"][row]),
        class_ids=np.array(batch["class_id"][row]),
        scores=per_source,
        **{name: np.array(outputs[name][row], np.float32) for name in SIGNALS},
    )
