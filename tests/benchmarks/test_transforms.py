"""Transforms are timed by each method, and are right."""

from dataclasses import dataclass

import pytest

from spatialjax.benchmarks.transforms import time_transforms
from spatialjax.config import register
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from tests.training.runs import FakeConfig, PlainTask, make_experiment


@register("task_of_spectra")
@dataclass
class SpectralConfig:
    n_fft: int = 64
    hop: int = 16

    def build(self):
        return PlainTask(num_samples=800)


def test_each_method_has_a_row():
    made = make_experiment(task=SpectralConfig(), data=DataConfig(batch_size=3))
    rows = time_transforms(made, 2)
    assert [row.method for row in rows] == ["fft", "matmul"]
    for row in rows:
        assert (row.n_fft, row.hop) == (64, 16)
        assert (row.batch_size, row.num_signals) == (3, 6)
        assert row.audio_s == pytest.approx(6 * 800 / 8000)
        rate = row.audio_s / row.stft_ms_p50 * 1e3
        assert row.stft_audio_s_per_s == pytest.approx(rate)
        assert row.round_trip_error < 1e-5
        assert row.scipy_ratio > 0


def test_a_task_without_spectra_is_told():
    with pytest.raises(ConfigError, match="FakeConfig has no n_fft and hop"):
        time_transforms(make_experiment(task=FakeConfig()), 1)
    with pytest.raises(ConfigError, match="num_calls is 0, expected a positive"):
        time_transforms(make_experiment(task=SpectralConfig()), 0)
