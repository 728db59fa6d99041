"""One call that trains an experiment: data, evaluation and the loop put together."""

import functools
import os
from collections.abc import Callable, Generator
from typing import NamedTuple

import jax

from spatialjax.config import validate_tree
from spatialjax.data import Dataset, open_dataset, train_batches
from spatialjax.errors import ConfigError
from spatialjax.evaluation import Collect, ScoreCard, make_pair_lists
from spatialjax.tasks.base import Task, Variables
from spatialjax.training.experiment import Experiment
from spatialjax.training.loop import FitResult, fit
from spatialjax.training.rules import check_rules
from spatialjax.training.scorer import Scorer
from spatialjax.training.start import Amend
from spatialjax.training.workdir import check_place
from spatialjax.typing import Batch


class Validation(NamedTuple):
    """A validation: after which step, with what scores, on which data."""

    step: int
    card: ScoreCard
    dataset: Dataset


def train(
    experiment: Experiment,
    workdir: str | os.PathLike[str],
    *,
    amend: Amend | None = None,
    on_validation: Callable[[Validation], None] | None = None,
    collect: Collect | None = None,
) -> FitResult:
    """Trains an experiment into a workdir, or continues there.

    Args:
      experiment: everything that decides the run.
      workdir: gets ``config.json``, ``metrics.jsonl``, ``speed.jsonl``,
        ``tensorboard/`` and ``checkpoints/``.
      amend: changes the first weights, such as to those of a published file.
      on_validation: told of each validation, such as to write a page.
      collect: sees each batch of a validation with outputs (on the device) and
        scores, as a report needs.

    Raises:
      UserError: the config, the dataset, the workdir or a checkpoint is wrong, or a
        step is not finite.
    """
    validate_tree(experiment)
    check_place(workdir)
    _check_first_weights(experiment, amend)
    task = experiment.task.build()
    check_parameters(task)
    dataset = open_dataset(experiment.data.data_dir, experiment.data.dataset)
    score = make_validation(experiment, task, dataset)
    _check_best(experiment, score)

    def validate(step: int, variables: Variables) -> dict[str, float]:
        card = score(variables, step, collect)
        if on_validation is not None:
            on_validation(Validation(step, card, dataset))
        return card.means()

    return fit(
        task,
        experiment,
        functools.partial(read_batches, experiment, task, dataset),
        workdir,
        validate=validate,
        amend=amend,
        parallel=score.parallel,
        dataset_hash=dataset.hash,
    )


def read_batches(
    experiment: Experiment, task: Task, dataset: Dataset, start_step: int
) -> Generator[Batch, None, None]:
    """What this process trains on from a step onwards; to be closed."""
    return train_batches(
        dataset,
        task.batch_spec,
        experiment.data,
        experiment.seed,
        start_step,
        jax.process_index(),
        jax.process_count(),
        experiment.training.num_micro_batches,
    )


def check_parameters(task: Task) -> None:
    """Raises ConfigError for a task that learns nothing, such as a baseline."""
    if not jax.tree.leaves(jax.eval_shape(task.init, jax.random.key(0)).params):
        raise ConfigError(
            f"this {type(task).__name__} has no parameters, so there is nothing to "
            "train; evaluate --baseline scores constant gains"
        )


def make_validation(experiment: Experiment, task: Task, dataset: Dataset) -> Scorer:
    """Scores variables (NumPy) on the validation split, as the experiment says.

    Raises:
      DataError: the validation split is missing, or too small for a suite.
    """
    num_sources = task.batch_spec["audio"].shape[0]
    split, config = experiment.data.validation_split, experiment.evaluation
    lists = make_pair_lists(dataset, split, num_sources, config)
    return Scorer(experiment, task, dataset, lists, experiment.parallel.build())


def _check_best(experiment: Experiment, score: Scorer) -> None:
    """Refuse a rule for checkpoints that no validation will be able to answer."""
    is_off = not experiment.evaluation.host_scores
    source = "validation" + (" without evaluation.host_scores" if is_off else "")
    check_rules(experiment.checkpoint.best, score.names(), source)


def _check_first_weights(experiment: Experiment, amend: Amend | None) -> None:
    """Refuse to forget a file that the config names and that nothing reads."""
    file = getattr(experiment.task, "first_weights_file", None)
    if file is not None and amend is None:
        raise ConfigError(
            f"the task takes its first weights from {file}; give train() "
            "amend=convert.first_weights(experiment.task)"
        )
