"""What `launch.benchmark` measures, by name."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from spatialjax.benchmarks.input import best_input, sweep_input, time_input
from spatialjax.benchmarks.run import time_run
from spatialjax.benchmarks.scores import time_scores
from spatialjax.benchmarks.step import time_step
from spatialjax.benchmarks.transforms import time_transforms
from spatialjax.inference import FieldModel, FieldSpeed, time_stream
from spatialjax.training import Experiment


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
      num_calls: of a step, a transform or a scoring that are timed; steps of a run.
      num_items: that the loader reads.
      sweep: whether settings of the loader are tried, and the best one told.
      seconds: of sound that becomes a field, at least.
      num_windows: computed at once of it, see `time_stream`.
      workdir: of a run, see `time_run`.
    """

    num_calls: int = 20
    num_items: int = 512
    sweep: bool = False
    seconds: float = 60.0
    num_windows: int | None = None
    workdir: str | None = None


def measure(what: str, experiment: Experiment, effort: Effort) -> Sequence[Any]:
    """The rows of one experiment: dataclasses of figures.

    Raises:
      UserError: as what is measured.
    """
    return MEASURES[what](experiment, effort)


def _input(experiment: Experiment, effort: Effort) -> Sequence[Any]:
    if not effort.sweep:
        return [time_input(experiment, effort.num_items)]
    speeds = sweep_input(experiment, effort.num_items)
    print(f"best here: {best_input(speeds).settings.flags}", file=sys.stderr)
    return speeds


def _spatialize(experiment: Experiment, effort: Effort) -> FieldSpeed:
    task = experiment.task.build()
    variables = jax.jit(task.init)(jax.random.key(experiment.seed))
    model = FieldModel(task, variables, experiment.data.image_spacing_s)
    return time_stream(model, effort.seconds, effort.num_windows)


MEASURES: dict[str, Callable[[Experiment, Effort], Sequence[Any]]] = {
    "step": lambda experiment, effort: [time_step(experiment, effort.num_calls)],
    "input": _input,
    "train": lambda experiment, effort: [
        time_run(experiment, effort.num_calls, effort.workdir)
    ],
    "stft": lambda experiment, effort: time_transforms(experiment, effort.num_calls),
    "metrics": lambda experiment, effort: [time_scores(experiment, effort.num_calls)],
    "spatialize": lambda experiment, effort: [_spatialize(experiment, effort)],
}
