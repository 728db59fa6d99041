"""Workdirs in an object store: Orbax and TensorStore write to it by their own ways."""

import json

import numpy as np
import pytest

from spatialjax.errors import CheckpointError
from spatialjax.media import write_file
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.experiment import TrainingConfig
from spatialjax.training.workdir import load_trained
from tests import fake_store
from tests.training.runs import (
    assert_trees_equal,
    make_batches,
    make_experiment,
    run_fit,
)

RUN = "gs://bucket/runs/one"


@pytest.fixture
def objects(monkeypatch):
    with fake_store.fake_store(monkeypatch) as objects:
        yield objects


def test_a_run_in_a_store_is_that_of_a_disk(objects, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []

    def batches(start):
        seen.append(start)
        return make_batches()(start)

    run_fit(RUN, make_experiment(2), batches)
    told = objects["bucket/runs/one/metrics.jsonl"][0]
    write_file(f"{RUN}/metrics.jsonl", told + b'{"step": 3, "loss": 9.0}\n')
    result = run_fit(RUN, make_experiment(4), batches)
    whole = run_fit(tmp_path / "disk", make_experiment(4))
    assert seen == [0, 2]
    assert_trees_equal(result.variables, whole.variables)
    metrics = objects["bucket/runs/one/metrics.jsonl"][0]
    assert metrics == (tmp_path / "disk" / "metrics.jsonl").read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["disk"]
    assert any("/tensorboard/events" in name for name in objects)


@pytest.mark.slow
def test_checkpoints_of_a_store_go_and_stay_as_on_a_disk(objects):
    scores = iter([3.0, 1.0, 2.0])
    experiment = make_experiment(
        3,
        training=TrainingConfig(3, log_every_steps=1, validate_every_steps=1),
        checkpoint=CheckpointConfig(every_steps=9, keep=1, best=("error:min",)),
    )
    run_fit(RUN, experiment, validate=lambda step, variables: {"error": next(scores)})
    with Checkpoints(RUN) as checkpoints:
        assert checkpoints.steps() == [2, 3]
        assert checkpoints.find("error:min") == 2
    names = [name for verb, name in fake_store.ASKED if verb == "put"]
    for step in ("1", "2", "3"):
        done = names.index(f"bucket/runs/one/checkpoints/{step}/commit_success.txt")
        before = names.index("bucket/runs/one/metrics.jsonl")
        assert before < done  # no checkpoint is ahead of its metrics
    assert [line["step"] for line in lines_of("metrics.jsonl")] == [1, 1, 2, 2, 3, 3]


def lines_of(name):
    content, _ = fake_store.OBJECTS[f"bucket/runs/one/{name}"]
    return [json.loads(line) for line in content.splitlines()]


def write(*steps):
    tree = {"params": {"kernel": np.arange(600, dtype=np.float32)}}
    with Checkpoints(RUN, CheckpointConfig(keep=9)) as checkpoints:
        for step in steps:
            checkpoints.save(step, tree, {})
    return tree


def test_an_unfinished_checkpoint_of_a_store_does_not_count(objects):
    write(1, 2)
    del objects["bucket/runs/one/checkpoints/2/commit_success.txt"]
    with Checkpoints(RUN) as checkpoints:
        assert checkpoints.steps() == [1]


@pytest.mark.slow
def test_a_damaged_checkpoint_of_a_store_is_told_and_set_aside(objects):
    tree = write(1, 2)
    below = "bucket/runs/one/checkpoints/2/arrays/d/"
    name = max((n for n in objects if below in n), key=lambda n: len(objects[n][0]))
    content, generation = objects[name]
    objects[name] = content[: len(content) // 2], generation
    with Checkpoints(RUN) as checkpoints:
        assert_trees_equal(checkpoints.restore(1, tree), tree)
        with pytest.raises(CheckpointError, match=f"checkpoint {RUN}.*2 is damaged"):
            checkpoints.restore(2, tree)
        assert str(checkpoints.set_aside(2)) == f"{RUN}/checkpoints/damaged-2"
        assert checkpoints.steps() == [1]
    assert not any("/checkpoints/2/" in name for name in objects)


def test_a_workdir_that_is_not_in_the_store(objects):
    with pytest.raises(CheckpointError, match=f"{RUN} is no workdir"):
        load_trained(RUN)
