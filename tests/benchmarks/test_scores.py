"""Scores are timed where they are computed."""

import pytest

from spatialjax.benchmarks.scores import time_scores
from spatialjax.errors import ConfigError
from spatialjax.evaluation import EvaluationConfig
from tests.training.runs import FakeConfig, make_experiment


def experiment():
    return make_experiment(task=FakeConfig(), evaluation=EvaluationConfig(batch_size=5))


def test_scores_of_devices_and_host():
    speed = time_scores(experiment(), 2)
    assert (speed.batch_size, speed.num_devices, speed.strategy) == (5, 2, "data")
    assert speed.names == ("error", "loss", "peak_error")
    assert min(speed.device_items_per_s, speed.host_items_per_s) > 0


def test_at_least_one_call():
    with pytest.raises(ConfigError, match="num_calls is 0, expected a positive"):
        time_scores(experiment(), 0)
