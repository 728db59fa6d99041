import json

import pytest

from spatialjax.config import to_json
from spatialjax.data import DataConfig
from spatialjax.errors import CheckpointError, ConfigError, UserError
from spatialjax.training.optimizer import OptimizerConfig
from spatialjax.training.parallel import Strategy
from spatialjax.training.workdir import (
    check_place,
    check_same_run,
    load_trained,
    shared_config,
    write_config,
)
from tests.training.runs import make_experiment, run_fit


def test_fields_that_leave_the_numbers_alone_may_differ():
    there, here = make_experiment(3), make_experiment(9, num_devices=1)
    here.data.num_threads += 1
    here.data.data_dir = "/moved"
    here.checkpoint.keep = 7
    here.evaluation.num_bootstrap += 1
    metadata = {"config": json.loads(to_json(there)), "dataset_hash": "a"}
    check_same_run(here, "a", metadata)
    here.data.flip = not here.data.flip
    with pytest.raises(ConfigError, match=r"data\.flip \(True there, False here\)"):
        check_same_run(here, "a", metadata)


def test_processes_share_all_but_the_way_to_the_data():
    there, here = make_experiment(3), make_experiment(3)
    here.data.data_dir = "/another/mount"
    here.data.num_threads += 1
    here.data.num_workers += 1
    here.data.prefetch += 1
    assert shared_config(here) == shared_config(there)
    for change in (
        {"num_steps": 6},  # a new start may change these, a process alone may not
        {"strategy": Strategy.FSDP},
        {"data": DataConfig(batch_size=24)},
    ):
        other = make_experiment(**{"num_steps": 3, **change})
        assert shared_config(other) != shared_config(there)


def test_the_config_appears_whole_or_not_at_all(tmp_path):
    write_config(tmp_path / "run", make_experiment())
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.json"]
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=r"config\.json cannot be written: Not a directory$"
    ):
        write_config(tmp_path / "file" / "run", make_experiment())


def test_a_place_is_checked_without_being_made(tmp_path):
    check_place(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^folder .*: .*file is a file, expected a"):
        check_place(tmp_path / "file" / "a")


def test_a_folder_that_is_no_workdir_is_told(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        load_trained(tmp_path)
    write_config(tmp_path, make_experiment())
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_trained(tmp_path)
    (tmp_path / "config.json").write_text(to_json(OptimizerConfig()))
    with pytest.raises(ConfigError, match="no experiment"):
        load_trained(tmp_path)


def test_a_config_of_damaged_bytes_is_one_line(tmp_path):
    write_config(tmp_path, make_experiment())
    path = tmp_path / "config.json"
    path.write_bytes(path.read_bytes()[:9] + b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"config\.json is damaged: byte 9 is no UTF"):
        load_trained(tmp_path)


def test_the_model_of_another_config_is_told(tmp_path):
    run_fit(tmp_path, make_experiment(1))
    experiment = make_experiment(1)
    experiment.task.num_samples = 8
    write_config(tmp_path, experiment)
    with pytest.raises(CheckpointError, match="another model: params/audio/weight"):
        load_trained(tmp_path)
