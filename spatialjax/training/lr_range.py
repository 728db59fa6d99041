"""Learning-rate range test: which rate to give a group of parameters.

The rate rises from step to step by a constant factor, and the loss is watched (Smith,
"Cyclical learning rates for training neural networks", 2017). It falls while the rate
is useful and bursts where it is too high; a tenth of the rate of its lowest point is a
good one to begin with.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import optax

from spatialjax.config import validate_tree
from spatialjax.data import open_dataset, train_batches
from spatialjax.errors import ConfigError, nearest
from spatialjax.training.call import compile_call, make_feed
from spatialjax.training.experiment import Experiment
from spatialjax.training.optimizer import Group, Optimizer, make_optimizer
from spatialjax.training.start import Amend, first_variables
from spatialjax.training.step import init_state
from spatialjax.typing import Array, HostArray

MEMORY = 0.95
"""What the running mean of the loss keeps of itself in a step."""

BURST = 4.0
"""The mean over its least value at which the test of a group ends."""

MARGIN = 10.0
"""The rate of the least mean over the rate to begin with."""


@dataclass(frozen=True)
class RateRange:
    """The test of one group; arrays ``[steps]``, which end where the loss bursts.

    Attributes:
      group: its name.
      learning_rates: one a step, rising.
      losses: before each step.
      means: running means of the losses, corrected for their start at 0.
      suggestion: the rate of the least mean, over `MARGIN`.
    """

    group: str
    learning_rates: HostArray
    losses: HostArray
    means: HostArray
    suggestion: float


def find_rates(
    experiment: Experiment,
    groups: Sequence[str] = (),
    num_steps: int = 1000,
    lowest: float = 1e-10,
    highest: float = 10.0,
    amend: Amend | None = None,
) -> Iterator[RateRange]:
    """The range test of each group, one after the other, each from the first weights.

    While a group is tested, the others rest.

    Args:
      experiment: gives the data, the task and the rule of the optimizer.
      groups: names of `optimizer.groups`; none tests all that are not frozen.
      num_steps: of each test.
      lowest: rate of the first step.
      highest: rate of the last step.
      amend: changes the first weights, such as to those of a published file.

    Raises:
      UserError: the config or the dataset is wrong, or there is no such group.
    """
    validate_tree(experiment)
    if num_steps < 2 or not 0 < lowest < highest:
        raise ConfigError(
            f"the rates go from {lowest:g} to {highest:g} in {num_steps} steps, "
            "expected 0 < lowest < highest and 2 steps or more"
        )
    known = dict(experiment.optimizer.groups) or {"all": Group()}
    for name in groups:
        if name not in known:
            raise ConfigError(
                f"there is no group {name!r} of parameters: {nearest(name, known)}"
            )
    rates = np.geomspace(lowest, highest, num_steps)
    for name in groups or [n for n, group in known.items() if not group.frozen]:
        alone = {
            other: dataclasses.replace(group, learning_rate=1.0, frozen=other != name)
            for other, group in known.items()
        }
        with contextlib.closing(
            _losses(_with_groups(experiment, alone), rates, amend)
        ) as losses:
            yield _judge(name, rates, losses)


def _with_groups(experiment: Experiment, groups: dict[str, Group]) -> Experiment:
    optimizer = dataclasses.replace(
        experiment.optimizer,
        groups=groups,
        schedule=type(experiment.optimizer.schedule)(),
    )
    return dataclasses.replace(experiment, optimizer=optimizer)


def _losses(
    experiment: Experiment, rates: HostArray, amend: Amend | None
) -> Generator[float, None, None]:
    """The loss before each step, made at the rate of that step."""
    task = experiment.task.build()
    variables = first_variables(task, experiment, amend)
    optimizer = _scaled(make_optimizer(experiment.optimizer, variables, 1), rates)
    training = dataclasses.replace(experiment.training, steps_per_call=1)
    experiment = dataclasses.replace(experiment, training=training)
    parallel = experiment.parallel.build()
    dataset = open_dataset(experiment.data.data_dir, experiment.data.dataset)
    batches = train_batches(
        dataset,
        task.batch_spec,
        experiment.data,
        experiment.seed,
        num_micro_batches=training.num_micro_batches,
    )
    state = parallel.place(init_state(variables, optimizer))
    feed = make_feed(task, experiment, parallel, batches, len(rates))
    with contextlib.closing(feed):
        feed.advance()
        step = compile_call(task, optimizer, experiment, parallel, state, feed.current)
        for _ in rates:
            state, report = step(state, feed.current)
            feed.advance()
            yield float(parallel.fetch(report.scalars["loss"])[0])


def _scaled(optimizer: Optimizer, rates: HostArray) -> Optimizer:
    """An optimizer of rate 1 with the given rate at each step instead."""
    table = jnp.asarray(rates, jnp.float32)

    def rate(step: Array) -> Array:
        return table[step]

    transform = optax.chain(optimizer.transform, optax.scale_by_schedule(rate))
    return optimizer._replace(transform=transform)


def _judge(name: str, rates: HostArray, losses: Iterator[float]) -> RateRange:
    """Takes losses until they burst, and finds the rate of their least mean."""
    taken: list[float] = []
    means: list[float] = []
    mean = 0.0
    for loss in itertools.takewhile(np.isfinite, losses):
        taken.append(loss)
        mean = MEMORY * mean + (1 - MEMORY) * loss
        means.append(mean / (1 - MEMORY ** len(taken)))
        if means[-1] > BURST * min(means):
            break
    if not taken:
        raise ConfigError(f"the very first loss of group {name!r} is not finite")
    best = float(rates[int(np.argmin(means))])
    return RateRange(
        name,
        rates[: len(taken)],
        np.array(taken),
        np.array(means),
        best / MARGIN,
    )
