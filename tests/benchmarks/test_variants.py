"""A sweep is every combination, and leaves the experiment alone."""

import pytest

from launch._config_flag import load_config
from spatialjax.benchmarks.variants import variants
from spatialjax.errors import ConfigError
from spatialjax.training.parallel import Strategy


def test_every_combination():
    made = load_config("pixels_toy")
    before = made.data.batch_size
    found = [
        (one.parallel.strategy, one.task.compute_dtype, one.data.batch_size)
        for one in variants(
            made,
            {"parallel": ["data", "pmap"], "dtype": ["bfloat16"], "batch": ["4", "8"]},
        )
    ]
    assert found == [
        (Strategy.DATA, "bfloat16", 4),
        (Strategy.DATA, "bfloat16", 8),
        (Strategy.PMAP, "bfloat16", 4),
        (Strategy.PMAP, "bfloat16", 8),
    ]
    assert made.data.batch_size == before


def test_without_values_there_is_one():
    (only,) = variants(load_config("pixels_toy"), {"batch": []})
    assert only == load_config("pixels_toy")


@pytest.mark.parametrize(
    ("name", "text"), [("parallel", "jit"), ("dtype", "int8"), ("batch", "many")]
)
def test_a_wrong_value_names_its_field(name, text):
    with pytest.raises(ConfigError, match=text):
        list(variants(load_config("pixels_toy"), {name: [text]}))
