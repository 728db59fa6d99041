"""The way of batches to the devices: one ahead of the step, with the waiting timed."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from spatialjax.errors import DataError
from spatialjax.tasks.base import BatchSpec, check_batch
from spatialjax.typing import Batch


class Feed:
    """Gives placed batches; the next one is under way while a step runs.

    The first `advance` reads the first batch. `current` is the batch to take,
    `num_rows` the rows of this process. `waiting_s` is the time spent in the loader
    since `restart` and `elapsed_s` all time since then: their ratio is the share of
    time in which the devices may have idled.
    """

    def __init__(
        self,
        batches: Iterator[Batch],
        spec: BatchSpec,
        place: Callable[[Batch], Any],
        num_batches: int,
    ) -> None:
        """Reads nothing yet, `num_batches` in all."""
        self._batches = batches
        self._spec = spec
        self._place = place
        self._left = num_batches
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
        """Reads the next batch, if one is left; call it when a step is dispatched.

        Raises:
          ConfigError: the batch cannot be dealt out to the devices.
          DataError: the loader ended early, or gave a batch of another form.
        """
        if not self._left:
            return
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
        self.current = self._place(batch)
