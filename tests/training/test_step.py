"""Micro-batches, many steps in a call and rematerialisation change no numbers."""

import dataclasses
import re

import jax
import numpy as np
import pytest

from spatialjax.config import validate_tree
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.training.experiment import Experiment, TrainingConfig
from spatialjax.training.guard import NonFiniteError
from spatialjax.training.optimizer import OptimizerConfig
from spatialjax.training.parallel import ParallelConfig, Strategy
from spatialjax.training.remat import Remat
from tests.tasks.test_pixels import small_config
from tests.training.runs import (
    ROWS,
    assert_trees_equal,
    make_batches,
    make_experiment,
    read_lines,
    run_fit,
)


def in_calls(experiment, **fields):
    experiment.training = dataclasses.replace(experiment.training, **fields)
    return experiment


def losses(workdir):
    return [line["loss"] for line in read_lines(workdir) if "loss" in line]


def assert_close(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Six steps, one a call, of whole batches: folder and result."""
    workdir = tmp_path_factory.mktemp("plain")
    return workdir, run_fit(workdir, make_experiment(6, num_devices=1))


@pytest.mark.parametrize("strategy", list(Strategy))
def test_gradients_of_micro_batches_add_up(tmp_path, plain, strategy):
    experiment = in_calls(make_experiment(6, strategy, 2), num_micro_batches=4)
    result = run_fit(tmp_path, experiment)
    np.testing.assert_allclose(losses(tmp_path), losses(plain[0]), rtol=1e-5)
    assert_close(result.variables.params, plain[1].variables.params)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_steps_of_one_call_are_those_of_many(tmp_path, plain, strategy):
    experiment = make_experiment(6, strategy, 2)
    experiment = in_calls(experiment, steps_per_call=3, log_every_steps=3)
    result = run_fit(tmp_path, experiment)
    logged = read_lines(tmp_path)
    assert [line["step"] for line in logged] == [3, 6]
    np.testing.assert_allclose(losses(tmp_path), losses(plain[0])[2::3], rtol=1e-5)
    assert_close(result.variables, plain[1].variables)


def test_both_at_once_and_continued(tmp_path, plain):
    experiment = in_calls(make_experiment(6), num_micro_batches=2)
    whole = run_fit(tmp_path / "whole", experiment)
    run_fit(tmp_path / "parts", in_calls(make_experiment(2), num_micro_batches=2))
    experiment = in_calls(experiment, steps_per_call=2, log_every_steps=2)
    parts = run_fit(tmp_path / "parts", experiment)
    assert_close(parts.variables, whole.variables)
    assert losses(tmp_path / "parts")[-1] == pytest.approx(losses(plain[0])[-1])


def test_a_call_names_the_step_that_is_not_finite(tmp_path):
    texts = []
    for per_call in (1, 6):
        experiment = make_experiment(6, optimizer=OptimizerConfig(learning_rate=1e12))
        experiment = in_calls(
            experiment, steps_per_call=per_call, log_every_steps=per_call
        )
        with pytest.raises(NonFiniteError) as caught:
            run_fit(tmp_path / str(per_call), experiment)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert re.match(r"step [2-5] is not finite", texts[0])


@pytest.mark.parametrize(
    ("training", "data", "text"),
    [
        ({"steps_per_call": 4}, {}, "divisor of num_steps, 6"),
        ({"steps_per_call": 2, "log_every_steps": 3}, {}, "of log_every_steps, 3"),
        ({"steps_per_call": 0}, {}, "steps_per_call is 0"),
        ({"num_micro_batches": 0}, {}, "num_micro_batches is 0"),
        ({"num_micro_batches": 3}, {"batch_size": 16}, "divisor of data.batch_size"),
        ({"steps_per_call": 6, "log_every_steps": 6}, {}, "checkpoint.every_steps, 3"),
    ],
)
def test_counts_that_do_not_go_together_are_refused(training, data, text):
    experiment = make_experiment(6, data=DataConfig(**data))
    experiment.training.validate_every_steps = 0
    experiment = in_calls(experiment, **training)
    with pytest.raises(ConfigError, match=text):
        validate_tree(experiment)


def test_a_run_between_two_calls_is_told_to_go_on_otherwise(tmp_path):
    run_fit(tmp_path, make_experiment(3))
    experiment = in_calls(make_experiment(6), steps_per_call=2, log_every_steps=2)
    with pytest.raises(ConfigError, match="holds step 3, from where no whole calls"):
        run_fit(tmp_path, experiment)


def pixels(remat=Remat.NONE, num_micro_batches=1, group_size=None):
    return Experiment(
        task=small_config(
            sound_width=2, frame_widths=(2, 4), norm_group_size=group_size
        ),
        optimizer=OptimizerConfig(learning_rate=0.01),
        training=TrainingConfig(
            3, log_every_steps=1, remat=remat, num_micro_batches=num_micro_batches
        ),
        parallel=ParallelConfig(Strategy.DATA, 2),
    )


def train_pixels(workdir, experiment):
    batches = make_batches(experiment.task.build())
    result = run_fit(workdir, experiment, batches)
    return losses(workdir), result.variables


@pytest.fixture(scope="module")
def pixels_run(tmp_path_factory):
    return train_pixels(tmp_path_factory.mktemp("pixels"), pixels())


@pytest.mark.parametrize(
    "remat", [pytest.param(Remat.LINEAR, marks=pytest.mark.slow), Remat.BLOCKS]
)
def test_what_is_computed_again_is_the_same(tmp_path, pixels_run, remat):
    found = train_pixels(tmp_path, pixels(remat))
    np.testing.assert_allclose(found[0], pixels_run[0], rtol=1e-5)
    for a, b in zip(*map(jax.tree.leaves, (found[1], pixels_run[1])), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize("remat", [Remat.LINEAR, Remat.BLOCKS])
def test_less_is_kept(remat):
    task = pixels().task.build()
    batch = next(make_batches(task)(0))
    variables = task.init(jax.random.key(0))
    key = jax.random.key(0)

    def loss(params):
        return task.loss(variables._replace(params=params), batch, key, None)

    def num_kept(loss):
        residuals = jax.eval_shape(
            lambda p: jax.vjp(loss, p, has_aux=True)[1], variables.params
        )
        return sum(leaf.size for leaf in jax.tree.leaves(residuals))

    assert num_kept(remat.wrap(loss)) < 0.8 * num_kept(loss)


@pytest.mark.slow
def test_batch_statistics_are_those_of_a_micro_batch(tmp_path, pixels_run):
    """As of groups of its size in a whole batch; those of all rows are others."""
    size = ROWS // 4
    parts, _ = train_pixels(tmp_path / "parts", pixels(num_micro_batches=4))
    groups, _ = train_pixels(tmp_path / "groups", pixels(group_size=size))
    np.testing.assert_allclose(parts, groups, rtol=1e-5)
    assert abs(parts[-1] - pixels_run[0][-1]) > 1e-4


def test_runs_repeat_bitwise(tmp_path):
    experiment = in_calls(
        make_experiment(6), num_micro_batches=2, steps_per_call=3, log_every_steps=3
    )
    one, other = (run_fit(tmp_path / name, experiment) for name in "ab")
    assert_trees_equal(one.variables, other.variables)
