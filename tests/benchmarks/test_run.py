"""A timed run reads its data and writes its checkpoints as any run."""

import pytest

from spatialjax.benchmarks import run
from spatialjax.benchmarks.run import time_run
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError, DataError
from tests.data import tiny
from tests.training.runs import FakeConfig, make_experiment


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    tiny.build(folder, {"train": tiny.solos(9)})
    return folder


def experiment(data_dir):
    data = DataConfig(
        str(data_dir), "tiny_clips", batch_size=4, num_threads=0, image_spacing_s=1.0
    )
    return make_experiment(100, task=FakeConfig(rate_hz=float(tiny.RATE_HZ)), data=data)


def test_a_run_of_real_data(data_dir, tmp_path):
    made = experiment(data_dir)
    made.data.prefetch = 3
    speed = time_run(made, 4, str(tmp_path / "run"))
    assert (speed.batch_size, speed.num_steps, speed.num_threads) == (4, 4, 0)
    assert speed.examples_per_s == pytest.approx(4 * speed.steps_per_s)
    assert 0 <= speed.input_wait_share <= 1
    assert speed.checkpoint_block_s > 0
    # Three batches and one lie ready: two parts of two steps before, two, and one.
    saved = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert saved >= {"8", "10"}
    with pytest.raises(ConfigError, match="exists; a timed run needs a new folder"):
        time_run(experiment(data_dir), 4, str(tmp_path / "run"))


def test_shares_are_of_the_time_and_the_first_part_is_left_out():
    parts = [
        {"steps_per_s": 1.0, "input_wait_share": 0.5, "checkpoint_block_s": 2.0},
        {"steps_per_s": 4.0, "input_wait_share": 0.0, "checkpoint_block_s": 4.0},
    ]
    speed = run._summarise(make_experiment(data=DataConfig(batch_size=3)), parts, 8)
    assert speed.num_steps == 16
    assert speed.steps_per_s == pytest.approx(16 / 10)
    assert speed.examples_per_s == pytest.approx(3 * 16 / 10)
    assert speed.input_wait_share == pytest.approx(4 / 10)
    assert speed.checkpoint_block_s == 3


def test_what_cannot_be_timed(data_dir, tmp_path):
    with pytest.raises(ConfigError, match="3 steps are to be timed, expected a multi"):
        time_run(experiment(data_dir), 3)
    with pytest.raises(DataError, match="tiny_clips"):
        time_run(experiment(tmp_path), 4)
