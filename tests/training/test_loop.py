import re

import jax
import numpy as np
import pytest

from spatialjax.errors import ConfigError, DataError, UserError
from spatialjax.tasks.base import Variables
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.experiment import TrainingConfig
from spatialjax.training.guard import NonFiniteError
from spatialjax.training.loop import fit
from spatialjax.training.optimizer import Group, OptimizerConfig
from spatialjax.training.parallel import Strategy
from spatialjax.training.start import INIT_STREAM
from tests.fakes import fake_batch
from tests.training.runs import (
    ROWS,
    PlainTask,
    assert_trees_equal,
    make_batches,
    make_experiment,
    read_lines,
    run_fit,
)

STRATEGIES = list(Strategy)


def losses(workdir):
    return [line["loss"] for line in read_lines(workdir) if "loss" in line]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Five steps under jit on one device: folder and result."""
    workdir = tmp_path_factory.mktemp("reference")
    return workdir, run_fit(workdir, make_experiment(5, num_devices=1))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("num_devices", [1, 2, 8])
def test_strategies_and_device_counts_give_the_same_run(
    tmp_path, reference, strategy, num_devices
):
    result = run_fit(tmp_path, make_experiment(5, strategy, num_devices))
    np.testing.assert_allclose(losses(tmp_path), losses(reference[0]), atol=1e-5)
    for one, other in zip(
        jax.tree.leaves(result.variables),
        jax.tree.leaves(reference[1].variables),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_reference_is_plain_gradient_descent(reference):
    """The loop against five steps written out."""
    task, experiment = PlainTask(), make_experiment()
    variables = run_first_variables(experiment)
    velocity = jax.tree.map(np.zeros_like, variables.params)
    for index, line in enumerate(read_lines(reference[0])[:5]):
        batch = fake_batch(task, ROWS, index)
        key = jax.random.fold_in(jax.random.key(experiment.seed), index)

        def loss(params, batch=batch, key=key, state=variables.state):
            total, aux = task.loss(Variables(params, state), batch, key, None)
            return total / aux.weight, aux

        (value, aux), gradient = jax.value_and_grad(loss, has_aux=True)(
            variables.params
        )
        velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
        params = jax.tree.map(lambda p, v: p - 0.05 * v, variables.params, velocity)
        variables = Variables(params, aux.state)
        assert line["loss"] == pytest.approx(float(value), rel=1e-5)
        squares = [np.sum(np.square(g)) for g in jax.tree.leaves(gradient)]
        assert line["gradient_norm"] == pytest.approx(np.sqrt(sum(squares)), rel=1e-5)
    for one, other in zip(
        jax.tree.leaves(reference[1].variables),
        jax.tree.leaves(variables),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


def run_first_variables(experiment):
    key = jax.random.fold_in(jax.random.key(experiment.seed), INIT_STREAM)
    return experiment.task.build().init(key)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_padding_weighs_nothing(tmp_path, strategy):
    """Half of the rows padded, unevenly over devices, equals the other half alone."""

    def pad(step, batch):
        batch["valid"][ROWS // 2 :] = False
        batch["audio"][ROWS // 2 :] = batch["audio"][: ROWS // 2]

    def halve(step, batch):
        for name, value in batch.items():
            batch[name] = value[: ROWS // 2]

    experiment = make_experiment(3, strategy, 4)
    run_fit(tmp_path / "padded", experiment, make_batches(edit=pad))
    run_fit(tmp_path / "half", experiment, make_batches(edit=halve))
    np.testing.assert_allclose(
        losses(tmp_path / "padded"), losses(tmp_path / "half"), rtol=1e-6
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_run_goes_on_bitwise_under_the_same_strategy(tmp_path, strategy):
    whole = run_fit(tmp_path / "whole", make_experiment(6, strategy))
    run_fit(tmp_path / "parts", make_experiment(3, strategy))
    parts = run_fit(tmp_path / "parts", make_experiment(6, strategy))
    assert_trees_equal(whole.variables, parts.variables)
    assert read_lines(tmp_path / "whole") == read_lines(tmp_path / "parts")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((Strategy.PMAP, 8), (Strategy.DATA, 2)),
        ((Strategy.DATA, 2), (Strategy.PMAP, 8)),
        ((Strategy.FSDP, 8), (Strategy.DATA, 2)),
        ((Strategy.PMAP, 2), (Strategy.FSDP, 4)),
        ((Strategy.DATA, 1), (Strategy.DATA, 8)),
    ],
)
def test_a_checkpoint_restores_elsewhere(tmp_path, reference, first, second):
    before = run_fit(tmp_path, make_experiment(3, *first))
    seen = []

    def batches(start):
        seen.append(start)
        return make_batches()(start)

    run_fit(tmp_path, make_experiment(5, *second), batches)
    assert seen == [3]  # the next batch
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [3, 5]
        restored = checkpoints.restore(3, before.variables)
    assert_trees_equal(restored, before.variables)
    np.testing.assert_allclose(losses(tmp_path), losses(reference[0]), atol=1e-5)


def test_a_complete_run_is_left_alone(tmp_path):
    first = run_fit(tmp_path, make_experiment(3))
    again = run_fit(tmp_path, make_experiment(3), lambda start: iter(()))
    assert again.step == 3
    assert_trees_equal(first.variables, again.variables)


def test_a_run_of_another_config_is_refused(tmp_path):
    run_fit(tmp_path, make_experiment(3), dataset_hash="a")
    other = make_experiment(4, optimizer=OptimizerConfig(learning_rate=0.1), seed=1)
    with pytest.raises(ConfigError) as caught:
        run_fit(tmp_path, other, dataset_hash="b")
    text = str(caught.value)
    assert "optimizer.learning_rate (0.05 there, 0.1 here)" in text
    assert "seed (0 there, 1 here)" in text
    assert "dataset's hash" in text
    assert "num_steps" not in text


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("log_every", [1, 50])
def test_nan_names_the_step_and_leaves_no_checkpoint(tmp_path, strategy, log_every):
    def poison(step, batch):
        if step == 4:
            batch["audio"][3, 0] = 32767

    class Fragile(PlainTask):
        def loss(self, variables, batch, key, axis):
            total, aux = PlainTask.loss(self, variables, batch, key, axis)
            loud = (batch["audio"] == 32767).all(-1).any()
            nan = jax.numpy.where(loud, jax.numpy.nan, 0.0)
            return total + nan, aux

    experiment = make_experiment(
        9, strategy, training=TrainingConfig(9, log_every_steps=log_every)
    )
    with pytest.raises(NonFiniteError, match=r"step 5 .*loss nan.*batch 4"):
        fit(Fragile(), experiment, make_batches(edit=poison), tmp_path)
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [3]
    if log_every == 1:
        assert len(losses(tmp_path)) == 4
        assert all(np.isfinite(losses(tmp_path)))


def test_parameters_that_overflow_are_not_saved(tmp_path):
    experiment = make_experiment(6, optimizer=OptimizerConfig(learning_rate=3e38))
    with pytest.raises(NonFiniteError, match="step"):
        run_fit(tmp_path, experiment)
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == []


def test_validation_scores_pick_the_best(tmp_path):
    scores = iter([3.0, 1.0, 2.0])
    told = []

    def validate(step, variables):
        told.append(step)
        return {"error": next(scores)}

    experiment = make_experiment(
        6,
        training=TrainingConfig(6, log_every_steps=3, validate_every_steps=2),
        checkpoint=CheckpointConfig(every_steps=100, keep=1, best=("error:min",)),
    )
    result = run_fit(
        tmp_path,
        experiment,
        validate=validate,
    )
    assert told == [2, 4, 6]
    assert result.scores == {"error": 2.0}
    lines = read_lines(tmp_path)
    assert [line["step"] for line in lines] == [2, 3, 4, 6, 6]
    assert lines[2] == {"step": 4, "validation/error": 1.0}
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [4, 6]
        assert checkpoints.find("error:min") == 4


def test_a_best_score_that_validation_lacks_is_told(tmp_path):
    experiment = make_experiment(2, checkpoint=CheckpointConfig(best=("sdr:max",)))
    with pytest.raises(ConfigError, match="did you mean 'sdr_db'"):
        run_fit(tmp_path, experiment, validate=lambda *of: {"sdr_db": 1.0})
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [2]


def test_given_variables_start_the_run_and_survive_it(tmp_path):
    given = PlainTask().init(jax.random.key(9))
    copy = jax.tree.map(np.array, given)
    experiment = make_experiment(1, optimizer=OptimizerConfig(learning_rate=0.0))
    result = run_fit(tmp_path, experiment, variables=given)
    assert_trees_equal(jax.tree.map(np.array, given), copy)
    assert_trees_equal(result.variables.params, copy.params)


def test_one_compilation_serves_the_run(tmp_path):
    traces = []

    class Counting(PlainTask):
        def loss(self, *inputs):
            traces.append(1)
            return PlainTask.loss(self, *inputs)

    fit(Counting(), make_experiment(6), make_batches(), tmp_path)
    assert len(traces) == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_frozen_parts_stay(tmp_path, strategy):
    frozen = Group("audio/.*", frozen=True)
    experiment = make_experiment(
        3, strategy, optimizer=OptimizerConfig(
            learning_rate=0.1, groups={"audio": frozen, "head": Group("head/.*")}
        )
    )  # fmt: skip
    given = PlainTask().init(jax.random.key(9))
    result = run_fit(tmp_path, experiment, variables=given)
    assert_trees_equal(
        result.variables.params["audio"], jax.tree.map(np.array, given.params["audio"])
    )
    assert result.variables.params["head"]["bias"] != 0
    assert "learning_rate/head" in read_lines(tmp_path)[0]


def test_frozen_statistics_stay(tmp_path):
    experiment = make_experiment(
        3,
        optimizer=OptimizerConfig(groups={"all": Group(freeze_statistics=True)}),
    )
    assert run_fit(tmp_path, experiment).variables.state["mean"] == 0
    plain = run_fit(tmp_path / "plain", make_experiment(3))
    assert plain.variables.state["mean"] != 0


def test_speed_is_told_apart_from_what_the_seed_decides(tmp_path, capsys):
    run_fit(tmp_path, make_experiment(2))
    speed = read_lines(tmp_path, "speed.jsonl")
    assert set(speed[0]) == {
        "step", "steps_per_s", "examples_per_s", "input_wait_share",
        "checkpoint_block_s",
    }  # fmt: skip
    assert 0 <= speed[0]["input_wait_share"] <= 1
    text = capsys.readouterr().err
    assert "17 parameters, batch 8 on 2 x cpu (data), new, steps 0 to 2" in text
    assert "step 2/2" in text
    assert "0:00:00 left" in text


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_memory_and_time_are_told_before_the_first_step(tmp_path, capsys, strategy):
    run_fit(tmp_path, make_experiment(4, strategy=strategy))
    plan, first, *_ = capsys.readouterr().err.splitlines()
    told = re.search(
        r"([\d.]+) GB a device, ([\d.]+) s a step, about \d:\d\d:\d\d", plan
    )
    assert float(told[1]) < 0.01
    assert first.startswith("step ")


def test_a_task_without_a_loss_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="has no loss"):
        fit(object(), make_experiment(1), make_batches(), tmp_path)


@pytest.mark.parametrize(
    ("edit", "error", "text"),
    [
        (lambda s, b: b.pop("gain"), DataError, "lacks gain"),
        (lambda s, b: b.update(gain=b["gain"][:, :1]), DataError, "'gain' has shape"),
        (lambda s, b: b.update({k: v[:5] for k, v in b.items()}), ConfigError, "of 5"),
    ],
)
def test_a_wrong_first_batch_leaves_nothing_behind(tmp_path, edit, error, text):
    with pytest.raises(error, match=text):
        run_fit(tmp_path / "run", make_experiment(2), make_batches(edit=edit))
    assert not (tmp_path / "run").exists()


class Loader:
    """Batches of some rows; `is_closed` tells whether `close` was called."""

    def __init__(self, rows):
        self.batches = make_batches(rows=rows)(0)
        self.is_closed = False

    def __next__(self):
        return next(self.batches)

    def close(self):
        self.is_closed = True


def test_the_loader_is_closed_whatever_its_first_batch(tmp_path):
    unfit, fit_for_two = Loader(5), Loader(8)
    with pytest.raises(ConfigError, match="a batch of 5 cannot be dealt out"):
        run_fit(tmp_path, make_experiment(1), lambda start: unfit)
    assert unfit.is_closed
    run_fit(tmp_path, make_experiment(1), lambda start: fit_for_two)
    assert fit_for_two.is_closed


def test_a_loader_that_ends_early_is_told(tmp_path):
    task = PlainTask()
    with pytest.raises(DataError, match="ended 3 batches early"):
        run_fit(
            tmp_path,
            make_experiment(5),
            lambda start: iter([fake_batch(task, 8), fake_batch(task, 8)]),
        )


def test_a_workdir_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file, expected a folder"):
        run_fit(tmp_path / "file" / "run", make_experiment(1))
