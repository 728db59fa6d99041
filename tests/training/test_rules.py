import pytest

from spatialjax.errors import ConfigError
from spatialjax.training.checkpoint import CheckpointConfig
from spatialjax.training.rules import best_step, check_rules


def test_the_latest_of_equals_is_best():
    scores = {1: {"loss": 1.0}, 2: {"loss": 1.0}, 3: {}, 4: {"loss": 2.0}}
    assert best_step(scores, "loss:min") == 2
    assert best_step(scores, "sdr_db:max") is None


@pytest.mark.parametrize("rule", ["loss", "loss:best", ":min"])
def test_a_rule_that_cannot_be_read_is_refused(rule):
    with pytest.raises(ConfigError, match="metric:min"):
        CheckpointConfig(best=(rule,)).validate()


def test_a_rule_needs_its_metric():
    check_rules(("loss:min", "sdr_db:max"), {"loss": 1.0, "sdr_db": 2.0})
    with pytest.raises(
        ConfigError, match=r"'sdr:max', but a suite gives no 'sdr'; did"
    ):
        check_rules(("loss:min", "sdr:max"), {"loss", "sdr_db"}, "a suite")
