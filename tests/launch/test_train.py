"""The program: what it trains, prints and refuses."""

import json

import pytest

from spatialjax.config import from_json
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.evaluation import EvaluationConfig
from tests.data import tiny
from tests.launch.programs import program
from tests.training.runs import FakeConfig, make_experiment


@pytest.fixture
def experiment(tmp_path):
    tiny.build(tmp_path / "data", {"train": tiny.solos(6), "validation": tiny.solos(3)})
    return make_experiment(
        2,
        task=FakeConfig(rate_hz=float(tiny.RATE_HZ)),
        data=DataConfig(str(tmp_path / "data"), "tiny_clips", num_threads=0),
        evaluation=EvaluationConfig(num_pairs=2, batch_size=2, num_bootstrap=20),
    )


def run(experiment, workdir):
    with program("train", workdir=str(workdir), report_items=0) as train:
        train.main(experiment)


def test_a_run_leaves_a_whole_workdir(tmp_path, experiment, capsys):
    run(experiment, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "config.json",
        "metrics.jsonl",
        "speed.jsonl",
        "tensorboard",
        "checkpoints",
    }
    assert from_json((tmp_path / "run" / "config.json").read_text()) == experiment
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert "validation/error" in json.loads(lines[-1])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "step 2/2" in captured.err

    run(experiment, tmp_path / "run")
    assert "nothing is left to do" in capsys.readouterr().err


def test_a_workdir_of_another_config_is_refused(tmp_path, experiment):
    run(experiment, tmp_path / "run")
    experiment.optimizer.momentum = 0.5
    with pytest.raises(ConfigError, match=r"optimizer\.momentum \(0\.9 there, 0\.5 he"):
        run(experiment, tmp_path / "run")
