"""What a step takes, from its compiled program; without a compiler for TPUs."""

import dataclasses
import importlib.util
import json
import pathlib

import jax
import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.training import ahead
from spatialjax.training.ahead import (
    cost_ahead,
    count_collectives,
    describe_cost,
    topology_devices,
)
from spatialjax.training.parallel import Strategy
from tests.launch.programs import program
from tests.training import golden_ahead
from tests.training.runs import ROWS, make_experiment

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "scaling.md"


def experiment(strategy=Strategy.DATA, rows=ROWS, num_devices=8, **training):
    data = DataConfig(batch_size=rows)
    made = make_experiment(6, strategy, num_devices, data=data)
    made.training = dataclasses.replace(made.training, **training)
    return made


def test_the_figures_are_those_of_the_program(monkeypatch):
    made, programs = experiment(), []
    compile_ahead = ahead.compile_ahead
    monkeypatch.setattr(
        ahead,
        "compile_ahead",
        lambda *args: programs.append(compile_ahead(*args)) or programs[-1],
    )
    cost = cost_ahead(made)
    assert (cost.device_kind, cost.num_devices) == ("cpu", 8)
    memory = programs[0].memory_analysis()
    assert cost.argument_bytes == memory.argument_size_in_bytes > 0
    assert cost.memory_bytes == (
        memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        - memory.alias_size_in_bytes
        + memory.temp_size_in_bytes
        + memory.generated_code_size_in_bytes
    )
    assert set(cost.collectives) == {"all-reduce"}
    found = json.loads(json.dumps(describe_cost(made, cost)))
    assert found["device_flops"] == cost.flops > 0
    assert found["device_hbm_gb"] is None
    sizes = found["device_memory_gb"]
    total = sizes.pop("total")
    assert sum(sizes.values()) == pytest.approx(total)


def test_flops_that_a_loop_hides_are_not_told():
    made = experiment(num_devices=1, num_micro_batches=2)
    cost = cost_ahead(made)
    assert (cost.num_devices, cost.collectives) == (1, {})
    assert describe_cost(made, cost)["device_flops"] is None


def test_collectives_are_counted_by_kind():
    text = """
  %a = f32[4]{0} all-reduce-start(%p), replica_groups={}
  %b = f32[4]{0} all-reduce-done(%a)
  %c = (f32[4]{0}, f32[8]{0}) all-gather-start(%b), metadata={op_name="all-reduce("}
  %all-to-all.1 = f32[4]{0} all-to-all(%c)
  ROOT %d = f32[4]{0} all-reduce(%all-reduce.7)
"""
    found = count_collectives(text)
    assert found == {"all-gather": 1, "all-reduce": 2, "all-to-all": 1}


def test_without_libtpu_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"libtpu, .*: install spatialjax\[tpu\]$"):
        cost_ahead(experiment(), "v5e:2x4")


@pytest.mark.parametrize("name", ["", "v5e", "v5e-8", "v5e:", "v5e:2x", "v5e:2x4:3"])
def test_a_topology_is_a_kind_and_sizes(name):
    with pytest.raises(ConfigError, match=r"the topology is '.*', expected a kind of"):
        topology_devices(name)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (Strategy.DATA, "num_micro_batches, training.remat, parallel.strategy=fsdp, o"),
        (Strategy.FSDP, "num_micro_batches, training.remat, or take more chips"),
    ],
)
def test_too_little_memory_is_one_line(monkeypatch, strategy, words):
    def fail(*_):
        raise jax.errors.JaxRuntimeError(
            "RESOURCE_EXHAUSTED: Ran out of memory on HBM, the total memory required "
            "for HLO temporaries (20.00G) exceeds available HBM (10.00G).\nmore"
        )

    monkeypatch.setattr(ahead, "compile_ahead", fail)
    with pytest.raises(ConfigError) as caught:
        cost_ahead(experiment(strategy))
    expected = "a step of batches of 8 takes 21.5 GB of each cpu, which has 10.7 for a"
    assert str(caught.value).startswith(expected)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_defect_of_the_compiler_stays_one(monkeypatch):
    def fail(*_):
        raise jax.errors.JaxRuntimeError("INTERNAL: it broke")

    monkeypatch.setattr(ahead, "compile_ahead", fail)
    with pytest.raises(jax.errors.JaxRuntimeError, match="it broke"):
        cost_ahead(experiment())


def test_the_program_prints_one_object(tmp_path, monkeypatch, capsys):
    devices = jax.devices()
    monkeypatch.setattr(ahead, "topology_devices", lambda name: devices)
    output = tmp_path / "cost.json"
    values = {"topology": "v5e:2x4", "output": str(output)}
    with program("compile_ahead", **values) as compile_ahead:
        compile_ahead.main(experiment())
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(output.read_text())
    assert (found["topology"], found["num_devices"]) == ("v5e:2x4", 8)
    assert found["batch_size"] == ROWS


def test_the_page_shows_what_was_recorded():
    records = golden_ahead.read()
    assert [(r["config"], r["topology"]) for r in records] == [
        (case.config, case.topology) for case in golden_ahead.CASES
    ]
    assert golden_ahead.table(records) in PAGE.read_text()
