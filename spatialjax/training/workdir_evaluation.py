"""The scores of the model that a workdir holds, and of baselines beside it."""

import dataclasses
import enum
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import jax

from spatialjax.config import validate_tree
from spatialjax.data import (
    Clip,
    Dataset,
    PairList,
    channel_gains,
    load_pairs,
    open_dataset,
    read_clip_ids,
    restrict,
)
from spatialjax.data.loader import fit_window
from spatialjax.errors import ConfigError
from spatialjax.evaluation import Collect, ScoreCard, make_pair_lists
from spatialjax.media import as_place
from spatialjax.tasks.base import HasConstantFields
from spatialjax.training.parallel import ParallelConfig
from spatialjax.training.scorer import Scorer
from spatialjax.training.workdir import Trained, load_trained


class Baseline(enum.StrEnum):
    """What is scored in place of a model of sound fields; it sees and learns nothing.

    MONO: W alone, silence in all other channels. SPATIAL_PRIOR: W times the gains that
    fit the training split best. LOUDNESS_PRIOR: those that fit its loudness, whatever
    the sign, for scores of envelopes, which do not hear it either.
    """

    MONO = "mono"
    SPATIAL_PRIOR = "spatial_prior"
    LOUDNESS_PRIOR = "loudness_prior"


@dataclass(frozen=True)
class WorkdirEvaluation:
    """A trained model, and the lists of items that it is to be scored on.

    With a `baseline` the model is that one, and was not trained.
    """

    trained: Trained
    dataset: Dataset
    pair_lists: dict[str, PairList]
    baseline: Baseline | None = None

    def run(self, collect: Collect | None = None) -> ScoreCard:
        """The scores, on all devices; `collect` is told of each batch."""
        trained = self.trained
        parallel = ParallelConfig(trained.experiment.parallel.strategy).build()
        score = Scorer(
            trained.experiment,
            trained.task,
            self.dataset,
            self.pair_lists,
            parallel,
        )
        step = None if self.baseline else trained.step
        return score(trained.variables, step, collect)

    @property
    def clip_counts(self) -> str:
        """How many clips of each split there are to score, in words."""
        splits = self.dataset.splits.items()
        return ", ".join(f"{len(clips)} of {name}" for name, clips in splits)

    def save_pairs(self, folder: str | os.PathLike[str]) -> None:
        """Writes each list of items into a file of a folder.

        Raises:
          MediaError: a file cannot be written.
        """
        for name, pairs in self.pair_lists.items():
            pairs.save(as_place(folder) / f"{name}.json")

    def with_baseline(
        self,
        baseline: Baseline,
        watch: Callable[[Sequence[Clip]], Iterable[Clip]] = iter,
    ) -> "WorkdirEvaluation":
        """The same evaluation of a baseline in place of the model.

        Args:
          baseline: which one.
          watch: gives the clips of the training split one by one, as a progress bar
            does; they are read for the priors.

        Raises:
          UserError: the task has no baselines, or the training split is not there.
        """
        experiment, task, *_ = self.trained
        if not isinstance(task, HasConstantFields):
            raise ConfigError(
                f"the workdir of {experiment.name!r} holds a {type(task).__name__}, "
                f"which has no baseline {baseline.value!r}; SpatialAudio has"
            )
        data = experiment.data
        fit_window(self.dataset, task.batch_spec, data)
        gains = [0.0] * (self.dataset.channels - 1)
        if baseline is not Baseline.MONO:
            # Opened again: the one that is scored may hold some of the clips alone.
            whole = open_dataset(data.data_dir, data.dataset)
            clips = whole.split(data.train_split)
            has_sign = baseline is Baseline.SPATIAL_PRIOR
            gains = channel_gains(whole, watch(clips), has_sign=has_sign).tolist()
        task = task.with_constant_gains(gains)
        name = f"{baseline.value} baseline of {experiment.name}"
        trained = self.trained._replace(
            experiment=dataclasses.replace(experiment, name=name),
            task=task,
            variables=task.init(jax.random.key(experiment.seed)),
        )
        return dataclasses.replace(self, trained=trained, baseline=baseline)


def open_evaluation(
    workdir: str | os.PathLike[str],
    *,
    which: str = "latest",
    data_dir: str | None = None,
    split: str | None = None,
    suites: Sequence[str] = (),
    pair_files: Sequence[str | os.PathLike[str]] = (),
    clip_file: str | os.PathLike[str] | None = None,
    max_items: int | None = None,
) -> WorkdirEvaluation:
    """The model of a workdir and what it is to be scored on; nothing slow yet.

    Args:
      workdir: of a training.
      which: checkpoint: latest, a step, or the best by a rule such as ``loss:min``.
      data_dir: folder of the datasets, where it is not the one of the training.
      split: instead of ``data.validation_split``.
      suites: instead of ``evaluation.suites``.
      pair_files: lists of items instead of drawn ones; a suite is named as its file.
      clip_file: clips that count, see `read_clip_ids`; the scores carry the hash of
        those that the split holds of them.
      max_items: at most so many items of a suite, instead of ``evaluation.num_pairs``.

    Raises:
      UserError: there is no such workdir, checkpoint, dataset, split, suite or list.
    """
    if pair_files and (split or suites or clip_file or max_items is not None):
        raise ConfigError(
            "a list of pairs says what is mixed; give it without a split, suites, "
            "clips or a number of items"
        )
    trained = load_trained(workdir, which)
    data = dataclasses.replace(trained.experiment.data)
    config = dataclasses.replace(trained.experiment.evaluation)
    if data_dir is not None:
        data.data_dir = data_dir
    if suites:
        config.suites = tuple(suites)
    if max_items is not None:
        config.num_pairs = max_items
    validate_tree(config)
    experiment = dataclasses.replace(trained.experiment, data=data, evaluation=config)
    dataset = open_dataset(data.data_dir, data.dataset)
    if pair_files:
        pair_lists = _load_pair_lists(pair_files, dataset)
    else:
        num_sources = trained.task.batch_spec["audio"].shape[0]
        place = split or data.validation_split
        if clip_file is not None:
            found = [config.rule_and_split(suite, place)[1] for suite in config.suites]
            splits = list(dict.fromkeys(found))
            dataset = restrict(dataset, read_clip_ids(clip_file, splits), splits)
        pair_lists = make_pair_lists(dataset, place, num_sources, config)
    return WorkdirEvaluation(
        trained._replace(experiment=experiment), dataset, pair_lists
    )


def _load_pair_lists(
    files: Sequence[str | os.PathLike[str]], dataset: Dataset
) -> dict[str, PairList]:
    names = [pathlib.Path(file).stem for file in files]
    if len(set(names)) < len(names):
        raise ConfigError(f"two pair lists have one name: {', '.join(names)}")
    lists = [load_pairs(file, dataset) for file in files]
    return dict(zip(names, lists, strict=True))
