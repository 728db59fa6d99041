"""How long the scores of a task take, on the devices and on the host."""

import statistics
import time
from dataclasses import dataclass

import jax
import numpy as np

from spatialjax.benchmarks.batches import make_noise_batch
from spatialjax.benchmarks.timing import time_calls
from spatialjax.errors import check_positive
from spatialjax.tasks.base import HostScored, Variables
from spatialjax.training import Experiment


@dataclass(frozen=True)
class ScoreSpeed:
    """What it takes to score one item of noise.

    Attributes:
      strategy, num_devices, batch_size: of the measurement.
      names: of the scores.
      device_items_per_s: of all devices, with the way of a batch to them.
      host_items_per_s: scores of a process in NumPy; None where there are none.
    """

    strategy: str
    num_devices: int
    batch_size: int
    names: tuple[str, ...]
    device_items_per_s: float
    host_items_per_s: float | None


def time_scores(experiment: Experiment, num_calls: int) -> ScoreSpeed:
    """Scores batches of noise of ``evaluation.batch_size`` as a validation does.

    Several processes share a batch as far as it divides.

    Raises:
      ConfigError: `num_calls` is less than 1.
    """
    check_positive("num_calls", num_calls)
    task, parallel = experiment.task.build(), experiment.parallel.build()
    variables = jax.jit(task.init)(jax.random.key(experiment.seed))
    placed = Variables(*parallel.place(tuple(variables)))
    num_rows = -(-experiment.evaluation.batch_size // jax.process_count())
    batch = make_noise_batch(task.batch_spec, num_rows)
    step, key = parallel.eval_step(task), jax.random.key(0)
    outputs, scores = step(placed, batch, key)
    device_s = statistics.median(time_calls(step, num_calls, placed, batch, key))
    host_items_per_s = None
    if isinstance(task, HostScored):
        found = jax.tree.map(np.asarray, outputs)
        before_s = time.perf_counter()
        scores = {**scores, **task.score(found, batch)}
        host_items_per_s = num_rows / (time.perf_counter() - before_s)
    return ScoreSpeed(
        strategy=parallel.strategy.value,
        num_devices=parallel.num_devices,
        batch_size=num_rows * jax.process_count(),
        names=tuple(sorted(scores)),
        device_items_per_s=num_rows * jax.process_count() / device_s,
        host_items_per_s=host_items_per_s,
    )
