"""The compiled call that an experiment trains by, and what feeds it."""

from collections.abc import Iterator

import jax

from spatialjax.tasks.base import Trainable
from spatialjax.training.experiment import Experiment
from spatialjax.training.feed import Feed
from spatialjax.training.optimizer import Optimizer
from spatialjax.training.parallel import Parallel
from spatialjax.training.step import TrainState, make_train_call, make_train_step
from spatialjax.typing import Batch


def make_feed(
    task: Trainable,
    experiment: Experiment,
    parallel: Parallel,
    batches: Iterator[Batch],
    num_batches: int,
) -> Feed:
    """What each call takes, in the form that the devices need."""
    training = experiment.training
    return Feed(
        batches,
        task.batch_spec,
        parallel.place_batch,
        num_batches,
        training.steps_per_call,
        training.num_micro_batches,
    )


def compile_call(
    task: Trainable,
    optimizer: Optimizer,
    experiment: Experiment,
    parallel: Parallel,
    state: TrainState,
    batch: Batch,
) -> jax.stages.Compiled:
    """``(state, batch) -> (state, report)`` for what the feed of an experiment gives.

    Both are placed; the state is donated. The report has the steps of the call for a
    leading axis.
    """
    training = experiment.training
    step = make_train_step(
        task,
        optimizer,
        experiment.seed,
        parallel.axis,
        num_micro_batches=training.num_micro_batches,
        remat=training.remat,
    )
    call = make_train_call(step, training.steps_per_call)
    return parallel.compile_step(call, state, batch)
