"""What this process writes of a checkpoint, told apart from what the others write.

Orbax tells of a failed write when all processes have met. Those whose part is written
wait for the part that does not come: 20 minutes, in which nobody ends. Here a process
looks at its own part, so that it ends at once and the others notice that it is gone.
"""

import threading
from collections.abc import Sequence
from typing import Any

import orbax.checkpoint as ocp

from spatialjax.training.checkpoint_files import METADATA_FILE

LONGEST_S = 1200
"""After which Orbax gives a write up."""


class OwnWrites:
    """The writes of this process that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_left = 0
        self._error: BaseException | None = None
        self._settled = threading.Event()
        self._settled.set()

    def watch(self, writes: Sequence[Any] | None) -> list[Any]:
        """Futures in place of those of Orbax, whose ends are seen here."""
        writes = list(writes or ())
        with self._lock:
            self._num_left += len(writes)
            if self._num_left and self._error is None:
                self._settled.clear()
        return [_Watched(write, self) for write in writes]

    def end(self, error: BaseException | None) -> None:
        """One of them is over."""
        with self._lock:
            self._num_left -= 1
            self._error = self._error or error
            if self._error is not None or not self._num_left:
                self._settled.set()

    def check(self) -> None:
        """Raises what a write failed by."""
        if self._error is not None:
            raise self._error

    def wait(self) -> None:
        """Returns when all are over; raises what the first failed by.

        Raises:
          TimeoutError: some are not, after `LONGEST_S`.
        """
        is_over = self._settled.wait(LONGEST_S)
        self.check()
        if not is_over:
            raise TimeoutError(f"it is not written after {LONGEST_S / 60:.0f} minutes")


class _Watched:
    """A future of Orbax that tells how it ended."""

    def __init__(self, write: Any, writes: OwnWrites) -> None:
        self._write, self._writes = write, writes

    def result(self, timeout: float | None = None) -> Any:
        failed: BaseException | None = None
        try:
            return self._write.result(timeout=timeout)
        except BaseException as error:  # a store's errors are of no common kind
            failed = error
            raise
        finally:
            self._writes.end(failed)

    def cancel(self) -> Any:
        return self._write.cancel()


class WatchedArrays(ocp.PyTreeCheckpointHandler):
    """Writes arrays."""

    def __init__(self, writes: OwnWrites) -> None:
        super().__init__()
        self._writes = writes

    async def async_save(self, *args: Any, **kwargs: Any) -> list[Any]:
        return self._writes.watch(await super().async_save(*args, **kwargs))


class WatchedText(ocp.JsonCheckpointHandler):
    """Writes a JSON text."""

    def __init__(self, writes: OwnWrites) -> None:
        super().__init__(METADATA_FILE)
        self._writes = writes

    async def async_save(self, *args: Any, **kwargs: Any) -> list[Any]:
        return self._writes.watch(await super().async_save(*args, **kwargs))
