"""The next batch is fetched while a call runs, and the wait for it is told rightly."""

import numpy as np
import pytest

from spatialjax.training import feed as feed_module
from spatialjax.training import loop
from spatialjax.training.feed import Feed
from tests.fakes import fake_batch
from tests.training.runs import (
    PlainTask,
    make_batches,
    make_experiment,
    read_lines,
    run_fit,
)


class Clock:
    """A clock that goes on when it is told to."""

    now_s = 0.0

    def perf_counter(self):
        return self.now_s

    def take(self, seconds):
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(feed_module, "time", clock)
    return clock


def make_feed(clock, read_s, place_s=0.0, num_steps=1):
    task = PlainTask()

    def batches():
        while True:
            clock.take(read_s)
            yield fake_batch(task, 2, 0)

    def place(entries, num_lead):
        clock.take(place_s)
        return entries

    return Feed(batches(), task.batch_spec, place, 100, num_steps)


@pytest.mark.parametrize(
    ("read_s", "step_s", "share"), [(99, 1, 0.99), (1, 3, 0.25), (0, 5, 0.0)]
)
@pytest.mark.parametrize("num_steps", [1, 4])
def test_the_waiting_share_is_that_of_the_reader(
    clock, read_s, step_s, share, num_steps
):
    feed = make_feed(clock, read_s, place_s=step_s / 2, num_steps=num_steps)
    feed.advance()
    feed.restart()
    for _ in range(5):
        feed.advance()
        clock.take((num_steps - 0.5) * step_s)
    assert feed.waiting_s / feed.elapsed_s == pytest.approx(share)


def test_the_clocks_restart_and_pause(clock):
    feed = make_feed(clock, 2.0)
    clock.take(3)
    feed.advance()
    before_s = feed.elapsed_s
    clock.take(40)  # a validation
    feed.pause(before_s)
    assert (feed.waiting_s, feed.elapsed_s) == (2.0, 5.0)
    feed.restart()
    assert (feed.waiting_s, feed.elapsed_s) == (0.0, 0.0)


@pytest.mark.parametrize(("read_s", "step_s"), [(97, 3), (3, 97)])
def test_a_run_reports_the_share(tmp_path, monkeypatch, clock, read_s, step_s):
    def slow(step, batch):
        clock.take(read_s)

    original = loop.compile_call

    def compile_slow(*inputs):
        call = original(*inputs)

        def run(state, batch):
            clock.take(step_s)
            return call(state, batch)

        run.memory_analysis = call.memory_analysis
        return run

    monkeypatch.setattr(loop, "compile_call", compile_slow)
    run_fit(tmp_path, make_experiment(5, num_devices=1), make_batches(edit=slow))
    shares = [x["input_wait_share"] for x in read_lines(tmp_path, "speed.jsonl")]
    # Nothing is left to read when the last call runs.
    np.testing.assert_allclose(shares, [read_s / 100] * 4 + [0])


def test_the_next_batch_is_read_and_placed_before_a_call_is_waited_for(
    tmp_path, monkeypatch
):
    events = []
    original, check = loop.compile_call, loop.NonFiniteGuard._check_oldest

    def compile_noted(*inputs):
        call = original(*inputs)

        def run(state, batch):
            events.append("call")
            return call(state, batch)

        run.memory_analysis = call.memory_analysis
        return run

    def checked(guard):
        events.append("wait")
        check(guard)

    monkeypatch.setattr(loop, "compile_call", compile_noted)
    monkeypatch.setattr(loop.NonFiniteGuard, "_check_oldest", checked)
    experiment = make_experiment(5, num_devices=1)
    experiment.training.log_every_steps = 5
    experiment.checkpoint.every_steps = 5
    run_fit(tmp_path, experiment, make_batches(edit=lambda *of: events.append("read")))
    step = ["call", "read"]
    first = ["read", "call"]  # the trial that tells how long a step takes
    two_ahead = first + step + step + step + ["wait"] + step + ["wait"] + ["call"]
    assert events[: len(two_ahead)] == two_ahead
    assert set(events[len(two_ahead) :]) == {"wait"}
