"""Figures of a step fit together and are those of the settings."""

import dataclasses
from dataclasses import dataclass

import jax.numpy as jnp
import pytest

from spatialjax.benchmarks.step import time_step
from spatialjax.config import register
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.training.parallel import Strategy
from tests.inference.field_fakes import constant
from tests.training.runs import FakeConfig, PlainTask, make_experiment

LENGTH = 16
RATE_HZ = 8000.0


@dataclass(frozen=True)
class ProductTask(PlainTask):
    """A fake task that multiplies its signals by a matrix."""

    def _signal(self, batch):
        return super()._signal(batch) @ jnp.eye(self.num_samples)


@register("product_task")
@dataclass
class ProductConfig:
    compute_dtype: str = "float32"

    def build(self):
        return ProductTask(num_samples=LENGTH, rate_hz=RATE_HZ)


def experiment(strategy=Strategy.DATA, num_devices=2, **training):
    made = make_experiment(
        6,
        strategy,
        num_devices,
        task=ProductConfig(),
        data=DataConfig(batch_size=8),
    )
    made.training = dataclasses.replace(made.training, **training)
    return made


@pytest.mark.parametrize("strategy", list(Strategy))
def test_figures_fit_together(strategy, small_peaks):
    speed = time_step(experiment(strategy), 3)
    assert (speed.strategy, speed.num_devices) == (strategy.value, 2)
    assert (speed.batch_size, speed.num_steps, speed.dtype) == (8, 3, "float32")
    assert 0 < speed.step_ms_p50 <= speed.step_ms_p90 <= speed.step_ms_p99
    assert speed.examples_per_s == pytest.approx(2 * speed.examples_per_s_per_device)
    assert speed.audio_s_per_s == pytest.approx(speed.examples_per_s * LENGTH / RATE_HZ)
    # The loss multiplies [8, 2, 16] by [16, 16] twice; no gradient passes there.
    assert speed.tflop_per_step == pytest.approx(2 * 2 * 8 * 2 * 16 * 16 / 1e12)
    rate = speed.tflop_per_step * speed.examples_per_s / 8 / 2
    assert speed.tflop_per_s_per_device == pytest.approx(rate)
    assert speed.mfu == pytest.approx(rate / speed.peak_tflop_per_s)
    assert speed.mfu <= speed.roofline
    assert speed.peak_is_measured
    assert speed.compile_s > 0
    assert speed.memory_gb > 0


@pytest.mark.parametrize("training", [{"steps_per_call": 3}, {"num_micro_batches": 2}])
def test_what_a_call_holds_is_shared_out(training, small_peaks):
    speed = time_step(experiment(**training), 2)
    assert speed.num_steps == 2 * training.get("steps_per_call", 1)
    assert speed.compiler_tflop_per_step is None
    assert speed.tflop_per_step == pytest.approx(2 * 2 * 8 * 2 * 16 * 16 / 1e12)


def test_the_compiler_counts_all_devices(small_peaks):
    speed = time_step(experiment(), 1)
    assert speed.compiler_tflop_per_step >= speed.tflop_per_step


def test_what_has_no_step_is_told():
    with pytest.raises(ConfigError, match="num_calls is 0, expected a positive"):
        time_step(make_experiment(task=FakeConfig()), 0)
    with pytest.raises(ConfigError, match="this SpatialAudio has no parameters"):
        time_step(make_experiment(task=constant()), 1)


def test_micro_batches_of_a_wrong_number_are_told(small_peaks):
    with pytest.raises(ConfigError, match="batch_size is 8, expected a multiple"):
        time_step(experiment(num_micro_batches=3), 1)


def test_a_batch_that_cannot_be_dealt_out():
    with pytest.raises(ConfigError, match="a batch of 8 cannot be dealt out to 3"):
        time_step(experiment(num_devices=3), 1)
