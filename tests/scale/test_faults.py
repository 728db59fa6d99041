"""What happens to processes is done to them: killed, stopped, told to end."""

import json
import re
import resource
import shutil
import signal

import numpy as np
import pytest

from spatialjax.training.checkpoint import Checkpoints
from tests.scale.cluster import Cluster, arrays, losses, seen
from tests.training.runs import assert_trees_equal
from tests.training.test_resume import damage

pytestmark = pytest.mark.slow

ENDLESS = "--config.training.num_steps=100000"
LOST = "train: process 0 of 2 lost another one; start all of them again by the same"


@pytest.fixture(scope="module")
def whole(data_dir, tmp_path_factory):
    """The workdir of 20 undisturbed steps of two processes."""
    workdir = tmp_path_factory.mktemp("whole")
    with Cluster(data_dir, workdir) as cluster:
        cluster.succeed()
    return workdir


def check_goes_on(data_dir, workdir, whole):
    """The same command ends the run as if nothing had happened."""
    with Cluster(data_dir, workdir) as cluster:
        cluster.succeed()
    assert losses(workdir) == losses(whole)
    assert seen(workdir) == seen(whole)
    assert_trees_equal(arrays(workdir, 20), arrays(whole, 20))


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_others(tmp_path, data_dir, whole, victim):
    with Cluster(data_dir, tmp_path) as cluster:
        cluster.read_until("step 12/")
        cluster.send(victim, signal.SIGKILL)
        statuses, lasts = cluster.finish()
    survivor = 1 - victim
    assert statuses[victim] == -signal.SIGKILL
    assert statuses[survivor] == 75
    assert lasts[survivor].startswith(LOST.replace("0 of", f"{survivor} of"))
    check_goes_on(data_dir, tmp_path, whole)


def test_a_process_that_hangs_ends_the_others(tmp_path, data_dir):
    with Cluster(data_dir, tmp_path, ENDLESS) as cluster:
        cluster.read_until("step 3/")
        cluster.send(1, signal.SIGSTOP)
        cluster.processes[0].wait(timeout=120)  # twelve times --peer_timeout_s
        cluster.send(1, signal.SIGKILL)
        statuses, lasts = cluster.finish()
    assert statuses == [75, -signal.SIGKILL]
    assert lasts[0].startswith(LOST)


def test_a_preempted_process_stops_all_at_one_step(tmp_path, data_dir, whole):
    with Cluster(data_dir, tmp_path) as cluster:
        cluster.read_until("step 6/")
        cluster.send(1, signal.SIGTERM)
        statuses, lasts = cluster.finish()
    assert statuses == [75, 75]
    with Checkpoints(tmp_path) as checkpoints:
        step = checkpoints.latest()
    assert 6 <= step < 20
    assert lasts[0].startswith(f"SIGTERM: stopped at step {step}, saved as")
    check_goes_on(data_dir, tmp_path, whole)


def test_processes_agree_on_the_checkpoint_before_a_damaged_one(
    tmp_path, data_dir, whole
):
    with Cluster(data_dir, tmp_path, "--config.training.num_steps=10") as cluster:
        cluster.succeed()
    damage(tmp_path, 10, "flip")
    check_goes_on(data_dir, tmp_path, whole)
    assert (tmp_path / "checkpoints" / "damaged-10").is_dir()


@pytest.mark.parametrize("victim", [0, 1])
def test_a_disk_that_fills_up_loses_nothing_older(tmp_path, data_dir, victim):
    """Files of one process are cut off where those of a checkpoint would be larger."""
    wide = "--config.task.sound_width=8"
    with Cluster(data_dir, tmp_path, wide, "--config.training.num_steps=10") as cluster:
        cluster.succeed()
    before = arrays(tmp_path, 10)
    with Cluster(data_dir, tmp_path, wide) as cluster:
        cluster.read_until("step 11/")
        limited = cluster.processes[victim].pid
        resource.prlimit(limited, resource.RLIMIT_FSIZE, (30_000, 30_000))
        statuses, lasts = cluster.finish()
    assert statuses[victim] == 2, lasts
    assert statuses[1 - victim] in (2, 75)
    assert re.match(
        rf"train: process {victim} of 2: cannot write .*checkpoint.*; free some room",
        lasts[victim],
    )
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest() == 10
    assert_trees_equal(arrays(tmp_path, 10), before)
    with Cluster(data_dir, tmp_path, wide) as cluster:
        cluster.succeed()
    assert len(losses(tmp_path)) == 20


@pytest.mark.parametrize("victim", [0, 1])
def test_a_write_that_fails_behind_the_steps_ends_all(tmp_path, data_dir, victim):
    """Others wait for its part, 20 minutes if nobody told them."""
    words = ("--config.task.sound_width=8", ENDLESS)
    with Cluster(data_dir, tmp_path, *words, trusts_disk=True) as cluster:
        cluster.read_until("step 6/")
        limited = cluster.processes[victim].pid
        resource.prlimit(limited, resource.RLIMIT_FSIZE, (30_000, 30_000))
        statuses, lasts = cluster.finish()
    assert statuses[victim] == 2, lasts
    assert statuses[1 - victim] == 75, lasts
    assert re.match(
        rf"train: process {victim} of 2: cannot write .*checkpoint.*", lasts[victim]
    )
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest() == 5


def test_a_slow_reader_is_named(tmp_path, data_dir):
    with Cluster(data_dir, tmp_path, slow=1) as cluster:
        lines = cluster.read_until("step 3/")
        cluster.succeed()
    assert "in process 1 " in lines[-1]
    lines = (tmp_path / "speed.jsonl").read_text().splitlines()
    waits = [json.loads(line) for line in lines[1:-1]]  # the last step reads nothing
    assert {wait["input_wait_process"] for wait in waits} == {1}
    assert min(wait["input_wait_share"] for wait in waits) > 0.1


def test_a_reader_that_fails_is_named(tmp_path, data_dir):
    broken = tmp_path / "data"
    shutil.copytree(data_dir, broken)
    (records,) = broken.rglob("*train.array_record*")
    data = bytearray(records.read_bytes())
    middle = slice(len(data) // 2, len(data) // 2 + 64)
    data[middle] = bytes(64)
    records.write_bytes(data)
    with Cluster(broken, tmp_path / "run") as cluster:
        statuses, lasts = cluster.finish()
    assert 2 in statuses
    failed = statuses.index(2)
    assert re.match(
        rf"train: process {failed} of 2: clip 'clip\d+'.* is damaged", lasts[failed]
    )


def test_fewer_processes_continue_the_same_data(tmp_path, data_dir, whole):
    with Cluster(data_dir, tmp_path, "--config.training.num_steps=10") as cluster:
        cluster.succeed()
    with Cluster(data_dir, tmp_path, count=1, num_devices=3) as cluster:
        cluster.succeed()
    np.testing.assert_allclose(losses(tmp_path), losses(whole), atol=1e-5)
    assert seen(tmp_path) == seen(whole)


def test_a_mistake_of_one_process_ends_all(tmp_path, data_dir):
    class Mixed(Cluster):
        """Process 1 is told another rate."""

        def words_of(self, index):
            return ("--config.optimizer.learning_rate=0.5",) if index else ()

    with Mixed(data_dir, tmp_path) as cluster:
        statuses, lasts = cluster.finish()
    assert statuses == [2, 2]
    for index, last in enumerate(lasts):
        text = f"process {index} of 2: processes [1] were given another config"
        assert last.startswith(f"train: {text} than process 0")
    assert not (tmp_path / "config.json").exists()
