"""Keeps the first items of an evaluation, for a page to show and play."""

from dataclasses import dataclass, field

import numpy as np

from spatialjax.reports.field_item import FieldItem
from spatialjax.reports.separated_item import SeparatedItem
from spatialjax.reports.shown_item import ShownItem
from spatialjax.tasks.base import Scores
from spatialjax.typing import Batch, PyTree

KINDS: tuple[type[ShownItem], ...] = (SeparatedItem, FieldItem)
"""The first kind that finds all it needs in the outputs of a task is taken."""


@dataclass
class Gallery:
    """A `collect` for `evaluation.evaluate`: the first items of each suite.

    Called again for a suite that begins anew, as in the next validation, it forgets
    what it had. Of a task whose outputs no kind of item knows it keeps nothing.
    """

    num_items: int
    items: dict[str, list[ShownItem]] = field(default_factory=dict)

    def __call__(
        self, suite: str, outputs: PyTree, batch: Batch, scores: dict[str, Scores]
    ) -> None:
        """Takes the valid rows of a batch while there is room."""
        kept = self.items.setdefault(suite, [])
        kind = next((k for k in KINDS if set(k.OUTPUTS) <= set(outputs)), None)
        if kind is None:
            return
        for row in np.flatnonzero(batch["valid"]):
            index = int(batch["example_id"][row])
            if kept and index <= kept[-1].index:
                kept.clear()
            if len(kept) < self.num_items:
                kept.append(kind.of_row(int(row), outputs, batch, scores))
