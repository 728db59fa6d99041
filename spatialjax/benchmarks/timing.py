"""Times of calls whose results lie on devices."""

import time
from collections.abc import Callable
from typing import Any

import jax


def time_calls(function: Callable, num_calls: int, *arguments: Any) -> list[float]:
    """Seconds of each call until its results are there; one more comes before."""
    jax.block_until_ready(function(*arguments))
    times_s = []
    for _ in range(num_calls):
        before_s = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times_s.append(time.perf_counter() - before_s)
    return times_s
