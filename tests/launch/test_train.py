"""The program: what it trains, prints and refuses."""

import json

import pytest

from spatialjax.config import from_json
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.evaluation import EvaluationConfig
from tests import fake_store
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


@pytest.mark.slow
def test_a_run_in_a_store_is_scored_there(tmp_path, experiment, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    url = "gs://bucket/run"
    with fake_store.fake_store(monkeypatch) as objects:
        run(experiment, url)
        with program("evaluate", workdir=url) as evaluate:
            evaluate.main()
        with program("compare") as compare:
            compare.main(f"{url}/scores.json", f"{url}/scores.json")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    names = {name.split("/")[2] for name in objects}
    assert names == {
        "config.json",
        "metrics.jsonl",
        "speed.jsonl",
        "tensorboard",
        "checkpoints",
        "scores.json",
    }
    printed = capsys.readouterr().out
    assert f"scores  {url}/scores.json" in printed
    assert f"first   {url}/scores.json" in printed
