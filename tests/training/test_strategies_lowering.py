"""The step under each strategy, lowered for accelerators that need not be here."""

import jax
import pytest

from spatialjax.training.optimizer import make_optimizer
from spatialjax.training.parallel import Strategy
from spatialjax.training.remat import Remat
from spatialjax.training.step import init_state, make_train_step
from tests.tasks.test_pixels import small_config
from tests.training.runs import make_batches, make_experiment


def lower(strategy, platform, num_micro_batches=1, remat=Remat.NONE):
    experiment = make_experiment(2, strategy, 8, task=small_config(sound_width=16))
    task = experiment.task.build()
    variables = task.init(jax.random.key(0))
    optimizer = make_optimizer(experiment.optimizer, variables, 2)
    parallel = experiment.parallel.build()
    state = parallel.place(init_state(variables, optimizer))
    rows = next(make_batches(task, 8 * num_micro_batches)(0))
    if num_micro_batches > 1:
        rows = {
            name: entry.reshape(num_micro_batches, 8, *entry.shape[1:])
            for name, entry in rows.items()
        }
    batch = parallel.place_batch(rows, int(num_micro_batches > 1))
    step = make_train_step(
        task,
        optimizer,
        0,
        parallel.axis,
        num_micro_batches=num_micro_batches,
        remat=remat,
    )
    program = parallel.program(step, state)
    if strategy is Strategy.PMAP:  # which itself lowers for what is here alone
        program = jax.jit(program)
    traced = program.trace(state, batch)
    return traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
@pytest.mark.parametrize("strategy", list(Strategy))
def test_each_strategy_lowers(strategy, platform):
    text = lower(strategy, platform)
    assert "convolution" in text
    if strategy is Strategy.PMAP:
        assert "all_reduce" in text
        return
    # The state is donated: each of its buffers becomes one of the results.
    assert text.count("tf.aliasing_output") >= 60
    assert ('"fsdp"}' in text.split("func.func")[1]) == (strategy is Strategy.FSDP)


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_micro_batches_with_rematerialisation_lower(platform):
    text = lower(Strategy.DATA, platform, 2, Remat.BLOCKS)
    assert "stablehlo.while" in text
    assert "optimization_barrier" in text
