"""The training loop: from any start to the last step, continued where it stopped."""

import contextlib
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import jax
import numpy as np

from spatialjax import __version__
from spatialjax.config import to_json
from spatialjax.errors import ConfigError
from spatialjax.media import Place, as_place, write_file
from spatialjax.tasks.base import Trainable, Variables
from spatialjax.tasks.cost import memory_gb
from spatialjax.training.call import compile_call, make_feed
from spatialjax.training.checkpoint import Checkpoints
from spatialjax.training.experiment import Experiment, TrainingConfig
from spatialjax.training.feed import Feed
from spatialjax.training.guard import NonFiniteGuard
from spatialjax.training.interruption import StopRequest
from spatialjax.training.metrics_writer import METRICS, MetricsWriter, clock
from spatialjax.training.parallel import Parallel
from spatialjax.training.processes import check_same, gather
from spatialjax.training.start import Amend, Start, find_start
from spatialjax.training.step import StepReport
from spatialjax.training.workdir import check_place, shared_config, write_config
from spatialjax.typing import Batch

VALIDATION = "validation/"
"""Before each name in the lines of the metrics that a validation writes."""

Validate = Callable[[int, Variables], Mapping[str, float]]
"""Scores by name of a step's variables (NumPy) on the validation data."""


@dataclass(frozen=True)
class FitResult:
    """How a run ended.

    `variables` (NumPy) are those of `step`; `scores` those of the last validation,
    of this call or of the checkpoint that it started from; `stopped_by` is the signal
    that ended the run early, None where it is complete.
    """

    step: int
    variables: Variables
    scores: dict[str, float]
    stopped_by: str | None


def fit(
    task: Trainable,
    experiment: Experiment,
    batches: Callable[[int], Iterator[Batch]],
    workdir: str | os.PathLike[str],
    *,
    variables: Variables | None = None,
    amend: Amend | None = None,
    validate: Validate | None = None,
    parallel: Parallel | None = None,
    dataset_hash: str = "",
) -> FitResult:
    """Trains to ``experiment.training.num_steps``, from the workdir's last checkpoint.

    Args:
      task: what is trained.
      experiment: how; its `task`, `data` and `evaluation` are only stored.
      batches: the batches of this process from a step (counted from 0) onwards.
      workdir: the folder that is made, or continued; also ``gs://bucket/...``.
      variables: first weights instead of random ones; they are copied.
      amend: changes the first weights, such as to those of a published file.
      validate: scores the variables now and then, and at the end; the step is saved
        before, and a validation that was cut short is made up for by the next call.
      parallel: the devices; None builds ``experiment.parallel``.
      dataset_hash: a checkpoint of another dataset is refused.

    Returns:
      The end of the run. After SIGTERM or SIGINT a checkpoint is written and the result
      names the signal; the same call goes on from there, to the same numbers.

    Raises:
      UserError: the config, the data, the checkpoint or the folder is wrong, or a step
        is not finite.
    """
    if not isinstance(task, Trainable):
        raise ConfigError(f"{type(task).__name__} has no loss, so it cannot be trained")
    workdir = as_place(workdir)
    check_place(workdir)
    parallel = parallel or experiment.parallel.build()
    check_same("config", shared_config(experiment))
    check_same("dataset", dataset_hash)
    start = find_start(task, experiment, workdir, variables, dataset_hash, amend)
    first_step, num_left = start.step, experiment.training.num_steps - start.step
    if validate is not None and _owes_validation(start, experiment.training):
        start = _catch_up(start, experiment, workdir, validate)
    elif num_left <= 0 and jax.process_index() == 0:
        print(
            f"{workdir} holds step {first_step}: nothing is left to do", file=sys.stderr
        )
    if num_left <= 0:
        return FitResult(first_step, start.variables, start.scores, None)
    _check_whole_calls(workdir, first_step, num_left, experiment.training)
    with contextlib.closing(
        make_feed(task, experiment, parallel, batches(first_step), num_left)
    ) as feed:
        feed.advance()
        loop = _Loop(task, experiment, dataset_hash, parallel, feed, validate)
        return loop.run(workdir, start)


def _check_whole_calls(
    workdir: Place, first_step: int, num_left: int, training: TrainingConfig
) -> None:
    if num_left % training.steps_per_call:
        raise ConfigError(
            f"{workdir} holds step {first_step}, from where no whole calls of "
            f"{training.steps_per_call} steps lead to the end; set "
            "training.steps_per_call to a divisor of both"
        )


@dataclass
class _Loop:
    """A run under way."""

    task: Trainable
    experiment: Experiment
    dataset_hash: str
    parallel: Parallel
    feed: Feed
    validate: Validate | None

    def run(self, workdir: Place, start: Start) -> FitResult:
        """Compiles, opens the workdir, makes the steps."""
        self.guard = NonFiniteGuard(self.parallel.fetch)
        self.batch_size = self.feed.num_rows * jax.process_count()
        self.scores = start.scores
        plan = self._compile(start)
        self.state = self.parallel.place(start.state)
        first, num_steps = start.step, self.experiment.training.num_steps
        is_writer = jax.process_index() == 0
        if is_writer:
            write_config(workdir, self.experiment)
        with (
            MetricsWriter(workdir, first, num_steps, enabled=is_writer) as self.writer,
            Checkpoints(workdir, self.experiment.checkpoint) as self.checkpoints,
            StopRequest(enabled=jax.process_count() == 1) as self.stop,
        ):
            self.writer.say(plan)
            return self._make_steps(start)

    def _compile(self, start: Start) -> str:
        """Compiles the step and tries it once; what is about to happen, in one line."""
        parallel, training = self.parallel, self.experiment.training
        state = parallel.place(start.state)
        before_s = time.perf_counter()
        self.call = compile_call(
            self.task,
            start.optimizer,
            self.experiment,
            parallel,
            state,
            self.feed.current,
        )
        compile_s = time.perf_counter() - before_s
        jax.block_until_ready(self.call(state, self.feed.current))
        step_s = time.perf_counter() - before_s - compile_s
        step_s /= training.steps_per_call
        sizes = [int(np.size(leaf)) for leaf in jax.tree.leaves(start.state.params)]
        device = parallel.mesh.devices.flat[0].device_kind
        return (
            f"{type(self.task).__name__}: {sum(sizes):,} parameters, "
            f"batch {self.batch_size} on {parallel.num_devices} x {device} "
            f"({parallel.strategy.value}), {'resumed' if start.metadata else 'new'}, "
            f"steps {start.step} to {training.num_steps}, compiled in {compile_s:.1f} "
            f"s; {memory_gb(self.call):.2f} GB a device, {step_s:.2f} s a step, about "
            f"{clock((training.num_steps - start.step) * step_s)} in all"
        )

    def _make_steps(self, start: Start) -> FitResult:
        """Calls until the end or a signal; each validated step is saved before."""
        training, checkpoint = self.experiment.training, self.experiment.checkpoint
        num_steps = training.num_steps
        self._restart_clock(start.step)
        per_call = training.steps_per_call
        for done in range(start.step + per_call, num_steps + 1, per_call):
            with jax.transfer_guard("disallow"):  # all is there, as the feed placed it
                self.state, report = self.call(self.state, self.feed.current)
            self.feed.advance()
            self.guard.add(done, report)
            self.checkpoints.check()
            if _is_due(done, training.log_every_steps, num_steps):
                self._log(done, report)
            stopped_by = self._stopped_by(done)
            validates = _is_validated(done, training) and self.validate is not None
            is_due = _is_due(done, checkpoint.every_steps, num_steps)
            if stopped_by or validates or is_due:
                self._save(done)
            if stopped_by:
                break
            if validates:
                self._validate(done)
        return self._end(done, stopped_by)

    def _stopped_by(self, done: int) -> str | None:
        if self.checkpoints.reached_preemption(done):
            return "SIGTERM"
        return self.stop.signal_name

    def _log(self, done: int, report: StepReport) -> None:
        fetched = self.parallel.fetch(report.scalars)
        scalars = {name: values[-1] for name, values in fetched.items()}
        self.guard.check_all()
        self.writer.write(done, scalars)
        elapsed_s = self.feed.elapsed_s
        steps_per_s = (done - self.timed_from) / elapsed_s
        waits = gather(self.feed.waiting_s / elapsed_s)
        slowest = int(waits.argmax())
        speed = {
            "steps_per_s": steps_per_s,
            "examples_per_s": steps_per_s * self.batch_size,
            "input_wait_share": waits[slowest],
            "checkpoint_block_s": self.block_s,
        }
        note = f"input wait {waits[slowest]:.0%}"
        if len(waits) > 1:
            speed["input_wait_process"] = slowest
            note += f" in process {slowest}"
        self.writer.write_speed(done, speed)
        self.writer.progress(done, float(scalars["loss"]), steps_per_s, note)
        self._restart_clock(done)

    def _restart_clock(self, done: int) -> None:
        self.feed.restart()
        self.timed_from = done
        self.block_s = 0.0

    def _variables(self) -> Variables:
        """Copies on the host of what the last step gave."""
        kept = Variables(self.state.params, self.state.state)
        return self.parallel.fetch(kept)

    def _validate(self, done: int) -> None:
        if self.validate is not None:
            before_s = self.feed.elapsed_s
            scores = self.validate(done, self._variables())
            self.scores = _enter_scores(done, scores, self.writer, self.checkpoints)
            self.feed.pause(before_s)

    def _save(self, done: int) -> None:
        """Starts to write a checkpoint; `block_s` is how long steps wait for that."""
        before_s = self.feed.elapsed_s
        self.guard.check_all()
        self.writer.put()  # before: no checkpoint is ahead of its metrics
        metadata = {
            "seed": self.experiment.seed,
            "batch_size": self.batch_size,
            "dataset_hash": self.dataset_hash,
            "config": json.loads(to_json(self.experiment)),
            "version": __version__,
        }
        self.checkpoints.save(done, self.parallel.to_global(self.state), metadata)
        self.block_s += self.feed.elapsed_s - before_s

    def _end(self, done: int, stopped_by: str | None) -> FitResult:
        self.checkpoints.wait()
        where = self.checkpoints.folder / str(done)
        if stopped_by:
            self.writer.say(
                f"{stopped_by}: stopped at step {done}, saved as {where}; the same "
                "command goes on from there"
            )
        return FitResult(done, self._variables(), self.scores, stopped_by)


def _is_due(done: int, every: int, num_steps: int) -> bool:
    """Whether a step is the last, or one of every so many."""
    return done == num_steps or done % every == 0


def _is_validated(done: int, training: TrainingConfig) -> bool:
    every = training.validate_every_steps or training.num_steps
    return _is_due(done, every, training.num_steps)


def _enter_scores(
    step: int,
    found: Mapping[str, float],
    writer: MetricsWriter,
    checkpoints: Checkpoints,
) -> dict[str, float]:
    """The scores of a saved step, put into its checkpoint and into the metrics."""
    scores = {name: float(value) for name, value in found.items()}
    named = {f"{VALIDATION}{name}": value for name, value in scores.items()}
    writer.write(step, named)
    writer.put()
    checkpoints.add_scores(step, scores)  # last: until then the step is unvalidated
    shown = "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
    writer.say(f"step {step}  validation  {shown}")
    return scores


def _owes_validation(start: Start, training: TrainingConfig) -> bool:
    """Whether a signal, or worse, came between the checkpoint and its validation."""
    is_saved = start.metadata is not None
    return is_saved and not start.is_validated and _is_validated(start.step, training)


def _catch_up(
    start: Start, experiment: Experiment, workdir: Place, validate: Validate
) -> Start:
    """Validates the checkpoint that a run starts from."""
    step, num_steps = start.step, experiment.training.num_steps
    is_writer = jax.process_index() == 0
    with (
        MetricsWriter(workdir, step, num_steps, enabled=is_writer) as writer,
        Checkpoints(workdir, experiment.checkpoint) as checkpoints,
    ):
        found = validate(step, start.variables)
        if is_writer:
            _drop_validation(writer.folder / METRICS, step)
        scores = _enter_scores(step, found, writer, checkpoints)
    return start._replace(metadata={**(start.metadata or {}), "scores": scores})


def _drop_validation(metrics: pathlib.Path, step: int) -> None:
    """Drops the line of a validation whose scores did not reach the checkpoint."""

    def is_other(line: str) -> bool:
        found = json.loads(line)
        is_training = any(
            not key.startswith(VALIDATION) for key in found.keys() - {"step"}
        )
        return found["step"] != step or is_training

    if metrics.exists():
        lines = metrics.read_text().splitlines(keepends=True)
        write_file(metrics, "".join(filter(is_other, lines)).encode())
