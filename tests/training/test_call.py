"""A call compiled from shapes alone is the one that a run makes."""

import dataclasses

import jax
import numpy as np
import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.training.call import compile_ahead, compile_call, make_feed
from spatialjax.training.optimizer import make_optimizer
from spatialjax.training.parallel import Strategy
from spatialjax.training.step import init_state
from tests.training.runs import ROWS, make_batches, make_experiment


def experiment(strategy, **training):
    made = make_experiment(6, strategy, 4, data=DataConfig(batch_size=ROWS))
    made.training = dataclasses.replace(made.training, **training)
    return made


@pytest.mark.parametrize("strategy", [Strategy.DATA, Strategy.FSDP])
@pytest.mark.parametrize(
    "training", [{}, {"num_micro_batches": 2}, {"steps_per_call": 3}]
)
def test_it_takes_what_the_feed_gives(strategy, training):
    made = experiment(strategy, **training)
    task, parallel = made.task.build(), made.parallel.build()
    variables = task.init(jax.random.key(0))
    optimizer = make_optimizer(made.optimizer, variables, 6)
    feed = make_feed(task, made, parallel, make_batches(task)(0), 6)
    feed.advance()
    one, other = (parallel.place(init_state(variables, optimizer)) for _ in range(2))
    run = compile_call(task, optimizer, made, parallel, one, feed.current)
    found = compile_ahead(made)(other, feed.current)
    expected = run(one, feed.current)
    for a, b in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_cannot_be_compiled_ahead_is_refused():
    with pytest.raises(ConfigError, match="pmap compiles for arrays alone"):
        compile_ahead(experiment(Strategy.PMAP))
    with pytest.raises(ConfigError, match="a batch of 8 cannot be dealt out to 4 devi"):
        compile_ahead(experiment(Strategy.DATA, num_micro_batches=4))
