"""What `launch.benchmark` measures, by name."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from spatialjax.benchmarks.input import (
    InputSpeed,
    best_input,
    sweep_input,
    time_input,
)
from spatialjax.benchmarks.run import time_run
from spatialjax.benchmarks.scores import time_scores
from spatialjax.benchmarks.step import time_step
from spatialjax.benchmarks.transforms import time_transforms
from spatialjax.errors import ConfigError
from spatialjax.inference import FieldModel, FieldSpeed, time_stream
from spatialjax.training import Experiment


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
      num_calls: of a step, a transform or a scoring that are timed; steps of a run.
      num_items: that the loader reads.
      sweep: whether settings of the loader are tried, and the best one told.
      duration_s: of sound that becomes a field, at least.
      num_windows: computed at once of it, see `time_stream`.
      workdir: of a run, see `time_run`.
    """

    num_calls: int = 20
    num_items: int = 512
    sweep: bool = False
    duration_s: float = 60.0
    num_windows: int | None = None
    workdir: str | None = None


def check_swept(what: str, names: Sequence[str]) -> None:
    """Refuse to sweep what a measurement does not depend on.

    Raises:
      ConfigError: one of the names, of `variants.PATHS`, makes no difference.
    """
    if others := sorted(set(names) - SWEPT[what]):
        known = ", ".join(sorted(SWEPT[what])) or "nothing"
        raise ConfigError(f"{what} does not depend on {others[0]}; sweep {known}")


def measure(what: str, experiment: Experiment, effort: Effort) -> Sequence[Any]:
    """The rows of one experiment: dataclasses of figures.

    Raises:
      UserError: as what is measured; or the devices lack the memory.
    """
    try:
        return MEASURES[what](experiment, effort)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise ConfigError(
            f"a batch of {experiment.data.batch_size} takes more memory than the "
            "devices have; take a smaller one, training.num_micro_batches or "
            "training.remat"
        ) from error


def _input(experiment: Experiment, effort: Effort) -> Sequence[Any]:
    if not effort.sweep:
        return [time_input(experiment, effort.num_items)]
    speeds = sweep_input(experiment, effort.num_items, tell=_tell)
    print(f"best here: {best_input(speeds).settings.flags}", file=sys.stderr)
    return speeds


def _tell(speed: InputSpeed) -> None:
    print(
        f"{speed.settings.flags}: {speed.items_per_s:.3g} items/s, "
        f"{speed.cpu_s_per_item:.2g} s of processor time each",
        file=sys.stderr,
    )


def _spatialize(experiment: Experiment, effort: Effort) -> FieldSpeed:
    task = experiment.task.build()
    variables = jax.jit(task.init)(jax.random.key(experiment.seed))
    model = FieldModel(task, variables, experiment.data.image_spacing_s)
    return time_stream(model, effort.duration_s, effort.num_windows)


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

SWEPT: dict[str, set[str]] = {
    "step": {"parallel", "dtype", "batch"},
    "input": {"batch"},
    "train": {"parallel", "dtype", "batch"},
    "stft": {"batch"},
    "metrics": {"parallel", "dtype"},
    "spatialize": {"dtype"},
}
"""What each of them depends on."""
