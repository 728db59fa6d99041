"""What a training step takes of TPUs that are not here, as their compiler tells.

libtpu holds the compiler, which needs no chip. Nothing is run: memory, collectives and
FLOPs are those of the program that a pod would get.
"""

import importlib.metadata
import importlib.util
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
from jax.experimental import topologies
from jax.experimental.compilation_cache import compilation_cache

from spatialjax.errors import ConfigError
from spatialjax.evaluation import versions
from spatialjax.tasks.cost import GB
from spatialjax.training.call import compile_ahead
from spatialjax.training.experiment import Experiment
from spatialjax.training.parallel import Strategy

GIB = 2**30
HBM_GIB = {
    "TPU v2": 7.48,
    "TPU v3": 15.48,
    "TPU v4": 30.75,
    "TPU v5 lite": 15.75,
    "TPU v5": 95.74,
    "TPU v6 lite": 31.25,
    "TPU7x": 94.75,
}
"""What a program may take of the memory of a device, in 2^30 bytes: the limit that the
compiler of libtpu 0.0.42 states where one takes more."""

_ONE_DEVICE_A_CHIP = ("v4", "v5p")
"""Chips of two cores that JAX uses as one device."""

_ALONE = {
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}
"""The environment in which libtpu starts without asking anyone what machine this is,
and beside another process that has started it."""

_COLLECTIVE = re.compile(
    r" (all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter)"
    r"(?:-start)?\("
)
_TOO_MUCH = re.compile(r"([\d.]+)G\)? (?:exceeds available HBM \(|of )([\d.]+)G")


@dataclass(frozen=True)
class StepCost:
    """What one call of a compiled training step takes of one device."""

    device_kind: str  # as JAX names it: "TPU v5 lite" is a v5e
    num_devices: int
    argument_bytes: int  # the state, and the device's rows of the batch
    output_bytes: int  # the state after the step, and the report
    alias_bytes: int  # of the outputs, those that take the place of arguments
    temp_bytes: int
    code_bytes: int
    flops: float | None  # None: the backend does not tell; the body of a loop once
    collectives: dict[str, int]  # by kind, in the text of the program
    compile_s: float

    @property
    def memory_bytes(self) -> int:
        """All that is held at once."""
        kept = self.argument_bytes + self.output_bytes - self.alias_bytes
        return kept + self.temp_bytes + self.code_bytes

    @property
    def hbm_bytes(self) -> float | None:
        """What a program may take of the device; None for a kind without a figure."""
        known = HBM_GIB.get(self.device_kind)
        return None if known is None else known * GIB


def topology_devices(name: str) -> list[jax.Device]:
    """The devices of TPUs that need not be here, by a name such as ``"v5e:4x4"``.

    Raises:
      ConfigError: there are no such TPUs, or libtpu is not installed.
    """
    match = re.fullmatch(r"(\w+):(\d+(?:x\d+)*)", name)
    if match is None:
        raise ConfigError(
            f"the topology is {name!r}, expected a kind of TPU and its chips along "
            "each axis, as v5e:4x4 or v4:2x2x2"
        )
    if importlib.util.find_spec("libtpu") is None:
        raise ConfigError(
            "the compiler for TPUs is in libtpu, which is not installed here: install "
            "spatialjax[tpu]"
        )
    kind, sizes = match[1], {int(size) for size in match[2].split("x")}
    options: dict[str, Any] = {}
    if kind in _ONE_DEVICE_A_CHIP:
        options["chip_config_name"] = "megacore"
    if sizes == {1}:
        options["chips_per_host_bounds"] = (1, 1, 1)
    try:
        with _environment(_ALONE):
            found = topologies.get_topology_desc(name, "tpu", **options)
    except jax.errors.JaxRuntimeError as error:
        reason = str(error).splitlines()[0].partition(": ")[2]
        raise ConfigError(
            f"the topology {name!r} is none that libtpu knows: {reason}; "
            "expected one as v5e:4x4 or v4:2x2x2"
        ) from error
    return list(found.devices)


def cost_ahead(experiment: Experiment, topology: str | None = None) -> StepCost:
    """What a step of an experiment takes of a topology, or of the devices here if None.

    Raises:
      ConfigError: there is no such topology, it lacks the memory, or it and the config
        do not go together.
    """
    devices = jax.devices() if topology is None else topology_devices(topology)
    kind = devices[0].device_kind
    before_s = time.perf_counter()
    try:
        with _nothing_kept():
            compiled = compile_ahead(experiment, devices)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise ConfigError(_too_much(str(error), kind, experiment)) from error
    compile_s = time.perf_counter() - before_s
    return _step_cost(compiled, kind, compile_s)


def _step_cost(compiled: jax.stages.Compiled, kind: str, compile_s: float) -> StepCost:
    memory: Any = compiled.memory_analysis()
    costs = compiled.cost_analysis() or {}
    (sharding, *_) = jax.tree.leaves(compiled.input_shardings)
    return StepCost(
        device_kind=kind,
        num_devices=sharding.num_devices,
        argument_bytes=memory.argument_size_in_bytes,
        output_bytes=memory.output_size_in_bytes,
        alias_bytes=memory.alias_size_in_bytes,
        temp_bytes=memory.temp_size_in_bytes,
        code_bytes=memory.generated_code_size_in_bytes,
        flops=costs.get("flops"),
        collectives=count_collectives(compiled.as_text() or ""),
        compile_s=compile_s,
    )


def describe_cost(experiment: Experiment, cost: StepCost) -> dict[str, object]:
    """An experiment and the cost of its step as JSON can hold them; bytes in 10^9.

    The FLOPs are those of one device in one step, null where micro-batches make a
    loop: the compiler counts its body once.
    """
    parts = {
        "arguments": cost.argument_bytes,
        "outputs": cost.output_bytes,
        "aliased": -cost.alias_bytes,
        "temporaries": cost.temp_bytes,
        "program": cost.code_bytes,
        "total": cost.memory_bytes,
    }
    training, hbm_bytes = experiment.training, cost.hbm_bytes
    return {
        "config": experiment.name,
        "batch_size": experiment.data.batch_size,
        "strategy": experiment.parallel.strategy.value,
        "num_micro_batches": training.num_micro_batches,
        "steps_per_call": training.steps_per_call,
        "remat": training.remat.value,
        "device": cost.device_kind,
        "num_devices": cost.num_devices,
        "device_memory_gb": {name: size / GB for name, size in parts.items()},
        "device_hbm_gb": None if hbm_bytes is None else hbm_bytes / GB,
        "device_flops": None if training.num_micro_batches > 1 else cost.flops,
        "collectives": cost.collectives,
        "compile_s": round(cost.compile_s, 1),
        "versions": versions() | _compiler(),
    }


def _compiler() -> dict[str, str]:
    """The version of libtpu, where it is installed."""
    if importlib.util.find_spec("libtpu") is None:
        return {}
    return {"libtpu": importlib.metadata.version("libtpu")}


def count_collectives(text: str) -> dict[str, int]:
    """How often each kind of exchange between devices stands in a compiled program."""
    return dict(sorted(Counter(_COLLECTIVE.findall(text)).items()))


def _too_much(text: str, kind: str, experiment: Experiment) -> str:
    if sizes := _TOO_MUCH.search(text):
        asked, given = (float(size) * GIB / GB for size in sizes.groups())
        words = f"{asked:.1f} GB of each {kind}, which has {given:.1f} for a program"
    else:
        words = f"more than a {kind} has ({text.splitlines()[0][:200]})"
    is_split = experiment.parallel.strategy is Strategy.FSDP
    others = "training.remat" if is_split else "training.remat, parallel.strategy=fsdp"
    return (
        f"a step of batches of {experiment.data.batch_size} takes {words}; set "
        f"training.num_micro_batches, {others}, or take more chips"
    )


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """Lets JAX keep no compiled program.

    It would keep one for a topology as any other, and be unable to read it.
    """
    before = jax.config.values["jax_enable_compilation_cache"]
    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()  # which remembers whether it is in use
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)
        compilation_cache.reset_cache()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Sets variables that are not set, and takes them back."""
    added = {name: text for name, text in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
