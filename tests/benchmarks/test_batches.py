"""Noise in the form of any task."""

import numpy as np
import pytest

from launch._config_flag import config_names, load_config
from spatialjax.benchmarks.batches import LEVEL, make_noise_batch
from spatialjax.tasks.base import check_batch


@pytest.mark.parametrize("name", config_names())
def test_a_batch_is_what_the_task_takes(name):
    spec = load_config(name).task.build().batch_spec
    batch = make_noise_batch(spec, 3)
    assert check_batch(spec, batch) == 3
    assert batch["valid"].all()
    assert list(batch["example_id"]) == [0, 1, 2]
    assert np.std(batch["audio"].astype(float)) == pytest.approx(LEVEL, rel=0.05)
    assert batch["images"].std() > 50
    again = make_noise_batch(spec, 3)
    assert all((batch[entry] == again[entry]).all() for entry in spec)
