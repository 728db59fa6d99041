"""A workdir: a folder that is enough to continue, judge or use a trained model."""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from spatialjax.config import from_json, to_json
from spatialjax.errors import CheckpointError, ConfigError, UserError
from spatialjax.media import Place, as_place, told, write_file
from spatialjax.tasks.base import Task, Variables
from spatialjax.training.checkpoint import Checkpoints
from spatialjax.training.experiment import Experiment
from spatialjax.typing import PyTree

CONFIG = "config.json"

OF_A_PROCESS = (
    "data.data_dir",
    "data.num_threads",
    "data.num_workers",
    "data.prefetch",
)
"""Fields that each process of a run may have of its own: how it gets at the data."""

MAY_DIFFER = (
    *OF_A_PROCESS,
    "name",
    "training.num_steps",
    "training.log_every_steps",
    "training.validate_every_steps",
    "training.steps_per_call",
    "training.remat",
    "parallel",
    "checkpoint",
    "init_from",
    "evaluation.batch_size",
    "evaluation.num_bootstrap",
)
"""Fields that a resumed run may change: they leave its numbers as they are, or (the
count of steps) are meant to be changed."""


class Trained(NamedTuple):
    """A trained model as read from a workdir; arrays are NumPy."""

    experiment: Experiment
    task: Task
    variables: Variables
    step: int
    metadata: Mapping[str, Any]


def load_trained(workdir: str | os.PathLike[str], which: str = "latest") -> Trained:
    """The model of a workdir: ``"latest"``, a step, or the best, as "loss:min".

    Raises:
      CheckpointError: there is no such checkpoint, or it is damaged.
      ConfigError: the stored config is of another version.
    """
    path = as_place(workdir) / CONFIG
    with told(f"cannot read {workdir}"):
        is_there = path.is_file()
    if not is_there:
        raise CheckpointError(f"{workdir} is no workdir: it has no {CONFIG}")
    experiment = from_json(_read_text(path))
    if not isinstance(experiment, Experiment):
        raise ConfigError(f"{path} holds a {type(experiment).__name__}, no experiment")
    task = experiment.task.build()
    shapes = jax.eval_shape(task.init, jax.random.key(0))
    with Checkpoints(workdir) as checkpoints:
        step = checkpoints.find(which)
        variables = checkpoints.restore(step, shapes)
        return Trained(experiment, task, variables, step, checkpoints.metadata(step))


def check_same_run(
    experiment: Experiment, dataset_hash: str, metadata: Mapping[str, Any]
) -> None:
    """Whether a checkpoint is of this experiment, up to the fields of `MAY_DIFFER`.

    Raises:
      ConfigError: names the fields that differ.
    """
    ours = _flatten_json(json.loads(to_json(experiment)))
    theirs = _flatten_json(metadata["config"])
    different = [
        f"{name} ({theirs.get(name)!r} there, {ours.get(name)!r} here)"
        for name in sorted(set(ours) | set(theirs))
        if ours.get(name) != theirs.get(name) and not _may_differ(name)
    ]
    if dataset_hash != metadata["dataset_hash"]:
        different.append("the dataset's hash")
    if different:
        raise ConfigError(
            f"the workdir holds a run of another config: {', '.join(different)}; take "
            "another workdir, or that config"
        )


def shared_config(experiment: Experiment) -> str:
    """JSON of what all processes of a run must have been given alike."""
    fields = _flatten_json(json.loads(to_json(experiment)))
    return json.dumps(
        {name: fields[name] for name in sorted(fields) if name not in OF_A_PROCESS}
    )


def check_place(folder: str | os.PathLike[str]) -> None:
    """Whether a folder can be made at this place, told before anything slow starts.

    Raises:
      UserError: a part of the path is no folder, or must not be written; or the store
        of a URL does not answer.
    """
    folder = as_place(folder)
    if not isinstance(folder, pathlib.Path):
        with told(f"cannot use {folder}"):
            folder.exists()
        return
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not existing.is_dir():
        raise UserError(f"folder {folder}: {existing} is a file, expected a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"folder {folder}: {existing} must not be written")


def check_file_place(path: str | os.PathLike[str]) -> None:
    """Whether a file can be made at this place, told before anything slow starts.

    Raises:
      UserError: a folder is there, or as `check_place`.
    """
    place = as_place(path)
    check_place(place.parent)
    if place.is_dir():
        raise UserError(f"{path} is a folder, expected a file")


def write_config(workdir: Place, experiment: Experiment) -> None:
    """Creates the folder and its ``config.json``, whole or not at all.

    Raises:
      UserError: the folder cannot be written.
    """
    write_file(workdir / CONFIG, (to_json(experiment) + "\n").encode())


def _read_text(path: Place) -> str:
    try:
        with told(f"cannot read {path}"):
            return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is damaged: byte {error.start} is no UTF-8, expected the JSON "
            "that training wrote; put a copy of that in its place"
        ) from None


def _may_differ(name: str) -> bool:
    return any(name == free or name.startswith(free + ".") for free in MAY_DIFFER)


def _flatten_json(node: PyTree, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= _flatten_json(value, f"{prefix}.{key}" if prefix else key)
    return found
