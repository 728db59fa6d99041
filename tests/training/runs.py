"""Short runs of the fake task, shared by the tests of the training loop."""

import itertools
import json
from dataclasses import dataclass, replace

import jax
import numpy as np

from spatialjax.config import register
from spatialjax.training.checkpoint import CheckpointConfig
from spatialjax.training.experiment import Experiment, TrainingConfig
from spatialjax.training.loop import fit
from spatialjax.training.optimizer import OptimizerConfig
from spatialjax.training.parallel import ParallelConfig, Strategy
from tests.fakes import FakeTask, fake_batch

ROWS = 8


@dataclass(frozen=True)
class PlainTask(FakeTask):
    """The fake task at a rate of choice."""

    rate_hz: float = 8000.0

    @property
    def batch_spec(self):
        spec = FakeTask.batch_spec.fget(self)
        return spec | {"audio": replace(spec["audio"], rate_hz=self.rate_hz)}


@register("fake_task")
@dataclass
class FakeConfig:
    num_samples: int = 16
    rate_hz: float = 8000.0

    def build(self):
        return PlainTask(num_samples=self.num_samples, rate_hz=self.rate_hz)


def make_experiment(num_steps=6, strategy=Strategy.DATA, num_devices=2, **fields):
    settings = {
        "task": FakeConfig(),
        "optimizer": OptimizerConfig(learning_rate=0.05),
        "training": TrainingConfig(num_steps, log_every_steps=1),
        "parallel": ParallelConfig(strategy, num_devices),
        "checkpoint": CheckpointConfig(every_steps=3),
    }
    return Experiment(**(settings | fields))


def make_batches(task=None, rows=ROWS, edit=None):
    """Batches by step; ``edit(step, batch)`` may change one."""
    task = task or PlainTask()

    def batches(start):
        for step in itertools.count(start):
            batch = fake_batch(task, rows, step)
            if edit is not None:
                edit(step, batch)
            yield batch

    return batches


def run_fit(workdir, experiment, batches=None, **options):
    task = experiment.task.build()
    return fit(task, experiment, batches or make_batches(task), workdir, **options)


def read_lines(workdir, name="metrics.jsonl"):
    return [json.loads(line) for line in (workdir / name).read_text().splitlines()]


def assert_trees_equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
