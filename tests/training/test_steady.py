"""After the first step nothing is compiled, sent along unasked, or kept."""

import gc
import tracemalloc

import jax
import pytest

from spatialjax.training.checkpoint import CheckpointConfig
from spatialjax.training.experiment import TrainingConfig
from spatialjax.training.parallel import Parallel, Strategy
from tests.training.runs import make_batches, make_experiment, run_fit

NUM_STEPS = 500
EARLY = 12  # after the first line of metrics
HALF = NUM_STEPS // 2  # by then the caches of JAX are full
COMPILED = "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compiled():
    """The names of what was compiled, a list that grows."""
    found = []

    def listen(event, duration_s, **about):
        if event == COMPILED:
            found.append(about)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield found
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize(
    "strategy",
    [
        Strategy.DATA,
        pytest.param(Strategy.FSDP, marks=pytest.mark.slow),
        pytest.param(Strategy.PMAP, marks=pytest.mark.slow),
    ],
)
def test_five_hundred_steps_leave_nothing_behind(tmp_path, strategy, compiled):
    seen = {}

    def look(step, batch):
        if step in (EARLY, HALF, NUM_STEPS - 1):
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
            arrays = jax.live_arrays()
            num_bytes = sum(array.nbytes for array in arrays)
            seen[step] = held, len(arrays), num_bytes, len(compiled)

    experiment = make_experiment(
        NUM_STEPS,
        strategy,
        training=TrainingConfig(NUM_STEPS, log_every_steps=10),
        checkpoint=CheckpointConfig(every_steps=NUM_STEPS),
    )
    tracemalloc.start()
    run_fit(tmp_path, experiment, make_batches(edit=look))
    tracemalloc.stop()
    half, late = seen[HALF], seen[NUM_STEPS - 1]
    assert late[3] == seen[EARLY][3] > 0
    assert late[1:] == half[1:]
    assert late[0] - half[0] < 100_000  # what Python holds, in bytes


def test_a_step_that_asks_the_host_is_refused(tmp_path, monkeypatch):
    """As one that is compiled anew for an array which the feed has not placed."""
    monkeypatch.setattr(Parallel, "place_batch", lambda self, batch, num_lead: batch)
    with pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed host-to-device"):
        run_fit(tmp_path, make_experiment(2))
