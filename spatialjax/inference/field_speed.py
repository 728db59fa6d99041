"""How fast a model makes sound fields."""

import math
import time
from dataclasses import dataclass

import numpy as np

from spatialjax.errors import ConfigError
from spatialjax.inference.field_model import FieldModel
from spatialjax.inference.field_stream import FieldState, FieldStream, Seen
from spatialjax.typing import HostArray

LEVEL = 0.1
"""Root mean square of the noise that is heard."""


@dataclass(frozen=True)
class FieldSpeed:
    """What a stream took, from samples and decoded pictures to the samples of a field.

    Attributes:
      num_windows: chunks that were made; all but the first call count.
      num_windows_per_call: chunks that one call makes.
      window_s: sound that each gives.
      windows_per_s: chunks made in a second.
      real_time_factor: seconds of sound made in a second.
      call_s_p50, call_s_p90: time of a call.
      processor_s: processor time, all threads, per second of sound.
      compile_s: the first call, which compiles or loads what was compiled.
      latency_s: of the stream, see `FieldStream`.
    """

    num_windows: int
    num_windows_per_call: int
    window_s: float
    windows_per_s: float
    real_time_factor: float
    call_s_p50: float
    call_s_p90: float
    processor_s: float
    compile_s: float
    latency_s: float


def time_stream(
    model: FieldModel, seconds: float, num_windows: int | None = None
) -> FieldSpeed:
    """Makes the sound field of noise and random pictures, and times it.

    Args:
      model: any; what it has learnt does not matter.
      seconds: of sound, at least; no less than five calls.
      num_windows: computed at once, see `FieldStream`.

    Raises:
      ConfigError: the seconds are negative or not finite.
    """
    if not 0 <= seconds < math.inf:
        raise ConfigError(f"seconds is {seconds}, expected a number from 0")
    stream = FieldStream(model, num_windows)
    geometry = stream.geometry
    rng = np.random.default_rng(0)
    shape = (geometry.num_images, *geometry.image_size)
    images = rng.integers(0, 256, (*shape, 3), np.uint8)
    flow = rng.normal(size=(*shape, 2)).astype(np.float16)
    shown = {"images": images} | ({"flow": flow} if geometry.has_flow else {})

    def look(times_s: HostArray) -> Seen:
        return Seen(shown, times_s)

    def call(state: FieldState, block: HostArray) -> tuple[FieldState, float]:
        before_s = time.perf_counter()
        state, _ = stream.step(state, block, look)
        return state, time.perf_counter() - before_s

    size = stream.num_at_once
    num_samples = size * geometry.num_given
    num_calls = max(5, math.ceil(seconds * geometry.sample_rate_hz / num_samples))
    num_first = stream.latency_samples - geometry.delay  # enough for one call
    first, *blocks = (
        LEVEL * rng.standard_normal(length, np.float32)
        for length in (num_first, *[num_samples] * num_calls)
    )
    state, compile_s = call(stream.init(), first)
    used_s, took_s = time.process_time(), []
    for block in blocks:
        state, call_s = call(state, block)
        took_s.append(call_s)
    used_s = time.process_time() - used_s
    window_s = geometry.num_given / geometry.sample_rate_hz
    windows_per_s = num_calls * size / sum(took_s)
    return FieldSpeed(
        num_windows=num_calls * size,
        num_windows_per_call=size,
        window_s=window_s,
        windows_per_s=windows_per_s,
        real_time_factor=windows_per_s * window_s,
        call_s_p50=float(np.quantile(took_s, 0.5)),
        call_s_p90=float(np.quantile(took_s, 0.9)),
        processor_s=used_s / (num_calls * size * window_s),
        compile_s=compile_s,
        latency_s=stream.latency_samples / geometry.sample_rate_hz,
    )
