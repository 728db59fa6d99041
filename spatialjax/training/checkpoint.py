"""Checkpoints: Orbax behind one file, trees by path, errors of one line.

One checkpoint is one folder ``checkpoints/<step>``: the arrays of a `TrainState` and a
JSON text with what is needed to use or continue the run. It appears whole or not at
all. Arrays are written from the host in one copy, so that the strategy and the number
of devices may change from run to run; a checksum of each array tells a flipped bit.
"""

import json
import math
import os
import pathlib
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental.multihost_utils import sync_global_devices

from spatialjax.config import register
from spatialjax.errors import CheckpointError, ConfigError, nearest
from spatialjax.media import room_advice, write_file
from spatialjax.training.paths import flatten, unflatten
from spatialjax.training.rules import best_step, check_rules, parse_rule
from spatialjax.typing import HostArray, PyTree

FORMAT = 1
FOLDER = "checkpoints"
METADATA_FILE = "metadata"
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
        self, workdir: pathlib.Path | str, config: CheckpointConfig | None = None
    ) -> None:
        """Opens the folder: for reading alone without a `config`, else also to write.

        A writer creates the folder and clears what a killed run left unfinished.
        """
        self.folder = pathlib.Path(workdir).absolute() / FOLDER
        self._config = config or CheckpointConfig()
        writes = config is not None
        with _one_line(f"cannot open {self.folder}"):
            self._manager = ocp.CheckpointManager(
                self.folder,
                item_handlers={
                    "arrays": ocp.PyTreeCheckpointHandler(),
                    "metadata": ocp.JsonCheckpointHandler(METADATA_FILE),
                },
                options=ocp.CheckpointManagerOptions(
                    create=writes,
                    cleanup_tmp_directories=writes,
                    preservation_policy=self if writes else None,
                ),
            )
        self._scores: dict[int, dict[str, float]] = {}
        if writes:
            self._scores = {s: self.metadata(s)["scores"] for s in self.steps()}

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def steps(self) -> list[int]:
        """The steps that have a whole checkpoint, rising."""
        return sorted(self._manager.all_steps())

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
        scores = {step: self.metadata(step)["scores"] for step in steps}
        step = best_step(scores, which)
        if step is None:
            names = sorted({name for values in scores.values() for name in values})
            raise CheckpointError(
                f"no checkpoint in {self.folder} has the score of {which!r}; "
                + nearest(which.partition(":")[0], names)
            )
        return step

    def metadata(self, step: int) -> dict[str, Any]:
        """What was saved beside the arrays."""
        with self._reading(step):
            restored = self._manager.restore(
                step, args=ocp.args.Composite(metadata=ocp.args.JsonRestore())
            )
            found = restored["metadata"]
            if found["format"] == FORMAT:
                return found
        raise CheckpointError(
            f"{self.folder / str(step)} has format {found['format']}, this version "
            f"reads {FORMAT}"
        )

    def save(self, step: int, tree: PyTree, metadata: Mapping[str, Any]) -> None:
        """Starts to write NumPy arrays; returns before they are on the disk.

        Raises:
          CheckpointError: this or an earlier write failed, as on a full disk.
        """
        arrays = flatten(tree)
        text = {
            **metadata,
            "format": FORMAT,
            "step": step,
            "scores": {},
            "checksums": {path: _checksum(array) for path, array in arrays.items()},
        }
        num_bytes = sum(array.nbytes + INDEX_BYTES for array in arrays.values())
        with self._writing(step):
            self._check_room(num_bytes + len(json.dumps(text)) + RESERVE_BYTES)
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    arrays=ocp.args.PyTreeSave(_nest(arrays)),
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
            path = self.folder / str(step) / "metadata" / METADATA_FILE
            write_file(path, json.dumps(text).encode())
        sync_global_devices(f"scores of step {step}")  # all agree on who stays
        with self._writing(step):
            steps = self.steps()
            for other in sorted(set(steps) - self._staying(steps)):
                self._manager.delete(other)

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
        self._check_holds(step, leaves, self.shapes(step))
        checksums = self.metadata(step)["checksums"]
        target = _nest({p: np.zeros(x.shape, x.dtype) for p, x in leaves.items()})
        restore_args = ocp.checkpoint_utils.construct_restore_args(target)
        with self._reading(step):
            restored = self._manager.restore(
                step,
                args=ocp.args.Composite(
                    arrays=ocp.args.PyTreeRestore(
                        item=target, restore_args=restore_args, partial_restore=True
                    )
                ),
            )
            arrays = flatten(restored["arrays"])
        for path, array in arrays.items():
            if checksums.get(path) != _checksum(array):
                raise self._damaged(step, f"the bytes of {path} have changed")
        return arrays

    def shapes(self, step: int) -> dict[str, Any]:
        """What a checkpoint holds: shape and dtype of each array, by path."""
        with self._reading(step):
            found = self._manager.item_metadata(step)["arrays"]
            if found is None:
                raise FileNotFoundError("the list of its arrays is missing")
            return flatten(found.tree)

    def _check_holds(
        self, step: int, expected: Mapping[str, Any], saved: Mapping[str, Any]
    ) -> None:
        where = f"{self.folder / str(step)} holds another model:"
        if missing := [path for path in expected if path not in saved]:
            raise CheckpointError(
                f"{where} it lacks {missing[0]} ({len(missing)} such arrays of "
                f"{len(expected)}); {nearest(missing[0], saved)}"
            )
        for path, array in expected.items():
            given, wanted = _form(saved[path]), _form(array)
            if given != wanted:
                raise CheckpointError(f"{where} {path} is {given}, expected {wanted}")

    def reached_preemption(self, step: int) -> bool:
        """Whether the machine manager of a run in several processes asks to stop."""
        return jax.process_count() > 1 and self._manager.reached_preemption(step)

    def wait(self) -> None:
        """Returns when the last checkpoint is on the disk."""
        with self._writing(None):
            self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits and lets go of the folder."""
        with self._writing(None):
            self._manager.close()

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

    def _damaged(self, step: int, reason: str) -> CheckpointError:
        others = [s for s in self.steps() if s != step]
        advice = f"remove it to go on from step {others[-1]}" if others else "remove it"
        return CheckpointError(
            f"checkpoint {self.folder / str(step)} is damaged: {reason}; {advice}"
        )

    def _check_room(self, num_bytes: int) -> None:
        """Takes some room and gives it back.

        Orbax tells of a full disk on several threads, with many tracebacks; here it is
        one error before it starts.
        """
        if hasattr(os, "posix_fallocate"):  # not on macOS
            with tempfile.TemporaryFile(dir=self.folder) as file:
                os.posix_fallocate(file.fileno(), 0, num_bytes)

    @contextmanager
    def _reading(self, step: int) -> Iterator[None]:
        try:
            with _quiet_threads():
                yield
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(step, _first_line(error)) from error

    @contextmanager
    def _writing(self, step: int | None) -> Iterator[None]:
        try:
            with _quiet_threads():
                yield
        except (OSError, ValueError, RuntimeError) as error:
            for unfinished in self.folder.glob("*.orbax-checkpoint-tmp*"):
                shutil.rmtree(unfinished, ignore_errors=True)
            what = "a checkpoint" if step is None else f"the checkpoint of step {step}"
            raise CheckpointError(
                f"cannot write {what} to {self.folder}: {_first_line(error)}"
                f"{room_advice(error)}"
            ) from error


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """One error instead of one for each read or write that was under way.

    At the first error Orbax closes its event loop, and what is still under way then
    complains to Python of a closed loop. These complaints, which may come late, are
    not printed; every other one is.
    """
    earlier = sys.unraisablehook

    def hook(report: Any) -> None:
        if "Event loop is closed" not in str(report.exc_value):
            earlier(report)

    sys.unraisablehook = hook
    yield
    sys.unraisablehook = earlier  # not after an error


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{what}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def _checksum(array: HostArray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data)


def _form(array: Any) -> str:
    return f"{list(array.shape)} {np.dtype(array.dtype).name}"


def _nest(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dicts from paths, the form on the disk whatever the containers were."""
    nested: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *folders, name = path.split("/")
        place = nested
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = leaf
    return nested


def abstract(tree: PyTree) -> PyTree:
    """The shapes and dtypes of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)
