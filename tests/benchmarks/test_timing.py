"""How often a function that is timed is called."""

from spatialjax.benchmarks.timing import time_calls


def test_one_call_comes_before():
    calls = []
    times_s = time_calls(lambda value: calls.append(value), 3, "x")
    assert calls == ["x"] * 4
    assert len(times_s) == 3
    assert min(times_s) >= 0
