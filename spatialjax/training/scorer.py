"""Scores of any variables of a task, on lists of items that stay the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import jax

from spatialjax.data import Dataset, PairList
from spatialjax.evaluation import (
    Collect,
    EvalStep,
    Origin,
    ScoreCard,
    evaluate,
    make_suites,
)
from spatialjax.evaluation.evaluate import score_names
from spatialjax.tasks.base import Task, Variables
from spatialjax.training.experiment import Experiment
from spatialjax.training.parallel import Parallel


@dataclass(frozen=True)
class Scorer:
    """Scores variables as an experiment says; compiled at its first call."""

    experiment: Experiment
    task: Task
    dataset: Dataset
    pair_lists: Mapping[str, PairList]
    parallel: Parallel

    @cached_property
    def step(self) -> EvalStep:
        """Prediction and device scores, on all devices."""
        return self.parallel.eval_step(self.task)

    def names(self) -> set[str]:
        """Names as of `ScoreCard.means`, before anything is predicted."""
        names = score_names(self.task, self.experiment.evaluation)
        others = list(self.pair_lists)[1:]
        return names | {f"{suite}/{name}" for suite in others for name in names}

    def __call__(
        self,
        variables: Variables,
        checkpoint_step: int | None = None,
        collect: Collect | None = None,
    ) -> ScoreCard:
        """The scores of variables (NumPy); `collect` is told of each batch."""
        config, data = self.experiment.evaluation, self.experiment.data
        splits = dict.fromkeys(pairs.split for pairs in self.pair_lists.values())
        suites = make_suites(
            self.dataset,
            self.task.batch_spec,
            data,
            dict(self.pair_lists),
            config.batch_size,
        )
        return evaluate(
            self.task,
            self.parallel.place(variables),
            suites,
            self.dataset.classes,
            config,
            jax.random.key(self.experiment.seed),
            step=self.step,
            collect=collect,
            origin=Origin(
                experiment=self.experiment.name,
                checkpoint_step=checkpoint_step,
                dataset=data.dataset,
                dataset_hash=self.dataset.hash,
                split=", ".join(splits),
            ),
        )
