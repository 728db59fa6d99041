"""The range test of learning rates, on a loss whose limits are known."""

import numpy as np
import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.training import lr_range
from spatialjax.training.lr_range import RateRange, find_rates
from spatialjax.training.optimizer import Group, OptimizerConfig
from tests.data import tiny
from tests.training.runs import FakeConfig, make_experiment


def judge(rates, losses):
    return lr_range._judge("x", np.asarray(rates), iter(losses))


def test_means_are_exponential_ones_without_a_start_at_zero():
    rng = np.random.default_rng(0)
    losses = rng.uniform(1, 2, 50)
    found = judge(np.geomspace(1e-5, 1, 50), losses)
    weights = 0.95 ** np.arange(49, -1, -1)
    assert found.means[0] == pytest.approx(losses[0])
    assert found.means[-1] == pytest.approx((weights * losses).sum() / weights.sum())
    np.testing.assert_array_equal(found.losses, losses)


def test_the_suggestion_is_a_tenth_of_the_rate_of_the_least_mean():
    rates = np.geomspace(1e-6, 1, 200)
    losses = (np.log10(rates) + 2) ** 2 + 1  # least at 1e-2, a little later in the mean
    found = judge(rates, losses)
    best = rates[found.means.argmin()]
    assert 1e-2 < best < 4e-2
    assert found.suggestion == pytest.approx(best / 10)


def test_a_burst_or_nan_ends_the_test():
    rates = np.geomspace(1e-6, 1, 100)
    burst = judge(rates, [1.0] * 50 + [1e6] * 50)
    assert len(burst.losses) == len(burst.learning_rates) == len(burst.means) == 51
    stopped = judge(rates, [1.0] * 30 + [np.nan] * 70)
    assert len(stopped.losses) == 30
    with pytest.raises(ConfigError, match="first loss of group 'x' is not finite"):
        judge(rates, [np.inf])


@pytest.fixture
def experiment(tmp_path):
    tiny.build(tmp_path, {"train": tiny.solos(6)})
    optimizer = OptimizerConfig(
        momentum=0.0,
        groups={"audio": Group("audio/.*"), "head": Group("head/.*", frozen=True)},
    )
    return make_experiment(
        2,
        task=FakeConfig(rate_hz=float(tiny.RATE_HZ)),
        data=DataConfig(str(tmp_path), "tiny_clips", batch_size=8, num_threads=0),
        optimizer=optimizer,
    )


def test_each_group_that_is_not_frozen_is_tested(experiment):
    (found,) = find_rates(experiment, num_steps=40, lowest=1e-4, highest=1e4)
    assert isinstance(found, RateRange)
    assert found.group == "audio"
    np.testing.assert_allclose(
        found.learning_rates, np.geomspace(1e-4, 1e4, 40)[: len(found.losses)]
    )
    # At the least rates nothing moves, then the loss falls, and at last it bursts.
    least = found.means.argmin()
    assert 5 < least < len(found.means) - 1
    assert found.means[least] < 0.9 * found.means[0]
    assert found.suggestion == pytest.approx(found.learning_rates[least] / 10)


def test_while_a_group_is_tested_the_others_rest(experiment):
    """The head is tested as if all else were frozen, unlike where all moves."""
    rates = (10, 1e-1, 1.0)
    (still,) = find_rates(experiment, ["head"], 10, 1e-9, 1e-8)
    (head,) = find_rates(experiment, ["head"], *rates)
    assert head.losses[-1] != pytest.approx(still.losses[-1], rel=1e-4)
    experiment.optimizer.groups = {
        "audio": Group("audio/.*", frozen=True),
        "head": Group("head/.*"),
    }
    (alone,) = find_rates(experiment, ["head"], *rates)
    np.testing.assert_array_equal(head.losses, alone.losses)
    experiment.optimizer.groups = {"all": Group()}
    (both,) = find_rates(experiment, ["all"], *rates)
    assert both.losses[0] == head.losses[0]
    assert both.losses[-1] != pytest.approx(head.losses[-1], rel=1e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["haed"],), "no group 'haed' of parameters: did you mean 'head'"),
        (((), 1), "in 1 steps"),
        (((), 10, 0.0, 1.0), "expected 0 < lowest < highest"),
        (((), 10, 1.0, 0.1), "expected 0 < lowest < highest"),
    ],
)
def test_bad_requests_are_told(experiment, arguments, message):
    with pytest.raises(ConfigError, match=message):
        list(find_rates(experiment, *arguments))
