"""Scores of a model over suites of items, whatever the system."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from spatialjax.evaluation.config import EvaluationConfig
from spatialjax.evaluation.definitions import REFERENCES
from spatialjax.evaluation.gather import Gathered
from spatialjax.evaluation.scorecard import Origin, ScoreCard, SuiteScores
from spatialjax.evaluation.summary import summarise
from spatialjax.tasks.base import HostScored, Scores, Task, Variables, check_batch
from spatialjax.typing import Array, Batch, PyTree

EvalStep = Callable[[Variables, Batch, Array], tuple[PyTree, dict[str, Scores]]]
"""``(variables, batch, key) -> (outputs, scores)``, with all the rows of the batch.

In several processes each one gives rows of its own and gets these."""

_HostScores = Callable[[PyTree, Batch], dict[str, Scores]]

Collect = Callable[[str, PyTree, Batch, dict[str, Scores]], None]
"""Sees the suite's name and the outputs, batch and scores of each batch, in order.

The outputs are still on the device: it brings to the host what it needs."""


@dataclass(frozen=True)
class Suite:
    """A list of items and the batches that hold them.

    The valid rows of the batches tell by ``example_id`` which of the
    `item_ids` they are; each item comes once. `clip_ids` are the clips of the items,
    where several may be of one clip. With `swap_images` it is a control, whose batches
    show other pictures.
    """

    rule: str
    pair_hash: str
    item_ids: tuple[str, ...]
    batches: Iterable[Batch]
    swap_images: bool = False
    clip_ids: tuple[str, ...] | None = None


class _Scored(NamedTuple):
    """One batch with its scores on the host, and its outputs on the device."""

    batch: Batch
    outputs: PyTree
    scores: dict[str, Scores]


def predict_and_measure(
    task: Task, variables: Variables, batch: Batch, key: Array
) -> tuple[PyTree, dict[str, Scores]]:
    """Outputs and device scores, traced; with a task bound, an `EvalStep`."""
    outputs = task.predict(variables, batch, key)
    return outputs, task.measure(outputs, batch)


def compile_eval_step(task: Task) -> EvalStep:
    """Prediction and device scores in one compiled function, for one device."""
    return jax.jit(functools.partial(predict_and_measure, task))


def score_names(task: Task, config: EvaluationConfig) -> set[str]:
    """Names of all scores that `evaluate` will give, from shapes alone.

    The names of the host's scores are those of one padded row of zeros.
    """
    batch = {
        name: jax.ShapeDtypeStruct((1, *spec.shape), spec.dtype)
        for name, spec in task.batch_spec.items()
    }
    key = jax.random.key(0)
    variables = jax.eval_shape(task.init, key)
    step = functools.partial(predict_and_measure, task)
    outputs, scores = jax.eval_shape(step, variables, batch, key)
    names = set(scores)
    if (host := _host_scores(task, config)) is not None:
        zeros = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), (outputs, batch))
        names |= set(host(*zeros))
    return names


def evaluate(
    task: Task,
    variables: Variables,
    suites: Mapping[str, Suite],
    classes: Sequence[str],
    config: EvaluationConfig,
    key: Array,
    *,
    step: EvalStep | None = None,
    collect: Collect | None = None,
    origin: Origin | None = None,
) -> ScoreCard:
    """The scores of a model on each suite.

    In several processes each one scores the rows that its batches hold, and all give
    the whole score card.

    While the host scores one batch, the device works on the next. All suites and all
    batches share the key: a task folds in the ``example_id``, so that neither the batch
    size nor the order of suites matters.

    Args:
      task: the system.
      variables: its parameters and state, in the form that `step` takes.
      suites: by name; the names in `config` are not read.
      classes: names of the classes that ``class_id`` counts.
      config: of what to score and how to sum up.
      key: of the draws in `predict`, if the task makes any.
      step: compiled for several devices; None compiles for one.
      collect: sees every batch of this process, as a report needs.
      origin: of model and data, for the score card.

    Raises:
      DataError: a batch does not fit the task, or a suite lacks an item.
    """
    step = step or compile_eval_step(task)
    host = _host_scores(task, config)
    scored = {}
    for name, suite in suites.items():
        table = Gathered(name, len(suite.item_ids))
        batches = _checked_batches(task, suite)
        for batch, outputs, scores in _score_batches(
            functools.partial(step, variables), host, batches, key
        ):
            table.add(batch, scores)
            if collect is not None:
                collect(name, outputs, batch, scores)
        scored[name] = _sum_up(suite, table, classes, config)
    return ScoreCard(scored, origin or Origin())


def _host_scores(task: Task, config: EvaluationConfig) -> _HostScores | None:
    return task.score if config.host_scores and isinstance(task, HostScored) else None


def _checked_batches(task: Task, suite: Suite) -> Iterator[Batch]:
    """The batches of a suite, which fit the task."""
    for batch in suite.batches:
        check_batch(task.batch_spec, batch)
        yield batch


def _score_batches(
    step: Callable[[Batch, Array], tuple[PyTree, dict[str, Scores]]],
    host: _HostScores | None,
    batches: Iterable[Batch],
    key: Array,
) -> Iterator[_Scored]:
    """Scores batch by batch, in order; at most two batches are under way.

    The outputs stay on the device; `host` takes what it needs of them.
    """

    def finish(batch: Batch, outputs: PyTree, scores: dict[str, Scores]) -> _Scored:
        scores = jax.device_get(scores)
        if host is not None:
            scores = {**scores, **host(outputs, batch)}
        return _Scored(batch, outputs, scores)

    with ThreadPoolExecutor(1) as pool:
        before: Future[_Scored] | None = None
        for batch in batches:
            future = pool.submit(finish, batch, *step(batch, key))
            if before is not None:
                yield before.result()
            before = future
        if before is not None:
            yield before.result()


def _sum_up(
    suite: Suite, table: Gathered, classes: Sequence[str], config: EvaluationConfig
) -> SuiteScores:
    """The figures of a suite."""
    table.join_processes()
    table.check_complete()
    parity = config.batch_size if config.batch_mean_parity else None
    summaries = {
        metric: summarise(
            values,
            table.class_ids,
            classes,
            config.num_bootstrap,
            table.num_undefined[metric],
            parity,
            suite.clip_ids,
            table.values.get(REFERENCES.get(metric, "")),
        )
        for metric, values in table.values.items()
    }
    return SuiteScores(
        rule=suite.rule,
        pair_hash=suite.pair_hash,
        swap_images=suite.swap_images,
        item_ids=suite.item_ids,
        class_ids=table.class_ids,
        values=table.values,
        summaries=summaries,
        clip_ids=suite.clip_ids,
    )
