"""Checkpoints: Orbax behind one file, trees by path, errors of one line.

One checkpoint is one folder ``checkpoints/<step>``: the arrays of a `TrainState` and a
JSON text with what is needed to use or continue the run. It appears whole or not at
all. Each process writes the parts of the arrays that it holds; a device axis is not
part of them, so that the strategy and the number of devices may change from run to
run. A checksum of each array tells a flipped bit.
"""

import json
import math
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import jax
import orbax.checkpoint as ocp
from jax.experimental.multihost_utils import sync_global_devices

from spatialjax.config import register
from spatialjax.errors import CheckpointError, ConfigError, nearest
from spatialjax.media import (
    Place,
    as_place,
    remove_folder,
    room_advice,
    store_errors,
    write_file,
)
from spatialjax.training.checkpoint_files import (
    ARRAYS,
    FOLDER,
    FORMAT,
    METADATA,
    finished_steps,
    first_line,
    metadata_path,
    nest,
    quiet_threads,
    read_arrays,
    read_metadata,
    read_scores,
    read_shapes,
)
from spatialjax.training.checkpoint_writes import OwnWrites, WatchedArrays, WatchedText
from spatialjax.training.checksum import device_checksums
from spatialjax.training.paths import flatten, unflatten
from spatialjax.training.rules import best_step, check_rules, parse_rule
from spatialjax.typing import PyTree

RESERVE_BYTES = 16384
"""Room for Orbax's own files, besides what it writes for each array."""
INDEX_BYTES = 2048
"""Room for what Orbax writes for each array besides its values; for paths of the
published model about 1000 were measured."""


@register("checkpoint")
@dataclass
class CheckpointConfig:
    """When a checkpoint is written and which ones stay."""

    every_steps: int = 1000  # besides: after each validation and at the end
    keep: int = 2  # newest checkpoints that stay
    best: tuple[str, ...] = ("loss:min",)  # "metric:min" or "metric:max" of validation

    def validate(self) -> None:
        """Raises ConfigError for counts below one or a rule that cannot be read."""
        if self.every_steps < 1 or self.keep < 1:
            raise ConfigError(
                f"every_steps is {self.every_steps} and keep {self.keep}, expected >= 1"
            )
        for rule in self.best:
            parse_rule(rule)


class Checkpoints:
    """The checkpoints of one work folder."""

    def __init__(
        self, workdir: str | os.PathLike[str], config: CheckpointConfig | None = None
    ) -> None:
        """Opens the folder: for reading alone without a `config`, else also to write.

        A writer creates the folder and clears what a killed run left unfinished.
        """
        place = as_place(workdir)
        if isinstance(place, pathlib.Path):
            place = place.absolute()  # as Orbax wants it
        self.folder: Place = place / FOLDER
        self._config = config or CheckpointConfig()
        self._manager: ocp.CheckpointManager | None = None
        self._writes = OwnWrites()
        self._scores: dict[int, dict[str, float]] = {}
        if config is not None:
            with _one_line(f"cannot open {self.folder}"):
                self._manager = self._open()
            self._scores = self._read_scores()

    def _open(self) -> ocp.CheckpointManager:
        handlers = ocp.handlers.DefaultCheckpointHandlerRegistry()
        arrays, text = WatchedArrays(self._writes), WatchedText(self._writes)
        handlers.add(ARRAYS, ocp.args.PyTreeSave, arrays)
        handlers.add(METADATA, ocp.args.JsonSave, text)
        return ocp.CheckpointManager(
            self.folder,
            handler_registry=handlers,
            options=ocp.CheckpointManagerOptions(
                create=True, cleanup_tmp_directories=True, preservation_policy=self
            ),
        )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What is under way may wait for a process that has failed, and does not end.
        if error is None or jax.process_count() == 1:
            self.close()

    def steps(self) -> list[int]:
        """The steps that have a whole checkpoint, rising."""
        return finished_steps(self.folder)

    def latest(self) -> int | None:
        """The newest step, None in a folder without checkpoints."""
        return max(self.steps(), default=None)

    def find(self, which: str = "latest") -> int:
        """The step of ``"latest"``, of a number, or best by a rule as "loss:min".

        Raises:
          CheckpointError: there is no such checkpoint.
        """
        steps = self.steps()
        if not steps:
            raise CheckpointError(
                f"{self.folder} holds no checkpoint; train into this workdir first"
            )
        if which == "latest":
            return steps[-1]
        if which.isdigit():
            if int(which) in steps:
                return int(which)
            raise CheckpointError(f"{self.folder} holds no step {which}, only {steps}")
        scores = self._read_scores()
        step = best_step(scores, which)
        if step is None:
            names = sorted({name for values in scores.values() for name in values})
            raise CheckpointError(
                f"no checkpoint in {self.folder} has the score of {which!r}; "
                + nearest(which.partition(":")[0], names)
            )
        return step

    def _read_scores(self) -> dict[int, dict[str, float]]:
        return {step: read_scores(self.folder, step) for step in self.steps()}

    def metadata(self, step: int) -> dict[str, Any]:
        """What was saved beside the arrays."""
        return read_metadata(self.folder, step)

    def save(self, step: int, tree: PyTree, metadata: Mapping[str, Any]) -> None:
        """Starts to write arrays; returns before they are on the disk.

        Args:
          step: names the checkpoint.
          tree: NumPy arrays, or arrays on devices as `Parallel.to_global` gives them,
            whose buffers may be donated as soon as this returns.
          metadata: stands beside them; what JSON can hold.

        Raises:
          CheckpointError: this or an earlier write failed, as on a full disk.
        """
        arrays = flatten(tree)
        checksums = jax.device_get(device_checksums(arrays))
        text = {
            **metadata,
            "format": FORMAT,
            "step": step,
            "scores": {},
            "checksums": {path: int(found) for path, found in checksums.items()},
        }
        num_bytes = sum(array.nbytes + INDEX_BYTES for array in arrays.values())
        with self._writing(step) as manager:
            self._writes.wait()
            share = num_bytes // jax.process_count()  # each process writes its own
            self._check_room(share + len(json.dumps(text)) + RESERVE_BYTES)
            manager.save(
                step,
                args=ocp.args.Composite(
                    arrays=ocp.args.PyTreeSave(nest(arrays)),
                    metadata=ocp.args.JsonSave(text),
                ),
                force=True,
            )

    def add_scores(self, step: int, scores: Mapping[str, float]) -> None:
        """Puts the scores of a validation into a checkpoint; the best ones stay.

        Waits until the checkpoint is on the disk. The scores come after it, so that
        nothing that happens during a long validation can lose the step.

        Raises:
          ConfigError: a rule by which checkpoints are kept asks for more.
          CheckpointError: the checkpoint was not written, or is damaged.
          UserError: its text cannot be written.
        """
        check_rules(self._config.best, scores)
        self.wait()
        self._scores[step] = {n: v for n, v in scores.items() if math.isfinite(v)}
        found = {"scores": self._scores[step], "is_validated": True}
        text = {**self.metadata(step), **found}
        if jax.process_index() == 0:
            write_file(metadata_path(self.folder, step), json.dumps(text).encode())
        sync_global_devices(f"scores of step {step}")  # all agree on who stays
        with self._writing(step) as manager:
            steps = self.steps()
            for other in sorted(set(steps) - self._staying(steps)):
                manager.delete(other)

    def restore(self, step: int, like: PyTree) -> PyTree:
        """NumPy arrays in the form of `like`, a tree of shapes or a part of it.

        Raises:
          CheckpointError: the folder is damaged or holds another model.
        """
        expected = flatten(like)
        tops = set(flatten(like, is_leaf=lambda node: node is not like))
        known = {p: x for p, x in self.shapes(step).items() if p.split("/")[0] in tops}
        if extra := sorted(set(known) - set(expected)):
            raise CheckpointError(
                f"{self.folder / str(step)} holds another model: it has {extra[0]}, "
                f"which this one lacks ({len(extra)} such arrays of {len(known)}); "
                + nearest(extra[0], expected)
            )
        return unflatten(self.restore_leaves(step, expected), like)

    def restore_leaves(self, step: int, leaves: Mapping[str, Any]) -> dict[str, Any]:
        """NumPy arrays by path such as ``"params/sound/kernel"``, given their shapes.

        Raises:
          CheckpointError: the folder is damaged, or lacks an array of that shape.
        """
        return read_arrays(self.folder, step, leaves)

    def shapes(self, step: int) -> dict[str, Any]:
        """What a checkpoint holds: shape and dtype of each array, by path."""
        return read_shapes(self.folder, step)

    def set_aside(self, step: int) -> Place:
        """Renames a damaged checkpoint, which does not count from then on.

        Raises:
          CheckpointError: the folder cannot be renamed.
        """
        place = self.folder / str(step)
        aside = self.folder / f"damaged-{step}"
        with _one_line(f"cannot rename {place}"):
            remove_folder(aside)
            place.rename(aside)
        return aside

    def reached_preemption(self, step: int) -> bool:
        """Whether the machine manager of a run in several processes asks to stop."""
        if jax.process_count() == 1 or self._manager is None:
            return False
        return self._manager.reached_preemption(step)

    def check(self) -> None:
        """Raises CheckpointError where a write of this process has failed."""
        with self._writing(None):
            self._writes.check()

    def wait(self) -> None:
        """Returns when the last checkpoint is on the disk."""
        with self._writing(None) as manager:
            self._writes.wait()
            manager.wait_until_finished()

    def close(self) -> None:
        """Waits and lets go of the folder."""
        if self._manager is not None:
            with self._writing(None) as manager:
                manager.close()

    def should_preserve(
        self, checkpoints: Sequence[Any], *, context: Any = None
    ) -> list[bool]:
        """Orbax's question which checkpoints stay: the newest and the best ones."""
        steps = [info.step for info in checkpoints]
        staying = self._staying(steps)
        return [step in staying for step in steps]

    def _staying(self, steps: Sequence[int]) -> set[int | None]:
        """The newest of some steps and those that are best by a rule."""
        scores = {step: self._scores.get(step, {}) for step in steps}
        best = {best_step(scores, rule) for rule in self._config.best}
        return {*sorted(steps)[-self._config.keep :], *best}

    def _check_room(self, num_bytes: int) -> None:
        """Takes some room and gives it back.

        Orbax tells of a full disk on several threads, with many tracebacks; here it is
        one error before it starts.
        """
        is_on_disk = isinstance(self.folder, pathlib.Path)
        if is_on_disk and hasattr(os, "posix_fallocate"):  # not on macOS
            with tempfile.TemporaryFile(dir=self.folder) as file:
                os.posix_fallocate(file.fileno(), 0, num_bytes)

    @contextmanager
    def _writing(self, step: int | None) -> Iterator[ocp.CheckpointManager]:
        if self._manager is None:
            raise CheckpointError(f"{self.folder} was opened to read")
        try:
            with quiet_threads():
                yield self._manager
        except store_errors(ValueError, RuntimeError) as error:
            with suppress(*store_errors()):
                for unfinished in self.folder.glob("*.orbax-checkpoint-tmp*"):
                    remove_folder(unfinished)
            what = "a checkpoint" if step is None else f"the checkpoint of step {step}"
            raise CheckpointError(
                f"cannot write {what} to {self.folder}: {first_line(error)}"
                f"{room_advice(error)}"
            ) from error


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    try:
        yield
    except store_errors() as error:
        raise CheckpointError(f"{what}: {first_line(error)}") from error


def abstract(tree: PyTree) -> PyTree:
    """The shapes and dtypes of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)
