"""The settings of the loader: ranges, and a round trip through JSON."""

import pytest

from spatialjax.config import from_json, to_json, validate_tree
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError


def test_the_defaults_are_valid_and_reload_equal():
    config = DataConfig(dataset="music", class_distinct=True)
    validate_tree(config)
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 0),
        ("image_spacing_s", -1.0),
        ("centre_margin_s", float("nan")),
        ("gain_low", -0.1),
        ("gain_high", 0.4),
        ("silent_probability", 1.1),
        ("image_scale", 0.9),
        ("prefetch", 0),
        ("num_workers", -1),
        ("data_dir", ""),
        ("train_split", ""),
    ],
)
def test_values_out_of_range(field, value):
    config = DataConfig()
    setattr(config, field, value)
    with pytest.raises(ConfigError, match=f"data.{field}"):
        config.validate()
