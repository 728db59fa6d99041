"""How fast the batches of an experiment are read, and what each costs the processor."""

import contextlib
import copy
import os
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import numpy as np

from spatialjax.benchmarks.cpu_time import cpu_time_s
from spatialjax.config import validate_tree
from spatialjax.data import open_dataset
from spatialjax.errors import check_positive
from spatialjax.training import Experiment
from spatialjax.training.run import read_batches
from spatialjax.typing import Batch

NEARLY = 0.95
"""Share of the greatest speed from which the cheapest setting is as good."""


@dataclass(frozen=True)
class InputSettings:
    """How batches are built ahead: fields of `DataConfig`."""

    num_threads: int
    num_workers: int
    prefetch: int

    @classmethod
    def of(cls, experiment: Experiment) -> "InputSettings":
        """Those of an experiment."""
        data = experiment.data
        return cls(data.num_threads, data.num_workers, data.prefetch)

    @property
    def flags(self) -> str:
        """The flags that give them to a program."""
        return " ".join(f"--config.data.{k}={v}" for k, v in vars(self).items())

    def put_into(self, experiment: Experiment) -> Experiment:
        """A copy of the experiment with these settings."""
        changed = copy.deepcopy(experiment)
        for name, value in vars(self).items():
            setattr(changed.data, name, value)
        return changed


@dataclass(frozen=True)
class InputSpeed:
    """What the loader gives to one process that takes each batch at once.

    Attributes:
      settings: how batches were built ahead.
      num_items: examples that were timed.
      rows_per_batch: examples of a batch that this process builds.
      elapsed_s: wall time of these.
      items_per_s: examples a second.
      batches_per_s: batches a second.
      cpu_s_per_item: processor time of one, of all threads and worker processes; with
        that of whatever else this process does meanwhile.
      bytes_per_item: of the arrays of an example, as they go to the device.
      wait_ms_p50, wait_ms_p90, wait_ms_p99: for a batch.
    """

    settings: InputSettings
    num_items: int
    rows_per_batch: int
    elapsed_s: float
    items_per_s: float
    batches_per_s: float
    cpu_s_per_item: float
    bytes_per_item: int
    wait_ms_p50: float
    wait_ms_p90: float
    wait_ms_p99: float


def time_input(
    experiment: Experiment, num_items: int = 512, num_skipped: int = 64
) -> InputSpeed:
    """Reads batches as training does, from its first step on, and computes nothing.

    Args:
      experiment: gives the dataset, the task and the settings of the loader.
      num_items: examples to time at least; whole batches are.
      num_skipped: examples before the clock starts, at least; as many batches as are
        built ahead are skipped in any case, so that none of those timed is free.

    Raises:
      ConfigError: a number is no positive one, or worker time cannot be told.
      DataError: the dataset is missing or does not fit the task.
    """
    check_positive("num_items", num_items)
    check_positive("num_skipped", num_skipped)
    data = experiment.data
    with contextlib.closing(_batches(experiment)) as batches:
        before = next(batches)
        rows, num_bytes = _size(before)
        ahead = max(data.prefetch, data.num_threads) + 2 * data.num_workers
        for _ in range(max(-(-num_skipped // rows), ahead) - 1):
            next(batches)
        num_batches = -(-num_items // rows)
        waits_s = np.zeros(num_batches)
        start_cpu_s, start_s = cpu_time_s(), time.perf_counter()
        for index in range(num_batches):
            asked_s = time.perf_counter()
            next(batches)
            waits_s[index] = time.perf_counter() - asked_s
        elapsed_s = time.perf_counter() - start_s
        used_s = cpu_time_s() - start_cpu_s
    p50, p90, p99 = np.quantile(waits_s * 1e3, (0.5, 0.9, 0.99)).tolist()
    return InputSpeed(
        settings=InputSettings.of(experiment),
        num_items=num_batches * rows,
        rows_per_batch=rows,
        elapsed_s=elapsed_s,
        items_per_s=num_batches * rows / elapsed_s,
        batches_per_s=num_batches / elapsed_s,
        cpu_s_per_item=used_s / (num_batches * rows),
        bytes_per_item=num_bytes // rows,
        wait_ms_p50=p50,
        wait_ms_p90=p90,
        wait_ms_p99=p99,
    )


def _batches(experiment: Experiment) -> Generator[Batch, None, None]:
    """What this process of the run reads."""
    validate_tree(experiment)
    data, task = experiment.data, experiment.task.build()
    dataset = open_dataset(data.data_dir, data.dataset)
    return read_batches(experiment, task, dataset, 0)


def _size(batch: Batch) -> tuple[int, int]:
    """Rows and bytes."""
    arrays = [np.asarray(entry) for entry in batch.values()]
    return len(arrays[0]), sum(array.nbytes for array in arrays)


def sweep_input(
    experiment: Experiment,
    num_items: int = 256,
    num_skipped: int = 64,
    settings: Iterable[InputSettings] | None = None,
    tell: Callable[[InputSpeed], None] | None = None,
) -> list[InputSpeed]:
    """The speed under each of several settings, in their order.

    Args:
      experiment: as for `time_input`; it is left as it is.
      num_items: as for `time_input`, for each setting.
      num_skipped: likewise.
      settings: what to try; None takes `usual_settings`, then half and twice as many
        batches ahead with the best of these.
      tell: called with each speed as soon as it is known.

    Raises:
      ConfigError, DataError: as `time_input`.
    """
    speeds: list[InputSpeed] = []

    def try_all(candidates: Iterable[InputSettings]) -> None:
        for candidate in candidates:
            changed = candidate.put_into(experiment)
            speeds.append(time_input(changed, num_items, num_skipped))
            if tell is not None:
                tell(speeds[-1])

    if settings is not None:
        try_all(settings)
        return speeds
    prefetch = experiment.data.prefetch
    try_all(usual_settings(num_cores(), prefetch))
    best = best_input(speeds).settings
    others = {max(1, prefetch // 2), 2 * prefetch} - {prefetch}
    try_all(
        InputSettings(best.num_threads, best.num_workers, count)
        for count in sorted(others)
    )
    return speeds


def usual_settings(cores: int, prefetch: int) -> list[InputSettings]:
    """Threads alone, then workers without: 1, 2, 4, ... up to the cores."""
    counts = [1 << power for power in range(cores.bit_length())]
    threads = [InputSettings(count, 0, prefetch) for count in counts]
    return threads + [InputSettings(0, count, prefetch) for count in counts]


def best_input(speeds: Iterable[InputSpeed]) -> InputSpeed:
    """The one that costs least processor time, of those that are nearly the fastest."""
    speeds = list(speeds)
    least = NEARLY * max(speed.items_per_s for speed in speeds)
    fast = [speed for speed in speeds if speed.items_per_s >= least]
    return min(fast, key=lambda speed: speed.cpu_s_per_item)


def num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
