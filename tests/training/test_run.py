import jax
import numpy as np
import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError, DataError, UserError
from spatialjax.evaluation import EvaluationConfig
from spatialjax.training import load_trained, train
from spatialjax.training.checkpoint import CheckpointConfig
from spatialjax.training.experiment import TrainingConfig
from tests.data import tiny
from tests.inference.field_fakes import constant
from tests.training.runs import (
    FakeConfig,
    assert_trees_equal,
    make_experiment,
    read_lines,
)

HOST_SCORE = "class_distinct_swapped/peak_error:min"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    tiny.build(folder, {"train": tiny.solos(9), "validation": tiny.solos(6)})
    return folder


def experiment_of(data_dir, num_steps=4, **data):
    settings = {"batch_size": 4, "num_threads": 0, "image_spacing_s": 1.0}
    return make_experiment(
        num_steps,
        task=FakeConfig(rate_hz=float(tiny.RATE_HZ)),
        data=DataConfig(str(data_dir), "tiny_clips", **(settings | data)),
        training=TrainingConfig(num_steps, log_every_steps=1, validate_every_steps=2),
        checkpoint=CheckpointConfig(every_steps=100, best=("error:min", HOST_SCORE)),
        evaluation=EvaluationConfig(
            suites=("class_distinct", "class_distinct_swapped"),
            num_pairs=5,
            batch_size=3,
            num_bootstrap=20,
        ),
    )


def test_an_experiment_trains_validates_and_goes_on(tmp_path, data_dir):
    told, seen = [], []

    def collect(suite, outputs, batch, scores):
        seen.append((suite, outputs["estimates"].shape, batch["valid"].sum()))

    whole = train(
        experiment_of(data_dir),
        tmp_path / "whole",
        on_validation=told.append,
        collect=collect,
    )
    assert [validation.step for validation in told] == [2, 4]
    means = told[-1].card.suites["class_distinct"].means
    assert {"loss", "error", "peak_error"} == set(means)
    assert whole.scores["error"] == means["error"]
    names = {"loss", "error", "peak_error"}
    swapped = {f"class_distinct_swapped/{name}" for name in names}
    assert set(whole.scores) == names | swapped
    assert told[-1].card.origin.checkpoint_step == 4
    assert told[-1].dataset.hash == told[-1].card.origin.dataset_hash
    both = ("class_distinct", "class_distinct_swapped")
    assert seen[:4] == [(n, (3, 2, 16), k) for n in both for k in (3, 2)]

    train(experiment_of(data_dir, 2), tmp_path / "parts")
    parts = train(experiment_of(data_dir, num_threads=2), tmp_path / "parts")
    assert_trees_equal(whole.variables, parts.variables)
    assert read_lines(tmp_path / "whole") == read_lines(tmp_path / "parts")


def test_a_workdir_gives_the_trained_model(tmp_path, data_dir):
    experiment = experiment_of(data_dir, 2)
    result = train(experiment, tmp_path)
    trained = load_trained(tmp_path, "error:min")
    assert trained.experiment == experiment
    assert trained.task == experiment.task.build()
    assert trained.step == 2
    assert trained.metadata["scores"]["error"] == result.scores["error"]
    assert_trees_equal(trained.variables, result.variables)
    assert all(isinstance(x, np.ndarray) for x in jax.tree.leaves(trained.variables))


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (("data", "dataset", "tiny_clip"), DataError, "tiny_clip"),
        (("data", "train_split", "trian"), DataError, "trian"),
        (("data", "validation_split", "test"), DataError, "test"),
        (("task", "rate_hz", 8000.0), DataError, "800 Hz"),
        (("data", "batch_size", 0), ConfigError, "batch_size"),
        (("data", "batch_size", 3), ConfigError, "a batch of 3"),
        (("checkpoint", "best", ("eror:min",)), ConfigError, "did you mean 'error'"),
        (
            ("evaluation", "host_scores", False),
            ConfigError,
            "host_scores gives no 'class_distinct_swapped/peak",
        ),
    ],
)
def test_a_wrong_experiment_leaves_nothing_behind(
    tmp_path, data_dir, change, error, text
):
    node, field, value = change
    experiment = experiment_of(data_dir)
    setattr(getattr(experiment, node), field, value)
    with pytest.raises(error, match=text):
        train(experiment, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_place_that_cannot_be_is_told_first(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        train(experiment_of("/nowhere"), tmp_path / "file" / "run")


def test_a_task_that_learns_nothing_is_refused(tmp_path):
    experiment = make_experiment(2, task=constant())
    with pytest.raises(ConfigError, match="has no parameters, so there is nothing to"):
        train(experiment, tmp_path / "run")
    assert not (tmp_path / "run").exists()
