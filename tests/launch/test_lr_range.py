"""The program: the flags that it prints, and the folder that it writes."""

import json
import re

import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import UserError
from spatialjax.training.optimizer import OptimizerConfig
from tests.data import tiny
from tests.launch.programs import program
from tests.training.runs import FakeConfig, make_experiment


@pytest.fixture
def experiment(tmp_path):
    tiny.build(tmp_path / "data", {"train": tiny.solos(6)})
    return make_experiment(
        2,
        task=FakeConfig(rate_hz=float(tiny.RATE_HZ)),
        data=DataConfig(str(tmp_path / "data"), "tiny_clips", num_threads=0),
        optimizer=OptimizerConfig(momentum=0.0),
    )


def test_prints_a_flag_and_writes_the_curves(tmp_path, experiment, capsys):
    output = str(tmp_path / "rates")
    with program("lr_range", output=output, num_steps=20, lowest=1e-4) as lr_range:
        lr_range.main(experiment)
    printed = capsys.readouterr().out
    told = re.fullmatch(r"--config\.optimizer\.learning_rate=(\S+)\n", printed)
    content = json.loads((tmp_path / "rates" / "lr_range.json").read_text())
    assert float(told[1]) == pytest.approx(content["all"]["suggestion"], rel=0.05)
    sizes = {len(v) for v in content["all"].values() if isinstance(v, list)}
    assert len(sizes) == 1
    assert (tmp_path / "rates" / "lr_range.svg").read_text().startswith("<svg")


def test_a_folder_of_other_things_is_refused_at_once(tmp_path, experiment):
    (tmp_path / "mine.txt").write_text("keep")
    with (
        program("lr_range", output=str(tmp_path)) as lr_range,
        pytest.raises(UserError, match="holds other files"),
    ):
        lr_range.main(experiment)
