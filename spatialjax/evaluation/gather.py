"""Values of all items of a suite, put together batch by batch."""

from collections.abc import Mapping

import jax
import numpy as np
from jax.experimental import multihost_utils

from spatialjax.errors import DataError
from spatialjax.tasks.base import Scores
from spatialjax.typing import Batch, HostArray


class Gathered:
    """One row per item of a list; rows without a batch are still missing.

    `values` holds, by metric, NaN where a value does not count, and `num_undefined` how
    many of these are infinite or NaN although their weight is not 0.
    """

    def __init__(self, suite: str, num_items: int) -> None:
        self._suite = suite
        self._seen = np.zeros(num_items, bool)
        self._class_ids: dict[str, HostArray] = {}
        self.values: dict[str, HostArray] = {}
        self.num_undefined: dict[str, int] = {}

    @property
    def class_ids(self) -> HostArray:
        """Class of each source ``[m, n]``; n is 0 for a system without classes."""
        return self._class_ids.get("class_id", np.zeros((len(self._seen), 0), np.int32))

    def add(self, batch: Batch, scores: Mapping[str, Scores]) -> None:
        """Enter the valid rows of a batch; padded rows never count.

        Raises:
          DataError: an item comes twice or is not of the list.
        """
        rows = np.flatnonzero(batch["valid"])
        items = np.asarray(batch["example_id"])[rows]
        for item in items:
            if not 0 <= item < len(self._seen) or self._seen[item]:
                raise DataError(
                    f"suite {self._suite!r}: item {item} came twice, or is none of the "
                    f"{len(self._seen)} of the list"
                )
            self._seen[item] = True
        if "class_id" in batch:
            class_ids = np.asarray(batch["class_id"])[rows]
            _enter(self._class_ids, "class_id", len(self._seen), items, class_ids)
        for name, score in scores.items():
            value = np.asarray(score.value, np.float64)[rows]
            counts = np.asarray(score.weight)[rows] > 0
            undefined = counts & ~np.isfinite(value)
            before = self.num_undefined.get(name, 0)
            self.num_undefined[name] = before + int(undefined.sum())
            value = np.where(counts & ~undefined, value, np.nan)
            _enter(self.values, name, len(self._seen), items, value)

    def join_processes(self) -> None:
        """Puts the items of all processes together; all of them call it, each gets all.

        Raises:
          DataError: two processes have an item.
        """
        if jax.process_count() == 1:
            return
        tables = {"": self._seen, **self._class_ids, **self.values}
        shared = {name: _share(table) for name, table in tables.items()}
        seen = shared.pop("")
        if (twice := np.flatnonzero(seen.sum(0) > 1)).size:
            raise DataError(
                f"suite {self._suite!r}: item {twice[0]} came in two processes"
            )
        owners, items = seen.argmax(0), np.arange(len(self._seen))
        self._seen = np.asarray(seen.any(0))
        joined = {name: parts[owners, items] for name, parts in shared.items()}
        self._class_ids = {name: joined.pop(name) for name in self._class_ids}
        self.values = joined
        counts = np.array(list(self.num_undefined.values()), np.int64)
        totals = _share(counts).sum(0)
        self.num_undefined = dict(zip(self.num_undefined, totals.tolist(), strict=True))

    def check_complete(self) -> None:
        """Raises DataError where an item of the list is missing."""
        if not self._seen.all():
            raise DataError(
                f"suite {self._suite!r}: {self._seen.sum()} of its {len(self._seen)} "
                "items came; the batches do not belong to the list"
            )


def _enter(
    tables: dict[str, HostArray],
    name: str,
    num_items: int,
    items: HostArray,
    rows: HostArray,
) -> None:
    """Writes rows of some items into the table of a name, made when it is new."""
    if name not in tables:
        tables[name] = np.zeros((num_items, *rows.shape[1:]), rows.dtype)
    tables[name][items] = rows


def _share(table: HostArray) -> HostArray:
    """The tables of all processes ``[p, ...]``; as bytes, which devices round not."""
    flat = np.ascontiguousarray(table).reshape(-1).view(np.uint8)
    parts = np.asarray(multihost_utils.process_allgather(flat))
    return parts.view(table.dtype).reshape(-1, *table.shape)
