"""Training steps compiled for TPUs that are not here, by libtpu: make test-aot."""

import functools
import math
import pathlib
import subprocess
import sys

import jax
import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.training.ahead import cost_ahead, topology_devices
from spatialjax.training.optimizer import make_optimizer
from spatialjax.training.parallel import Strategy
from spatialjax.training.step import init_state
from tests.training import golden_ahead
from tests.training.runs import make_experiment

pytestmark = pytest.mark.aot

ROOT = pathlib.Path(__file__).parents[2]
RECORDS = {
    f"{found['config']}-{found['strategy']}": found for found in golden_ahead.read()
}


@functools.cache
def compiled(case_name):
    """What the compiler tells now."""
    (case,) = (
        case
        for case in golden_ahead.TOYS
        if case_name == f"{case.config}-{case.changes['parallel.strategy']}"
    )
    return golden_ahead.record(case)


def tiny(strategy=Strategy.DATA, rows=8, num_devices=None):
    data = DataConfig(batch_size=rows)
    return make_experiment(6, strategy, num_devices, data=data)


@pytest.mark.parametrize("config", ["pixels_toy", "ambix_toy"])
@pytest.mark.parametrize("strategy", ["data", "fsdp"])
def test_a_step_takes_what_was_recorded(config, strategy):
    name = f"{config}-{strategy}"
    found, golden = compiled(name), RECORDS[name]
    for same in ("device", "num_devices", "batch_size", "strategy", "collectives"):
        assert found[same] == golden[same], same
    sizes = golden["device_memory_gb"]
    assert found["device_memory_gb"] == pytest.approx(sizes, rel=0.1)
    assert found["device_flops"] == pytest.approx(golden["device_flops"], rel=0.1)


@pytest.mark.parametrize("name", RECORDS)
def test_what_was_recorded_fits(name):
    sizes = RECORDS[name]["device_memory_gb"]
    assert 0 < sizes["total"] < RECORDS[name]["device_hbm_gb"]


@pytest.mark.parametrize("name", RECORDS)
def test_exchanges_are_those_of_the_strategy(name):
    kinds = set(RECORDS[name]["collectives"])
    if RECORDS[name]["strategy"] == "data":
        assert kinds == {"all-reduce"}
    else:
        assert "all-gather" in kinds
        assert kinds & {"reduce-scatter", "all-reduce"}


@pytest.mark.parametrize("case", golden_ahead.CASES, ids=lambda case: case.config)
def test_the_state_takes_the_place_of_the_one_before(case):
    """Its arrays are donated; padded to whole tiles of a TPU, they take more."""
    made = case.experiment
    task, devices = made.task.build(), topology_devices(case.topology)
    variables = jax.eval_shape(task.init, jax.random.key(0))
    optimizer = make_optimizer(made.optimizer, variables, made.training.num_steps)
    state = jax.eval_shape(lambda v: init_state(v, optimizer), variables)
    shapes = made.parallel.build(devices).state_shapes(state)
    num_bytes = sum(
        math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize
        for x in jax.tree.leaves(shapes)
    )
    sizes = RECORDS[f"{made.name}-{made.parallel.strategy.value}"]["device_memory_gb"]
    assert -sizes["aliased"] >= num_bytes / 1e9
    assert sizes["outputs"] + sizes["aliased"] < 1e-5  # the report alone is new


@pytest.mark.parametrize("config", ["pixels_toy", "ambix_toy"])
def test_a_split_state_takes_less(config):
    split, copied = (
        RECORDS[f"{config}-{strategy}"]["device_memory_gb"]
        for strategy in ("fsdp", "data")
    )
    assert split["arguments"] < copied["arguments"] / 3


@pytest.mark.parametrize(
    ("topology", "device", "count"),
    [
        ("v5e:1x1", "TPU v5 lite", 1),
        ("v5e:4x4", "TPU v5 lite", 16),
        ("v4:2x2x2", "TPU v4", 8),  # eight chips of two cores each
        ("v5p:2x2x1", "TPU v5", 4),
        ("v6e:2x4", "TPU v6 lite", 8),
    ],
)
def test_a_topology_has_the_devices_of_its_name(topology, device, count):
    devices = topology_devices(topology)
    assert {found.device_kind for found in devices} == {device}
    assert len(devices) == count


@pytest.mark.parametrize("topology", ["v5e:3x5", "v9:2x2", "v5e:0x4"])
def test_a_topology_that_nobody_builds_is_one_line(topology):
    with pytest.raises(ConfigError, match=f"'{topology}' is none that libtpu kno") as e:
        topology_devices(topology)
    assert "\n" not in str(e.value)


def test_one_device_exchanges_nothing():
    assert cost_ahead(tiny(), "v5e:1x1").collectives == {}
    assert set(cost_ahead(tiny(), "v5e:2x2").collectives) == {"all-reduce"}


@pytest.mark.parametrize("strategy", [Strategy.DATA, Strategy.FSDP])
def test_what_does_not_fit_is_one_line(strategy):
    with pytest.raises(ConfigError, match=r"takes 2\d\.\d GB of each TPU v5 lite, whi"):
        cost_ahead(tiny(strategy, rows=8 * 10**8), "v5e:2x4")


@pytest.fixture
def keeps_programs(tmp_path):
    """A folder in which JAX keeps every program that it compiles."""
    settings = {
        "jax_compilation_cache_dir": str(tmp_path),
        "jax_persistent_cache_min_compile_time_secs": 0,
    }
    before = {name: jax.config.values[name] for name in settings}
    for name, value in settings.items():
        jax.config.update(name, value)
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)


def test_no_program_for_others_is_kept(keeps_programs):
    """JAX would keep it, and be unable to read it."""
    for _ in range(2):
        cost_ahead(tiny(), "v5e:2x2")
    assert not [path for path in keeps_programs.iterdir() if "train" in path.name]
    jax.jit(lambda x: x + 1)(1.0)
    assert list(keeps_programs.iterdir())  # the others are


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (("--topology=v5e:3x5",), "the topology 'v5e:3x5' is none that libtpu knows"),
        (
            ("--topology=v5e:4x4", "--config.data.batch_size=24"),
            "a batch of 24 cannot be dealt out to 16 devices in 1 parts; take a mul",
        ),
    ],
)
def test_the_program_says_one_line(words, last):
    command = (sys.executable, "-m", "launch.compile_ahead", "--config=pixels_toy")
    done = subprocess.run(
        [*command, *words], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"compile_ahead: {last}")
