"""A long run that is killed again and again ends as one that was left alone."""

import random
import signal

import numpy as np
import pytest

from spatialjax.training.checkpoint import Checkpoints
from tests.scale.cluster import Cluster, arrays, losses, seen
from tests.training.runs import assert_trees_equal
from tests.training.test_resume import damage

pytestmark = pytest.mark.slow

NUM_STEPS = 200
STEPS = f"--config.training.num_steps={NUM_STEPS}"
NUM_PROCESSES = 3
NUM_KILLS = 5


def run(data_dir, workdir, count=NUM_PROCESSES, num_devices=1):
    with Cluster(
        data_dir, workdir, STEPS, count=count, num_devices=num_devices
    ) as cluster:
        cluster.succeed()


def kill(data_dir, workdir, step, victim):
    """Starts or continues the run; one process dies after a step."""
    with Cluster(data_dir, workdir, STEPS, count=NUM_PROCESSES) as cluster:
        cluster.read_until(f"step {step}/")
        cluster.send(victim, signal.SIGKILL)
        statuses, lasts = cluster.finish()
    expected = [75] * NUM_PROCESSES
    expected[victim] = -signal.SIGKILL
    assert statuses == expected, lasts


@pytest.fixture(scope="module")
def whole(data_dir, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole")
    run(data_dir, workdir)
    return workdir


def test_five_kills_and_a_damaged_checkpoint_change_nothing(tmp_path, data_dir, whole):
    draw = random.Random(7)
    victims = [0, *draw.choices(range(NUM_PROCESSES), k=NUM_KILLS - 1)]  # 0 coordinates
    draw.shuffle(victims)
    # Between two kills lies at least one checkpoint, else nothing is won.
    steps = [35 * index + draw.randrange(12, 30) for index in range(NUM_KILLS)]
    damaged = draw.randrange(1, NUM_KILLS)
    for index, (step, victim) in enumerate(zip(steps, victims, strict=True)):
        kill(data_dir, tmp_path, step, victim)
        if index == damaged:
            with Checkpoints(tmp_path) as checkpoints:
                damage(tmp_path, checkpoints.latest(), "flip")
    run(data_dir, tmp_path)
    assert list((tmp_path / "checkpoints").glob("damaged-*"))
    assert losses(tmp_path) == losses(whole)
    assert seen(tmp_path) == seen(whole)
    assert_trees_equal(arrays(tmp_path, NUM_STEPS), arrays(whole, NUM_STEPS))


def test_killed_and_restarted_on_another_number_of_processes(tmp_path, data_dir, whole):
    kill(data_dir, tmp_path, 77, 1)
    run(data_dir, tmp_path, count=2, num_devices=2)
    np.testing.assert_allclose(losses(tmp_path), losses(whole), atol=1e-5)
    assert seen(tmp_path) == seen(whole)
    found, expected = arrays(tmp_path, NUM_STEPS), arrays(whole, NUM_STEPS)
    for path, array in expected.items():
        np.testing.assert_allclose(found[path], array, atol=1e-5, err_msg=path)
