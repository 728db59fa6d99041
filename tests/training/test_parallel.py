import jax
import numpy as np
import pytest

from spatialjax.errors import ConfigError
from spatialjax.tasks.base import Variables
from spatialjax.training.parallel import ParallelConfig, Strategy
from tests.fakes import fake_batch
from tests.training.runs import PlainTask

STRATEGIES = list(Strategy)
TREE = {"kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3), "step": np.int32(4)}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("num_devices", [1, 2, 8])
def test_fetch_undoes_place(strategy, num_devices):
    parallel = ParallelConfig(strategy, num_devices).build()
    placed = parallel.place(TREE)
    assert len(placed["kernel"].devices()) == num_devices == parallel.num_devices
    jax.tree.map(np.testing.assert_array_equal, parallel.fetch(placed), TREE)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_batch_is_dealt_out_in_order(strategy):
    parallel = ParallelConfig(strategy, 4).build()
    rows = np.arange(16, dtype=np.int32).reshape(8, 2)
    placed = parallel.place_batch({"rows": rows})["rows"]
    for i, shard in enumerate(placed.addressable_shards):
        own = np.asarray(shard.data).reshape(2, 2)
        np.testing.assert_array_equal(own, rows[2 * i : 2 * i + 2])


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("num_devices", [1, 8])
def test_donation_breaks_neither_the_caller_nor_a_copy(strategy, num_devices):
    parallel = ParallelConfig(strategy, num_devices).build()
    given = jax.device_put({"x": np.ones(3, np.float32)}, jax.devices()[0])
    host = {"x": np.ones(3, np.float32)}
    for caller in (given, host):
        placed = parallel.place(caller)
        batch = parallel.place_batch({"y": np.ones((8, 3), np.float32)})
        step = parallel.compile_step(
            lambda s, b: (
                {"x": s["x"] + b["y"].mean(tuple(range(b["y"].ndim - 1)))},
                {},
            ),
            placed,
            batch,
        )
        copy = parallel.fetch(placed)
        after, _ = step(placed, batch)
        assert placed["x"].is_deleted()
        np.testing.assert_array_equal(caller["x"], np.ones(3))
        np.testing.assert_array_equal(copy["x"], np.ones(3))
        np.testing.assert_array_equal(parallel.fetch(after)["x"], 2 * np.ones(3))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("num_devices", "rows"), [(1, 8), (8, 8), (8, 5), (2, 7)])
def test_the_evaluation_step_gives_every_row(strategy, num_devices, rows):
    task, key = PlainTask(), jax.random.key(0)
    variables, batch = task.init(key), fake_batch(task, rows)
    expected = task.predict(variables, batch, key)
    parallel = ParallelConfig(strategy, num_devices).build()
    step = parallel.eval_step(task)
    outputs, scores = step(Variables(*parallel.place(variables)), batch, key)
    for name, value in expected.items():
        assert outputs[name].shape == value.shape
        np.testing.assert_allclose(outputs[name], value, rtol=1e-6)
    for name, score in task.measure(expected, batch).items():
        np.testing.assert_allclose(scores[name].value, score.value, rtol=1e-6)
        assert scores[name].weight.shape == score.weight.shape


def test_the_axes_are_auto():
    mesh = ParallelConfig().build().mesh
    assert mesh.axis_types == (jax.sharding.AxisType.Auto,)


def test_rows_that_cannot_be_dealt_out_are_refused():
    parallel = ParallelConfig(num_devices=8).build()
    with pytest.raises(ConfigError, match=r"a batch of 6 cannot .* multiple of 8"):
        parallel.place_batch({"rows": np.zeros((6, 2))})


@pytest.mark.parametrize("count", [0, 9])
def test_a_wrong_number_of_devices_is_refused(count):
    config = ParallelConfig(num_devices=count)
    with pytest.raises(ConfigError, match="num_devices"):
        config.validate() if count == 0 else config.build()
