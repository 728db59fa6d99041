"""The state split over devices: where each array lies, and what that saves."""

import json
import math

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from spatialjax.errors import ConfigError
from spatialjax.training.parallel import ParallelConfig, Strategy
from tests.training import golden_shardings


def fsdp(num_shards=None, num_devices=8):
    return ParallelConfig(Strategy.FSDP, num_devices, num_shards).build()


@pytest.mark.parametrize(
    ("shape", "spec"),
    [
        ((3, 3, 512, 1024), (None, None, None, "fsdp")),
        ((3, 3, 1024, 512), (None, None, "fsdp")),
        ((64, 64), (None, "fsdp")),  # the last of equal axes
        ((63, 4096), (None, "fsdp")),
        ((8, 1001), ("fsdp",)),  # the longest that can be split
        ((63, 65), ()),
        ((4095,), ()),
        ((4096,), ("fsdp",)),
        ((8, 8), ()),  # small
        ((), ()),
    ],
)
def test_the_longest_axis_is_split(shape, spec):
    assert fsdp().state_sharding(shape).spec == PartitionSpec(*spec)


@pytest.mark.parametrize("num_shards", [2, 4, 8])
def test_a_device_holds_its_share(num_shards):
    parallel = fsdp(num_shards)
    kernel = np.arange(64 * 128, dtype=np.float32).reshape(64, 128)
    placed = parallel.place({"kernel": kernel, "bias": np.ones(128, np.float32)})
    parts = {shard.device: shard.data for shard in placed["kernel"].addressable_shards}
    assert {part.size for part in parts.values()} == {kernel.size // num_shards}
    assert placed["bias"].is_fully_replicated
    np.testing.assert_array_equal(parallel.fetch(placed)["kernel"], kernel)


def test_other_strategies_split_nothing():
    for strategy in (Strategy.DATA, Strategy.PMAP):
        sharding = ParallelConfig(strategy).build().state_sharding((4096, 4096))
        assert sharding.is_fully_replicated


def test_shards_that_do_not_divide_the_devices_are_refused():
    with pytest.raises(ConfigError, match="num_shards is 3, expected a divisor of the"):
        fsdp(3)
    with pytest.raises(ConfigError, match="num_shards is 2 under data"):
        ParallelConfig(num_shards=2).validate()
    with pytest.raises(ConfigError, match="num_shards is 0"):
        ParallelConfig(Strategy.FSDP, num_shards=0).validate()


@pytest.mark.parametrize("name", golden_shardings.CONFIGS)
def test_the_published_models_lie_as_before(name):
    golden = json.loads(golden_shardings.FILE.read_text())[name]
    found = golden_shardings.shardings(name)
    assert found == golden
    sizes = {
        path: math.prod(json.loads(text.split(" (")[0])) for path, text in found.items()
    }
    split = sum(sizes[path] for path, text in found.items() if "fsdp" in text)
    assert split > 0.99 * sum(sizes.values())


def test_a_step_keeps_the_state_split_and_needs_less_memory():
    kernel = np.ones((256, 256), np.float32) / 256

    def step(state, batch):
        y = batch["x"] @ state["kernel"]
        gradient = jax.grad(lambda k: ((batch["x"] @ k) ** 2).mean())(state["kernel"])
        return {"kernel": state["kernel"] - gradient}, {"mean": y.mean()}

    rows = {"x": np.ones((8, 256), np.float32)}
    taken = {}
    for parallel in (fsdp(), ParallelConfig().build()):
        placed = parallel.place({"kernel": kernel})
        batch = parallel.place_batch(rows)
        compiled = parallel.compile_step(step, placed, batch)
        state, _ = compiled(placed, batch)
        assert state["kernel"].sharding == parallel.state_sharding((256, 256))
        taken[parallel.strategy] = compiled.memory_analysis().argument_size_in_bytes
    assert taken[Strategy.FSDP] < taken[Strategy.DATA] / 6
