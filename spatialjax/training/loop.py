"""The training loop: from any start to the last step, continued where it stopped."""

import contextlib
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import jax
import numpy as np

from spatialjax import __version__
from spatialjax.config import to_json
from spatialjax.errors import ConfigError, nearest
from spatialjax.tasks.base import Trainable, Variables
from spatialjax.training.checkpoint import Checkpoints, parse_rule
from spatialjax.training.experiment import Experiment
from spatialjax.training.feed import Feed
from spatialjax.training.guard import NonFiniteGuard
from spatialjax.training.interruption import StopRequest
from spatialjax.training.metrics_writer import MetricsWriter
from spatialjax.training.parallel import Parallel
from spatialjax.training.start import Amend, Start, find_start
from spatialjax.training.step import StepReport, make_train_step
from spatialjax.training.workdir import check_place, write_config
from spatialjax.typing import Batch

Validate = Callable[[Variables], Mapping[str, float]]
"""Scores by name of the variables (NumPy) on the validation data."""

OnValidation = Callable[[int, Variables, Mapping[str, float]], None]
"""Told of each validation: the step, the variables (NumPy) and the scores."""


@dataclass(frozen=True)
class FitResult:
    """How a run ended.

    `variables` (NumPy) are those of `step`; `scores` those of the last validation;
    `stopped_by` is the signal that ended the run early, None where it is complete.
    """

    step: int
    variables: Variables
    scores: dict[str, float]
    stopped_by: str | None


def fit(
    task: Trainable,
    experiment: Experiment,
    batches: Callable[[int], Iterator[Batch]],
    workdir: pathlib.Path | str,
    *,
    variables: Variables | None = None,
    amend: Amend | None = None,
    validate: Validate | None = None,
    on_validation: OnValidation | None = None,
    dataset_hash: str = "",
) -> FitResult:
    """Trains to ``experiment.training.num_steps``, from the workdir's last checkpoint.

    Args:
      task: what is trained.
      experiment: how; its `task`, `data` and `evaluation` are only stored.
      batches: the batches of this process from a step (counted from 0) onwards.
      workdir: the folder that is made, or continued.
      variables: first weights instead of random ones; they are copied.
      amend: changes the first weights, such as to those of a published file.
      validate: scores the variables now and then, and at the end.
      on_validation: told of each validation, such as to write a page.
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
    workdir = pathlib.Path(workdir)
    check_place(workdir)
    parallel = experiment.parallel.build()
    start = find_start(task, experiment, workdir, variables, dataset_hash, amend)
    first_step, num_steps = int(start.state.step), experiment.training.num_steps
    if first_step >= num_steps:
        return _complete(start, workdir)
    num_left = num_steps - first_step
    with contextlib.closing(
        Feed(batches(first_step), task.batch_spec, parallel.place_batch, num_left)
    ) as feed:
        feed.advance()
        loop = _Loop(
            task, experiment, dataset_hash, parallel, feed, validate, on_validation
        )
        return loop.run(workdir, start)


@dataclass
class _Loop:
    """A run under way."""

    task: Trainable
    experiment: Experiment
    dataset_hash: str
    parallel: Parallel
    feed: Feed
    validate: Validate | None
    on_validation: OnValidation | None

    def run(self, workdir: pathlib.Path, start: Start) -> FitResult:
        """Compiles, opens the workdir, makes the steps."""
        self.guard = NonFiniteGuard(self.parallel.fetch)
        self.batch_size = self.feed.num_rows * jax.process_count()
        self.scores: dict[str, float] = {}
        self.state = self.parallel.place(start.state)
        axis, seed = self.parallel.axis, self.experiment.seed
        before_s = time.perf_counter()
        self.step = self.parallel.compile_step(
            make_train_step(self.task, start.optimizer, seed, axis),
            self.state,
            self.feed.current,
        )
        compile_s = time.perf_counter() - before_s
        first, num_steps = int(start.state.step), self.experiment.training.num_steps
        is_writer = jax.process_index() == 0
        if is_writer:
            write_config(workdir, self.experiment)
        with (
            MetricsWriter(workdir, first, num_steps, enabled=is_writer) as self.writer,
            Checkpoints(workdir, self.experiment.checkpoint) as self.checkpoints,
            StopRequest(enabled=jax.process_count() == 1) as self.stop,
        ):
            self.writer.say(self._plan(start, compile_s))
            return self._make_steps(start)

    def _plan(self, start: Start, compile_s: float) -> str:
        """What is about to happen, in one line."""
        sizes = [int(np.size(leaf)) for leaf in jax.tree.leaves(start.state.params)]
        parallel = self.parallel
        device = parallel.mesh.devices.flat[0].device_kind
        return (
            f"{type(self.task).__name__}: {sum(sizes):,} parameters, "
            f"batch {self.batch_size} on {parallel.num_devices} x {device} "
            f"({parallel.strategy.value}), {'resumed' if start.metadata else 'new'}, "
            f"steps {int(start.state.step)} to {self.experiment.training.num_steps}, "
            f"compiled in {compile_s:.1f} s"
        )

    def _make_steps(self, start: Start) -> FitResult:
        """Steps until the end or a signal."""
        training, checkpoint = self.experiment.training, self.experiment.checkpoint
        first = int(start.state.step)
        if start.metadata and not start.metadata["scores"] and self._validates(first):
            self._validate(first)  # a signal had come before it
            self._tell_validation(first)
        self._restart_clock(first)
        for done in range(first + 1, training.num_steps + 1):
            self.state, report = self.step(self.state, self.feed.current)
            self.feed.advance()
            self.guard.add(done, report)
            is_last = done == training.num_steps
            if is_last or done % training.log_every_steps == 0:
                self._log(done, report)
            stopped_by = self._stopped_by(done)
            validates = not stopped_by and self._validates(done)
            if validates:
                self._validate(done)
            is_due = is_last or done % checkpoint.every_steps == 0
            if stopped_by or validates or is_due:
                self._save(done, self.scores if validates else {})
            if validates:
                self._tell_validation(done)
            if stopped_by:
                break
        return self._end(done, stopped_by)

    def _validates(self, done: int) -> bool:
        training = self.experiment.training
        every = training.validate_every_steps or training.num_steps
        is_due = done % every == 0 or done == training.num_steps
        return self.validate is not None and is_due

    def _stopped_by(self, done: int) -> str | None:
        if self.checkpoints.reached_preemption(done):
            return "SIGTERM"
        return self.stop.signal_name

    def _log(self, done: int, report: StepReport) -> None:
        scalars = self.parallel.fetch(report.scalars)
        self.guard.check_all()
        self.writer.write(done, scalars)
        elapsed_s = self.feed.elapsed_s
        steps_per_s = (done - self.timed_from) / elapsed_s
        wait_share = self.feed.waiting_s / elapsed_s
        speed = {
            "steps_per_s": steps_per_s,
            "examples_per_s": steps_per_s * self.batch_size,
            "input_wait_share": wait_share,
        }
        self.writer.write_speed(done, speed)
        self.writer.progress(
            done, float(scalars["loss"]), steps_per_s, f"input wait {wait_share:.0%}"
        )
        self._restart_clock(done)

    def _restart_clock(self, done: int) -> None:
        self.feed.restart()
        self.timed_from = done

    def _validate(self, done: int) -> None:
        if self.validate is None:
            return
        self.guard.check_all()
        before_s = self.feed.elapsed_s
        found = self.validate(self._variables())
        self.scores = {name: float(value) for name, value in found.items()}
        self.writer.write(
            done, {f"validation/{name}": value for name, value in self.scores.items()}
        )
        shown = "  ".join(f"{name} {value:.4g}" for name, value in self.scores.items())
        self.writer.say(f"step {done}  validation  {shown}")
        self.feed.pause(before_s)

    def _tell_validation(self, done: int) -> None:
        """Calls back; raises ConfigError where ``checkpoint.best`` asks for more."""
        if self.on_validation is not None:
            before_s = self.feed.elapsed_s
            self.on_validation(done, self._variables(), self.scores)
            self.feed.pause(before_s)
        for rule in self.experiment.checkpoint.best:
            name = parse_rule(rule)[0]
            if name not in self.scores:
                raise ConfigError(
                    f"config.checkpoint.best holds {rule!r}, but validation gives no "
                    f"{name!r}; {nearest(name, self.scores)}"
                )

    def _variables(self) -> Variables:
        return self.parallel.fetch(Variables(self.state.params, self.state.state))

    def _save(self, done: int, scores: Mapping[str, float]) -> None:
        self.guard.check_all()
        metadata = {
            "seed": self.experiment.seed,
            "batch_size": self.batch_size,
            "dataset_hash": self.dataset_hash,
            "config": json.loads(to_json(self.experiment)),
            "version": __version__,
        }
        state = self.parallel.fetch(self.state)
        self.checkpoints.save(done, state, metadata, scores)

    def _end(self, done: int, stopped_by: str | None) -> FitResult:
        self.checkpoints.wait()
        where = self.checkpoints.folder / str(done)
        if stopped_by:
            self.writer.say(
                f"{stopped_by}: stopped at step {done}, saved as {where}; the same "
                "command goes on from there"
            )
        return FitResult(done, self._variables(), self.scores, stopped_by)


def _complete(start: Start, workdir: pathlib.Path) -> FitResult:
    if jax.process_index() == 0:
        step = int(start.state.step)
        print(f"{workdir} holds step {step}: nothing is left to do", file=sys.stderr)
    scores = dict(start.metadata["scores"]) if start.metadata else {}
    variables = Variables(start.state.params, start.state.state)
    return FitResult(int(start.state.step), variables, scores, None)
