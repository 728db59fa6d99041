"""What is counted, and that settings reach the loader; never how long it takes."""

import itertools
import math
import os
import time
from types import SimpleNamespace

import pytest

from spatialjax.benchmarks import (
    InputSettings,
    InputSpeed,
    best_input,
    cpu_time,
    sweep_input,
    time_input,
)
from spatialjax.benchmarks import input as benchmark
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError, DataError
from tests.data import tiny
from tests.training.runs import FakeConfig, make_experiment


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    tiny.build(folder, {"train": tiny.solos(4), "validation": tiny.solos(2)})
    return str(folder)


@pytest.fixture
def experiment(data_dir):
    data = DataConfig(
        data_dir=data_dir, dataset="tiny_clips", batch_size=4, num_threads=0
    )
    return make_experiment(task=FakeConfig(num_samples=400, rate_hz=800.0), data=data)


@pytest.fixture
def read(monkeypatch):
    """The configs under which batches were read, and how many were taken of each."""
    found = []
    original = benchmark.read_batches

    def counting(experiment, *others):
        counter, data = itertools.count(1), experiment.data
        found.append([InputSettings(data.num_threads, data.num_workers, 0), 0])
        batches = original(experiment, *others)
        try:
            for batch in batches:
                found[-1][1] = next(counter)
                yield batch
        finally:
            batches.close()

    monkeypatch.setattr(benchmark, "read_batches", counting)
    return found


def test_whole_batches_are_counted_and_the_first_skipped(experiment, read):
    experiment.data.prefetch = 2
    speed = time_input(experiment, num_items=10, num_skipped=13)
    assert speed.num_items == 12
    assert speed.rows_per_batch == 4
    assert read == [[InputSettings(0, 0, 0), 4 + 3]]
    (batch,) = itertools.islice(benchmark._batches(experiment), 1)
    assert speed.bytes_per_item == sum(entry.nbytes for entry in batch.values()) // 4
    assert speed.items_per_s == pytest.approx(12 / speed.elapsed_s)
    assert speed.batches_per_s == pytest.approx(3 / speed.elapsed_s)
    waits_ms = speed.wait_ms_p50, speed.wait_ms_p90, speed.wait_ms_p99
    assert 0 <= waits_ms[0] <= waits_ms[1] <= waits_ms[2] <= speed.elapsed_s * 1e3
    assert 0 < speed.cpu_s_per_item < math.inf


def test_what_is_built_ahead_is_skipped(experiment, read):
    experiment.data.prefetch = 5
    time_input(experiment, num_items=4, num_skipped=1)
    assert read[0][1] == 5 + 1


def test_times_are_those_of_the_clocks(experiment, monkeypatch):
    """A clock that goes on by a second a look, and a processor by three."""
    walls, used = itertools.count(), itertools.count(step=3)
    monkeypatch.setattr(
        benchmark, "time", SimpleNamespace(perf_counter=lambda: next(walls))
    )
    monkeypatch.setattr(benchmark, "cpu_time_s", lambda: next(used))
    experiment.data.prefetch = 1
    speed = time_input(experiment, num_items=8, num_skipped=1)
    assert speed.elapsed_s == 5  # two looks for each of two batches, one at the end
    assert speed.cpu_s_per_item == 3 / 8
    assert speed.wait_ms_p50 == speed.wait_ms_p90 == speed.wait_ms_p99 == 1000


def test_a_sweep_tries_the_settings_and_tells_them(experiment, read):
    settings = [InputSettings(0, 0, 1), InputSettings(2, 0, 3)]
    told = []
    speeds = sweep_input(experiment, 4, 1, settings, told.append)
    assert [speed.settings for speed in speeds] == settings
    assert told == speeds
    assert [found.num_threads for found, _ in read] == [0, 2]
    assert experiment.data.num_threads == 0


def test_the_usual_sweep_goes_on_from_its_best(experiment, monkeypatch):
    def pretend(changed, num_items, num_skipped):
        settings = InputSettings.of(changed)
        is_best = settings.num_threads == 2
        return fake_speed(settings, items_per_s=100 if is_best else 50)

    monkeypatch.setattr(benchmark, "time_input", pretend)
    monkeypatch.setattr(benchmark, "num_cores", lambda: 5)
    tried = [speed.settings for speed in sweep_input(experiment)]
    threads = [InputSettings(n, 0, 4) for n in (1, 2, 4)]
    workers = [InputSettings(0, n, 4) for n in (1, 2, 4)]
    assert tried == [*threads, *workers, InputSettings(2, 0, 2), InputSettings(2, 0, 8)]


def fake_speed(settings, items_per_s, cpu_s=1.0):
    return InputSpeed(settings, 8, 4, 1.0, items_per_s, 1.0, cpu_s, 10, 0.0, 0.0, 0.0)


def test_the_best_is_the_cheapest_of_the_fast():
    one, two, three = (InputSettings(n, 0, 4) for n in (1, 2, 3))
    speeds = [
        fake_speed(one, 96, cpu_s=0.02),
        fake_speed(two, 100, cpu_s=0.03),
        fake_speed(three, 60, cpu_s=0.01),
    ]
    assert best_input(speeds) is speeds[0]
    assert best_input(speeds[1:]) is speeds[1]
    assert one.flags == (
        "--config.data.num_threads=1 --config.data.num_workers=0 "
        "--config.data.prefetch=4"
    )


def test_mistakes(experiment, tmp_path):
    with pytest.raises(ConfigError, match="num_items is 0"):
        time_input(experiment, num_items=0)
    with pytest.raises(ConfigError, match=r"num_threads is -1"):
        sweep_input(experiment, settings=[InputSettings(-1, 0, 1)])
    experiment.data.data_dir = str(tmp_path)
    with pytest.raises(DataError, match="no dataset 'tiny_clips'"):
        time_input(experiment)


def test_live_workers_count(monkeypatch):
    """This very process in the part of its worker counts twice."""
    children = [SimpleNamespace(pid=os.getpid()), SimpleNamespace(pid=None)]
    monkeypatch.setattr(
        cpu_time.multiprocessing, "active_children", lambda: children[:1]
    )
    alone_s = time.process_time()
    assert cpu_time.cpu_time_s() == pytest.approx(2 * alone_s, abs=0.5)
    monkeypatch.setattr(cpu_time.multiprocessing, "active_children", lambda: children)
    assert cpu_time.cpu_time_s() == pytest.approx(2 * alone_s, abs=0.5)  # one has ended


def test_a_system_without_proc_is_told(monkeypatch, tmp_path):
    children = [SimpleNamespace(pid=1)]
    monkeypatch.setattr(cpu_time.multiprocessing, "active_children", lambda: children)
    monkeypatch.setattr(cpu_time, "_PROC", tmp_path)
    with pytest.raises(ConfigError, match=r"data.num_workers=0"):
        cpu_time.cpu_time_s()


@pytest.mark.slow
def test_the_time_of_worker_processes_counts(experiment, monkeypatch):
    monkeypatch.setattr(cpu_time.time, "process_time", lambda: 0.0)
    assert time_input(experiment, num_items=400).cpu_s_per_item == 0
    experiment.data.num_workers = 1
    assert time_input(experiment, num_items=400).cpu_s_per_item > 0
