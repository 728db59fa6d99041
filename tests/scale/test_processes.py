"""Several processes against one: the same losses, scores and examples."""

import numpy as np
import pytest

from tests.scale.cluster import Cluster, losses, scores, seen


def check_same(workdir, alone):
    assert len(losses(alone)) == 20
    np.testing.assert_allclose(losses(workdir), losses(alone), atol=1e-5)
    found, expected = scores(workdir), scores(alone)
    assert found.keys() == expected.keys() >= {"validation/loss", "validation/sdr_db"}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-3, err_msg=name)
    steps = seen(workdir)
    assert steps == seen(alone)
    assert {len(set(hashes)) for hashes in steps.values()} == {24}  # each once


def test_two_processes_train_as_one(tmp_path, data_dir, alone):
    mount = tmp_path / "mount"
    mount.symlink_to(data_dir)

    class Mounted(Cluster):
        """Process 1 finds the data at another place, and reads on two threads."""

        def words_of(self, index):
            own = (f"--config.data.data_dir={mount}", "--config.data.num_threads=2")
            return own if index else ()

    workdir = tmp_path / "run"
    with Mounted(data_dir, workdir, count=2, num_devices=2) as cluster:
        cluster.succeed()
    check_same(workdir, alone)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["data", "fsdp", "pmap"])
def test_four_processes_train_as_one(tmp_path, data_dir, alone, strategy):
    flag = f"--config.parallel.strategy={strategy}"
    with Cluster(data_dir, tmp_path, flag, count=4, num_devices=2) as cluster:
        cluster.succeed()
    check_same(tmp_path, alone)


@pytest.mark.slow
def test_one_process_with_eight_devices_trains_as_with_one(tmp_path, data_dir, alone):
    with Cluster(data_dir, tmp_path, count=1, num_devices=8) as cluster:
        cluster.succeed()
    check_same(tmp_path, alone)


@pytest.mark.slow
def test_micro_batches_are_split_among_processes(tmp_path, data_dir):
    flags = ("--config.training.num_micro_batches=3", "--config.training.num_steps=5")
    for count, num_devices in ((1, 1), (2, 4)):
        workdir = tmp_path / str(count)
        with Cluster(
            data_dir, workdir, *flags, count=count, num_devices=num_devices
        ) as cluster:
            cluster.succeed()
    one, two = tmp_path / "1", tmp_path / "2"
    np.testing.assert_allclose(losses(two), losses(one), atol=1e-5)
    assert seen(two) == seen(one)
