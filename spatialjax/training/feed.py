"""The way of batches to the devices: one ahead of the step, with the waiting timed."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spatialjax.errors import DataError
from spatialjax.tasks.base import BatchSpec, check_batch
from spatialjax.typing import Batch, HostArray


class Feed:
    """Gives what one call takes, placed; the next one is under way while it runs.

    A call takes the batches of `num_steps` steps, one behind the other on a leading
    axis, each split along a second one into `num_parts`, if these are several. The
    first `advance` reads the first of them. `current` is what to take, `num_rows` the
    rows of this process in a batch. `waiting_s` is the time spent in the loader since
    `restart` and `elapsed_s` all time since then: their ratio is the share of time in
    which the devices may have idled.
    """

    def __init__(
        self,
        batches: Iterator[Batch],
        spec: BatchSpec,
        place: Callable[[Batch, int], Any],
        num_batches: int,
        num_steps: int = 1,
        num_parts: int = 1,
    ) -> None:
        """Reads nothing yet, `num_batches` in all, a multiple of `num_steps`.

        `place` takes entries and the number of their axes before the rows.
        """
        self._batches = batches
        self._spec = spec
        self._place = place
        self._left = num_batches
        self._num_steps = num_steps
        self._num_parts = num_parts
        self.num_rows = 0
        self.restart()

    def close(self) -> None:
        """Ends the loader's threads, where it has any."""
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()

    def restart(self) -> None:
        """Sets both clocks to zero."""
        self.waiting_s = 0.0
        self._start_s = time.perf_counter()

    def pause(self, since_s: float) -> None:
        """Takes what passed since ``elapsed_s == since_s`` off the clock."""
        self._start_s += self.elapsed_s - since_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since `restart`."""
        return time.perf_counter() - self._start_s

    def advance(self) -> None:
        """Reads for the next call, if one is left; to be called when one is under way.

        Raises:
          ConfigError: the batch cannot be dealt out to the devices.
          DataError: the loader ended early, or gave a batch of another form.
        """
        if not self._left:
            return
        batches = [self._read() for _ in range(self._num_steps)]
        parts = (self._num_parts,) if self._num_parts > 1 else ()
        lead = (self._num_steps, *parts)
        entries = {
            name: _stack([np.asarray(batch[name]) for batch in batches]).reshape(
                *lead, -1, *spec.shape
            )
            for name, spec in self._spec.items()
        }
        self.current = self._place(entries, len(lead))

    def _read(self) -> Batch:
        """The rows of this process for the next step."""
        before_s = time.perf_counter()
        batch = next(self._batches, None)
        self.waiting_s += time.perf_counter() - before_s
        if batch is None:
            raise DataError(
                f"the loader ended {self._left} batches early; it must repeat the data"
            )
        num_rows = check_batch(self._spec, batch)
        if self.num_rows not in (0, num_rows):
            raise DataError(f"a batch has {num_rows} rows, expected {self.num_rows}")
        self.num_rows = num_rows
        self._left -= 1
        return batch


def _stack(entries: list[HostArray]) -> HostArray:
    """Arrays behind each other on a new first axis; a single one is not copied."""
    return entries[0][None] if len(entries) == 1 else np.stack(entries)
