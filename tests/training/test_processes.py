import json
import pathlib
import signal
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest

from spatialjax.training.checkpoint import Checkpoints
from tests.training.runs import make_batches, make_experiment, read_lines, run_fit

ROOT = pathlib.Path(__file__).parents[2]


def start(workdir, mode):
    """Two processes that find each other at a free port."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    module = "tests.training.process"
    return [
        subprocess.Popen(
            [sys.executable, "-m", module, workdir, port, index, mode],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in ("0", "1")
    ]


def finish(workdir, processes):
    """What each of them wrote."""
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    files = [workdir / f"process{i}.json" for i in range(2)]
    return [json.loads(file.read_text()) for file in files]


@pytest.mark.slow
def test_a_signal_to_one_process_stops_both_at_one_step(tmp_path):
    processes = start(tmp_path, "endless")
    for line in processes[0].stderr:
        if line.startswith("step 5/"):
            break
    processes[1].send_signal(signal.SIGTERM)
    answers = finish(tmp_path, processes)
    step = answers[0]["step"]
    assert answers == [{"stopped_by": "SIGTERM", "step": step}] * 2
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest() == step


@pytest.mark.slow
def test_two_processes_give_the_run_of_one(tmp_path):
    """Under jit, pmap and jit again, continued from each other's checkpoints."""
    answers = finish(tmp_path, start(tmp_path, "turns"))
    experiment = make_experiment(6, num_devices=4)
    alone = run_fit(tmp_path / "alone", experiment)
    losses = [
        [line["loss"] for line in read_lines(place) if "loss" in line]
        for place in (tmp_path, tmp_path / "alone")
    ]
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [6]
        assert checkpoints.metadata(6)["scores"] == {"loss": 1 / 6}
    np.testing.assert_allclose(*losses, atol=1e-5)

    task, batch = experiment.task.build(), next(make_batches(rows=6)(0))
    outputs = task.predict(alone.variables, batch, jax.random.key(0))
    error = task.measure(outputs, batch)["error"].value
    for found in answers:
        assert found["shapes"]["estimates"] == list(outputs["estimates"].shape)
        np.testing.assert_allclose(found["error"], error, rtol=1e-4)
