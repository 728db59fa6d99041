import pytest

from spatialjax.config import from_json, to_json, validate_tree
from spatialjax.errors import ConfigError
from spatialjax.evaluation import EvaluationConfig


def test_reloads_equal():
    config = EvaluationConfig(suites=("duet", "same_class_swapped"), num_pairs=9)
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("suites", (), "at least one"),
        ("suites", ("class_distnct",), "class_distinct"),
        ("suites", ("_swapped",), "_swapped"),
        ("suites", ("duet", "duet"), "once"),
        ("num_pairs", 0, "num_pairs"),
        ("batch_size", 0, "batch_size"),
        ("num_bootstrap", 0, "num_bootstrap"),
        ("pair_seed", -1, "pair_seed"),
        ("pair_seed", 2**63, "pair_seed"),
    ],
)
def test_refuses(field, value, text):
    config = EvaluationConfig()
    setattr(config, field, value)
    with pytest.raises(ConfigError, match=text):
        validate_tree(config)
