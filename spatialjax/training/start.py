"""Where a run starts: its own last checkpoint, given weights, or random ones."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from spatialjax.media import Place
from spatialjax.tasks.base import Trainable, Variables
from spatialjax.training.checkpoint import Checkpoints, abstract
from spatialjax.training.checkpoint_files import DamagedError
from spatialjax.training.experiment import Experiment
from spatialjax.training.init_from import warm_start
from spatialjax.training.optimizer import Optimizer, make_optimizer
from spatialjax.training.processes import all_agree, as_first_says
from spatialjax.training.step import TrainState, init_state
from spatialjax.training.workdir import check_same_run
from spatialjax.typing import Array

INIT_STREAM = 2**32 - 1
"""Folded into the seed for the first weights: no step, and so no step's draws."""


Amend = Callable[[Variables], Variables]
"""Puts weights from elsewhere, such as a published file, in place of random ones."""


class Start(NamedTuple):
    """The state before the first step to make; `metadata` is that of its checkpoint."""

    state: TrainState
    optimizer: Optimizer
    metadata: Mapping[str, Any] | None

    @property
    def step(self) -> int:
        """The updates made so far."""
        return int(self.state.step)

    @property
    def variables(self) -> Variables:
        """What a validation of the start looks at."""
        return Variables(self.state.params, self.state.state)

    @property
    def scores(self) -> dict[str, float]:
        """Those of its checkpoint; empty where that was not validated."""
        return dict(self.metadata["scores"]) if self.metadata else {}

    @property
    def is_validated(self) -> bool:
        """Whether its checkpoint was, with finite scores or without."""
        known = self.metadata or {}
        return bool(known.get("is_validated") or known.get("scores"))


def find_start(
    task: Trainable,
    experiment: Experiment,
    workdir: Place,
    variables: Variables | None,
    dataset_hash: str,
    amend: Amend | None = None,
) -> Start:
    """The start of a run, in this order:

    1. the newest checkpoint of the workdir; one that is damaged is set aside, with a
       warning, and the one before it taken;
    2. else `variables`, or random ones, as `amend` changes them, and on top of them
    3. what ``experiment.init_from`` takes from another run.

    Raises:
      ConfigError: the workdir holds another run, or a group of parameters is wrong.
      CheckpointError: all checkpoints are damaged, or one is of another model.
    """
    shapes = variables
    if shapes is None:
        shapes = jax.eval_shape(task.init, _first_key(experiment))
    shapes = abstract(shapes)
    optimizer = make_optimizer(
        experiment.optimizer, shapes, experiment.training.num_steps
    )
    like = jax.eval_shape(lambda v: init_state(v, optimizer), shapes)

    def read(step: int) -> Start:
        metadata = checkpoints.metadata(step)
        check_same_run(experiment, dataset_hash, metadata)
        return Start(checkpoints.restore(step, like), optimizer, metadata)

    checkpoints = Checkpoints(workdir)
    saved = _newest_whole(checkpoints, read)
    if saved is not None:
        return saved
    first = first_variables(task, experiment, amend, variables)
    return Start(init_state(first, optimizer), optimizer, None)


def _newest_whole(
    checkpoints: Checkpoints, read: Callable[[int], Start]
) -> Start | None:
    """The newest checkpoint that every process can read; None where there is none.

    Raises:
      DamagedError: there are some, and none can be read.
    """
    reason: DamagedError | None = None
    damaged: list[int] = []
    while (step := as_first_says(_newest(checkpoints, damaged))) >= 0:
        try:
            start = read(step)
        except DamagedError as error:
            start, reason = None, error
        if all_agree(start is not None):
            _set_aside(checkpoints, damaged, step, reason)
            return start
        damaged.append(step)
    if damaged:
        raise reason or DamagedError(
            f"no checkpoint in {checkpoints.folder} can be read by all processes"
        )
    return None


def _newest(checkpoints: Checkpoints, damaged: Sequence[int]) -> int:
    """The newest step but the damaged ones; -1 where none is left."""
    return max(set(checkpoints.steps()) - set(damaged), default=-1)


def _set_aside(
    checkpoints: Checkpoints,
    damaged: Sequence[int],
    step: int,
    reason: DamagedError | None,
) -> None:
    """Takes damaged checkpoints out of the way, and says so."""
    if not damaged or jax.process_index() != 0:
        return
    places = ", ".join(str(checkpoints.set_aside(other)) for other in damaged)
    why = reason or "another process could not read it"
    print(
        f"warning: {why}; the run goes on from step {step}, and {places} is kept to "
        "look at",
        file=sys.stderr,
    )


def first_variables(
    task: Trainable,
    experiment: Experiment,
    amend: Amend | None = None,
    variables: Variables | None = None,
) -> Variables:
    """The weights of a new run: points 2 and 3 of `find_start`.

    Raises:
      UserError: what `amend` or `init_from` read is missing or of another model.
    """
    key = _first_key(experiment)
    first = task.init(key) if variables is None else variables
    first = first if amend is None else amend(first)
    return warm_start(experiment.init_from, first)


def _first_key(experiment: Experiment) -> Array:
    return jax.random.fold_in(jax.random.key(experiment.seed), INIT_STREAM)
