"""Batches built ahead of their use, by threads or by processes."""

import signal
from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
from absl import flags

from spatialjax.data.config import DataConfig
from spatialjax.data.memory import keep_freed_memory
from spatialjax.errors import ConfigError

HostBatch = dict[str, np.ndarray]


class Batches(Protocol):
    """Random access to batches, from any thread or process."""

    def __len__(self) -> int: ...

    def __getitem__(self, step: int) -> HostBatch: ...


def read_ahead(
    batches: Batches, config: DataConfig, start_step: int
) -> Generator[HostBatch, None, None]:
    """Batches built ahead by threads or workers.

    Raises:
      ConfigError: workers are asked for where Grain cannot start them.
    """
    # Grain takes half a second to import, which a config alone need not pay.
    import grain

    keep_freed_memory()
    threads = config.num_threads
    steps = grain.MapDataset.source(batches)[start_step:].to_iter_dataset(
        grain.ReadOptions(
            num_threads=threads,
            prefetch_buffer_size=max(config.prefetch, threads) if threads else 0,
        )
    )
    if config.num_workers:
        if not flags.FLAGS.is_parsed():
            raise ConfigError(
                f"data.num_workers is {config.num_workers}, which needs the flags of "
                "absl: run by absl.app, or call absl.flags.FLAGS.mark_as_parsed()"
            )
        steps = steps.mp_prefetch(
            grain.MultiprocessingOptions(
                num_workers=config.num_workers, per_worker_buffer_size=1
            ),
            worker_init_fn=_start_worker,
        )
    return _closing(steps)


def _start_worker(index: int, count: int) -> None:
    """Leaves ctrl-C to the parent, which still needs it for the current step."""
    del index, count
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()


def _closing(steps: Any) -> Generator[HostBatch, None, None]:
    """The batches of a dataset of Grain, whose threads and workers end with it."""
    iterator = iter(steps)
    try:
        yield from iterator
    finally:
        iterator.close()
