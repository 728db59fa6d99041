"""One setting for all tests: eight virtual CPU devices, strict shapes, one cache."""

import os
import pathlib
import signal

# XLA ends the process where a virtual device waits 40 s for the others, as it may on a
# machine with more to do than cores.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    " --xla_cpu_collective_call_warn_stuck_timeout_seconds=120"
    " --xla_cpu_collective_call_terminate_timeout_seconds=600"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
CACHE = pathlib.Path(__file__).parents[1] / ".cache" / "xla"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")

import jax  # noqa: E402
import pytest  # noqa: E402
from absl import flags  # noqa: E402

# A shell starts what runs in the background with ctrl-C ignored, and programs that
# tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

jax.config.update("jax_numpy_rank_promotion", "raise")
flags.FLAGS.mark_as_parsed()


@pytest.fixture
def strict_dtypes():
    """Implicit promotion between dtypes is an error inside the test."""
    with jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture
def small_peaks(monkeypatch):
    """What a device could do is measured on little."""
    monkeypatch.setattr("spatialjax.benchmarks.peaks.SIDE", 32)
    monkeypatch.setattr("spatialjax.benchmarks.peaks.NUM_VALUES", 1024)
