"""One of two processes: ``python -m tests.training.process WORKDIR PORT INDEX MODE``.

Each holds two of four devices and half of the rows of each batch.
"""

import json
import os
import pathlib
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import jax

from spatialjax.training.checkpoint import CheckpointConfig
from spatialjax.training.parallel import Strategy
from tests.training.runs import ROWS, make_batches, make_experiment, run_fit

NUM_PROCESSES = 2


def main(workdir, port, index, mode):
    index = int(index)
    jax.distributed.initialize(f"localhost:{port}", NUM_PROCESSES, index)
    share = ROWS // NUM_PROCESSES

    def keep_share(step, batch):
        for name, rows in batch.items():
            batch[name] = rows[index * share : (index + 1) * share]

    batches = make_batches(edit=keep_share)
    if mode == "endless":
        result = run_fit(workdir, make_experiment(10**6, num_devices=None), batches)
        answer = {"stopped_by": result.stopped_by, "step": result.step}
    else:
        answer = take_turns(workdir, batches)
    pathlib.Path(workdir, f"process{index}.json").write_text(json.dumps(answer))


def take_turns(workdir, batches):
    """Six steps in three runs, each one better, then an evaluation of six rows."""
    for strategy, num_steps in (
        (Strategy.DATA, 2),
        (Strategy.PMAP, 4),
        (Strategy.DATA, 6),
    ):
        experiment = make_experiment(
            num_steps,
            strategy,
            num_devices=None,
            checkpoint=CheckpointConfig(keep=1),
        )
        result = run_fit(
            workdir,
            experiment,
            batches,
            validate=lambda step, variables: {"loss": 1 / step},
        )
    task = experiment.task.build()
    parallel = experiment.parallel.build()
    outputs, scores = parallel.eval_step(task)(
        parallel.place(result.variables),
        next(make_batches(task, rows=6)(0)),
        jax.random.key(0),
    )
    shapes = {name: value.shape for name, value in outputs.items()}
    error = jax.device_get(scores["error"].value)
    return {"shapes": shapes, "error": error.tolist()}


if __name__ == "__main__":
    main(*sys.argv[1:])
