"""The real task on one device and on eight, under each strategy."""

import json

import jax
import numpy as np
import pytest

from spatialjax.training import Experiment, ParallelConfig, Strategy, TrainingConfig
from spatialjax.training.checkpoint import CheckpointConfig
from spatialjax.training.optimizer import OptimizerConfig
from tests.tasks.test_pixels import small_config
from tests.training.runs import make_batches, run_fit

NUM_STEPS = 5


def experiment(strategy, num_devices, num_steps=NUM_STEPS):
    return Experiment(
        task=small_config(sound_width=2, frame_widths=(2, 4)),
        optimizer=OptimizerConfig(learning_rate=0.01),
        training=TrainingConfig(num_steps, log_every_steps=1),
        parallel=ParallelConfig(strategy, num_devices),
        checkpoint=CheckpointConfig(every_steps=3),
    )


def train(workdir, *words):
    """The losses of a run, or of the rest of it, and where it ended."""
    config = experiment(*words)
    result = run_fit(workdir, config, make_batches(config.task.build()))
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return np.array([json.loads(line)["loss"] for line in lines]), result.variables


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return train(tmp_path_factory.mktemp("reference"), Strategy.DATA, 1)


def check_same(found, reference):
    losses, variables = found
    assert losses.shape == (NUM_STEPS,)
    np.testing.assert_allclose(losses, reference[0], atol=1e-5)
    for one, other in zip(
        jax.tree.leaves(variables), jax.tree.leaves(reference[1]), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_the_reference_learns(reference):
    assert np.isfinite(reference[0]).all()
    assert np.ptp(reference[0]) > 1e-4


@pytest.mark.parametrize(
    ("strategy", "num_devices"),
    [
        (Strategy.DATA, 8),
        (Strategy.FSDP, 8),
        (Strategy.PMAP, 8),
        pytest.param(Strategy.PMAP, 1, marks=pytest.mark.slow),
    ],
)
def test_the_same_losses(tmp_path, reference, strategy, num_devices):
    check_same(train(tmp_path, strategy, num_devices), reference)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Strategy.PMAP, Strategy.DATA),
        (Strategy.DATA, Strategy.FSDP),
        *(
            pytest.param(*pair, marks=pytest.mark.slow)
            for pair in [
                (Strategy.DATA, Strategy.PMAP),
                (Strategy.FSDP, Strategy.DATA),
                (Strategy.FSDP, Strategy.PMAP),
                (Strategy.PMAP, Strategy.FSDP),
            ]
        ),
    ],
)
def test_a_checkpoint_goes_on_under_another(tmp_path, reference, first, second):
    train(tmp_path, first, 8, 3)
    check_same(train(tmp_path, second, 8), reference)
