import jax
import numpy as np
import pytest

from spatialjax.errors import CheckpointError, ConfigError
from spatialjax.training.init_from import InitFrom, warm_start
from tests.training.runs import (
    PlainTask,
    assert_trees_equal,
    make_experiment,
    run_fit,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("trained")
    return workdir, run_fit(workdir, make_experiment(2)).variables


def first_variables():
    return jax.tree.map(np.array, PlainTask().init(jax.random.key(5)))


def test_chosen_parts_come_from_the_other_run(trained):
    workdir, other = trained
    own = first_variables()
    taken = warm_start(InitFrom(str(workdir), include="audio/.*"), own)
    assert_trees_equal(taken.params["audio"], other.params["audio"])
    assert_trees_equal(taken.params["head"], own.params["head"])
    assert_trees_equal(taken.state, own.state)
    taken = warm_start(InitFrom(str(workdir), exclude="head/.*"), own)
    assert_trees_equal(taken.params["audio"], other.params["audio"])
    assert_trees_equal(taken.params["head"], own.params["head"])
    assert_trees_equal(taken.state, other.state)


def test_without_a_path_nothing_changes():
    own = first_variables()
    assert warm_start(InitFrom(), own) is own


def test_a_run_starts_from_it_and_its_own_checkpoint_goes_first(trained, tmp_path):
    workdir, other = trained
    init = InitFrom(str(workdir), checkpoint="2")
    experiment = make_experiment(2, init_from=init)
    experiment.optimizer.learning_rate = 0.0
    result = run_fit(tmp_path, experiment)
    assert_trees_equal(result.variables.params, other.params)
    experiment.init_from.path = "/nowhere"
    experiment.training.num_steps = 3
    assert run_fit(tmp_path, experiment).step == 3


@pytest.mark.parametrize(
    ("config", "error", "text"),
    [
        ({"include": "sound/.*"}, ConfigError, "chooses no parameter"),
        ({"checkpoint": "9"}, CheckpointError, "no step 9"),
        ({"path": "/nowhere"}, CheckpointError, "is no workdir"),
    ],
)
def test_a_wrong_choice_is_one_line(trained, config, error, text):
    settings = {"path": str(trained[0])} | config
    with pytest.raises(error, match=text):
        warm_start(InitFrom(**settings), first_variables())


def test_an_array_of_another_shape_is_told(trained):
    own = jax.tree.map(np.array, PlainTask(num_samples=8).init(jax.random.key(5)))
    config = InitFrom(str(trained[0]))
    with pytest.raises(CheckpointError, match=r"audio/weight is \[16\] float32, exp"):
        warm_start(config, own)
    taken = warm_start(InitFrom(str(trained[0]), include="head/.*"), own)
    assert taken.params["audio"]["weight"].shape == (8,)


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="no regular expression"):
        InitFrom(include="(").validate()
