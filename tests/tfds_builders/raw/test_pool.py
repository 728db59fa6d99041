import os
import pathlib
import subprocess
import sys
import threading

import pytest

from spatialjax.errors import DataError
from tfds_builders.raw.pool import num_cores, run_jobs, worker_pool
from tfds_builders.workplace import workplace


def double(number):
    return 2 * number


def fail(number):
    raise DataError("a job failed")


def die(number):
    os._exit(1)


def stay(number):
    """The first job fails, the others never end."""
    if number == 0:
        raise DataError("job 0")
    threading.Event().wait()


@pytest.fixture
def place(tmp_path):
    with workplace(tmp_path, ".work") as folder:
        yield folder


@pytest.mark.parametrize("num_workers", [0, 2])
def test_every_job_once(place, num_workers):
    with worker_pool(num_workers, place) as pool:
        done = list(run_jobs(double, range(9), pool, 3))
    assert sorted(done) == [(i, 2 * i) for i in range(9)]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_job_that_fails(place, num_workers):
    with (
        pytest.raises(DataError, match="a job failed"),
        worker_pool(num_workers, place) as pool,
    ):
        list(run_jobs(fail, range(5), pool, 2))


@pytest.mark.parametrize(
    ("num_workers", "advice"),
    [(1, "free some and run again"), (2, "take fewer than 2 workers, and run again")],
)
def test_a_worker_that_dies(place, num_workers, advice):
    with (
        pytest.raises(DataError, match=advice),
        worker_pool(num_workers, place) as pool,
    ):
        list(run_jobs(die, [1], pool, 2))


def test_an_error_ends_what_is_under_way(place):
    with pytest.raises(DataError, match="job 0"), worker_pool(2, place) as pool:
        list(run_jobs(stay, range(3), pool, 3))


def test_ctrl_c_while_workers_start_is_for_the_main_process(tmp_path):
    """The terminal sends it to all of them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.tfds_builders.raw.interrupted", tmp_path],
        cwd=pathlib.Path(__file__).parents[3],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
    assert not list(tmp_path.iterdir())


def test_number_of_cores_where_nobody_tells_which_are_ours(monkeypatch):
    assert num_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert num_cores() == 3


def test_an_error_is_told_though_the_workplace_cannot_be_removed(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(39, "Directory not empty")

    def fail_late():
        monkeypatch.setattr(os, "rmdir", refuse)
        raise DataError("the cause")

    with pytest.raises(DataError, match="the cause"), workplace(tmp_path, ".work"):
        fail_late()
    monkeypatch.undo()
    with workplace(tmp_path, ".work"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_workplace_leaves_no_folder_behind(tmp_path):
    with workplace(tmp_path / "a" / "b", ".work") as place:
        assert place.is_dir()
    assert not list(tmp_path.iterdir())
