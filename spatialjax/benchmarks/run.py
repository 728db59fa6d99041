"""How fast a run trains from its data: the loop of `launch.train`, for some steps."""

import contextlib
import dataclasses
import functools
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import jax

from spatialjax.benchmarks.step import build_trainable
from spatialjax.data import open_dataset
from spatialjax.errors import ConfigError
from spatialjax.media import Place, as_place, told
from spatialjax.training import Experiment, fit
from spatialjax.training.metrics_writer import SPEED
from spatialjax.training.run import read_batches

NUM_TIMED = 2
"""Parts of a run that are timed, each with the checkpoint of the part before."""


@dataclass(frozen=True)
class RunSpeed:
    """What a run takes with its data and checkpoints.

    Attributes:
      strategy, batch_size, num_threads, num_workers: what was measured.
      num_steps: that were timed.
      steps_per_s, examples_per_s: with all that a run waits for.
      input_wait_share: of the time, in which no batch was ready.
      checkpoint_block_s: that steps wait for each checkpoint.
    """

    strategy: str
    batch_size: int
    num_threads: int
    num_workers: int
    num_steps: int
    steps_per_s: float
    examples_per_s: float
    input_wait_share: float
    checkpoint_block_s: float


def time_run(
    experiment: Experiment, num_steps: int, workdir: str | None = None
) -> RunSpeed:
    """Trains for some steps, with no validation.

    Before those that are timed come as many as use up the batches that were built while
    the step was compiled; after them come some whose batches these wait for.

    Args:
      experiment: as for `training.train`; its dataset is read.
      num_steps: to time, in two parts; a checkpoint is begun before each.
      workdir: folder of the run, which must be new; None takes one that is deleted
        afterwards, in a single process.

    Raises:
      ConfigError: `num_steps` is no multiple of two whole calls, or several processes
        have no folder in common.
      UserError: as `training.train`.
    """
    per_part, odd = divmod(num_steps, NUM_TIMED)
    if num_steps < 1 or odd or per_part % experiment.training.steps_per_call:
        raise ConfigError(
            f"{num_steps} steps are to be timed, expected a multiple of {NUM_TIMED} "
            f"calls of {experiment.training.steps_per_call} steps"
        )
    data = experiment.data
    num_ahead = max(data.prefetch, data.num_threads) + 2 * data.num_workers + 1
    num_before = -(-num_ahead // per_part)
    made = dataclasses.replace(
        experiment,
        training=dataclasses.replace(
            experiment.training,
            num_steps=(num_before + NUM_TIMED + 1) * per_part,
            log_every_steps=per_part,
        ),
        checkpoint=dataclasses.replace(experiment.checkpoint, every_steps=per_part),
    )
    task = build_trainable(made)
    dataset = open_dataset(data.data_dir, data.dataset)
    batches = functools.partial(read_batches, made, task, dataset)
    with _folder(workdir) as place:
        fit(task, made, batches, place, dataset_hash=dataset.hash)
        lines = (place / SPEED).read_text().splitlines()
    parts = [json.loads(line) for line in lines]
    return _summarise(made, parts[num_before : num_before + NUM_TIMED], per_part)


@contextlib.contextmanager
def _folder(workdir: str | None) -> Iterator[Place]:
    if workdir is None and jax.process_count() > 1:
        raise ConfigError("several processes need one --workdir that all of them see")
    if workdir is not None:
        place = as_place(workdir)
        with told(f"cannot use {workdir}"):
            is_there = place.exists()
        if is_there:
            raise ConfigError(f"{workdir} exists; a timed run needs a new folder")
        yield place
        return
    with tempfile.TemporaryDirectory() as parent:
        yield as_place(parent) / "run"


def _summarise(
    experiment: Experiment, parts: list[dict[str, float]], per_part: int
) -> RunSpeed:
    data, num_steps = experiment.data, per_part * len(parts)
    took_s = [per_part / part["steps_per_s"] for part in parts]
    waited_s = [
        part["input_wait_share"] * part_s
        for part, part_s in zip(parts, took_s, strict=True)
    ]
    blocks_s = [part["checkpoint_block_s"] for part in parts]
    steps_per_s = num_steps / sum(took_s)
    return RunSpeed(
        strategy=experiment.parallel.strategy.value,
        batch_size=data.batch_size,
        num_threads=data.num_threads,
        num_workers=data.num_workers,
        num_steps=num_steps,
        steps_per_s=steps_per_s,
        examples_per_s=steps_per_s * data.batch_size,
        input_wait_share=sum(waited_s) / sum(took_s),
        checkpoint_block_s=sum(blocks_s) / len(blocks_s),
    )
