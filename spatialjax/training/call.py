"""The compiled call that an experiment trains by, and what feeds it."""

from collections.abc import Iterator, Sequence

import jax
import numpy as np

from spatialjax.errors import ConfigError
from spatialjax.tasks.base import Trainable
from spatialjax.training.experiment import Experiment
from spatialjax.training.feed import Feed
from spatialjax.training.optimizer import Optimizer, make_optimizer
from spatialjax.training.parallel import Parallel, Strategy
from spatialjax.training.step import (
    TrainState,
    init_state,
    make_train_call,
    make_train_step,
)
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


def compile_ahead(
    experiment: Experiment, devices: Sequence[jax.Device] | None = None
) -> jax.stages.Compiled:
    """The call of an experiment, compiled from shapes alone.

    Args:
      experiment: gives task, batch, strategy and optimizer; no data are read.
      devices: those of a topology that need not be here; None takes what is.

    Raises:
      ConfigError: the strategy is pmap, which compiles for arrays alone, or the batch
        cannot be dealt out.
    """
    if experiment.parallel.strategy is Strategy.PMAP:
        raise ConfigError("pmap compiles for arrays alone; take data or fsdp")
    task, training = experiment.task.build(), experiment.training
    parallel = experiment.parallel.build(devices)
    num_parts, num_rows = training.num_micro_batches, experiment.data.batch_size
    if num_rows % (num_parts * parallel.num_devices):
        raise ConfigError(
            f"a batch of {num_rows} cannot be dealt out to {parallel.num_devices} "
            f"devices in {num_parts} parts; take a multiple of "
            f"{num_parts * parallel.num_devices} as data.batch_size"
        )
    variables = jax.eval_shape(task.init, jax.random.key(0))
    optimizer = make_optimizer(experiment.optimizer, variables, training.num_steps)
    state = jax.eval_shape(lambda v: init_state(v, optimizer), variables)
    parts = (num_parts,) if num_parts > 1 else ()
    lead = (training.steps_per_call, *parts)
    batch = {
        name: jax.ShapeDtypeStruct(
            (*lead, num_rows // num_parts, *spec.shape), np.dtype(spec.dtype)
        )
        for name, spec in task.batch_spec.items()
    }
    return compile_call(
        task,
        optimizer,
        experiment,
        parallel,
        parallel.state_shapes(state),
        parallel.batch_shapes(batch, len(lead)),
    )
