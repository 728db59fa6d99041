"""How fast the compiled training step of an experiment runs, on a batch of noise."""

import math
import time
from dataclasses import dataclass

import jax
import numpy as np

from spatialjax.benchmarks.batches import make_noise_batch
from spatialjax.benchmarks.flops import Work, count_work
from spatialjax.benchmarks.peaks import device_peak
from spatialjax.data.loader import share_of_rows
from spatialjax.errors import ConfigError, check_positive
from spatialjax.tasks.base import Trainable
from spatialjax.tasks.cost import GB, memory_gb
from spatialjax.training import Experiment
from spatialjax.training.call import compile_call
from spatialjax.training.optimizer import Optimizer, make_optimizer
from spatialjax.training.parallel import Parallel
from spatialjax.training.run import check_parameters
from spatialjax.training.step import TrainState, init_state, make_train_step
from spatialjax.typing import Batch, PyTree

NUM_WARM = 2
"""Calls before the clock starts."""


@dataclass(frozen=True)
class StepSpeed:
    """What the steps of a run take, without reading data.

    Attributes:
      strategy, num_devices, batch_size, dtype, steps_per_call, num_micro_batches: what
        was measured; the batch is that of all devices.
      num_steps: that were timed.
      examples_per_s, examples_per_s_per_device: by the mean time of a step.
      audio_s_per_s: seconds of sound that are learnt from in a second.
      step_ms_p50, step_ms_p90, step_ms_p99: between the ends of calls, a step's share.
      compile_s: until the first call can begin, tracing included.
      memory_gb: arguments, results and temporaries of a device, of the compiler.
      peak_memory_gb: of a device, where it tells; None where an earlier measurement of
        the process held more.
      tflop_per_step: operations of all products as the network asks for them, in
        10^12; forms that compute the same with fewer do not change it.
      compiler_tflop_per_step: all operations of all devices as the compiler counts
        them; padding does not count. None where a call holds loops.
      tflop_per_s_per_device: `tflop_per_step` by the mean time.
      peak_tflop_per_s: of products on a device.
      peak_is_measured: by a large matrix product, where no data sheet is known.
      mfu: the share of the peak that is reached.
      roofline: the share that is reached of what limits of memory and of products
        leave to the products of a step, were all else free.
    """

    strategy: str
    num_devices: int
    batch_size: int
    dtype: str
    steps_per_call: int
    num_micro_batches: int
    num_steps: int
    examples_per_s: float
    examples_per_s_per_device: float
    audio_s_per_s: float
    step_ms_p50: float
    step_ms_p90: float
    step_ms_p99: float
    compile_s: float
    memory_gb: float | None
    peak_memory_gb: float | None
    tflop_per_step: float
    compiler_tflop_per_step: float | None
    tflop_per_s_per_device: float
    peak_tflop_per_s: float
    peak_is_measured: bool
    mfu: float
    roofline: float


def time_step(experiment: Experiment, num_calls: int) -> StepSpeed:
    """Compiles the training call of an experiment and times it; no data are read.

    As in training one call is under way while the host prepares the next.

    Args:
      experiment: gives task, batch size, optimizer and strategy.
      num_calls: to time, of ``training.steps_per_call`` steps each.

    Raises:
      ConfigError: the task has no loss, `num_calls` is less than 1, or the batch
        cannot be dealt out.
    """
    check_positive("num_calls", num_calls)
    task = build_trainable(experiment)
    parallel = experiment.parallel.build()
    variables = jax.jit(task.init)(jax.random.key(experiment.seed))
    optimizer = make_optimizer(
        experiment.optimizer, variables, experiment.training.num_steps
    )
    state = parallel.place(jax.jit(lambda v: init_state(v, optimizer))(variables))
    shapes = jax.eval_shape(lambda v: init_state(v, optimizer), variables)
    del variables
    batch = _place_batches(task, experiment, parallel)
    before_s = time.perf_counter()
    call = compile_call(task, optimizer, experiment, parallel, state, batch)
    compile_s = time.perf_counter() - before_s
    work = _count_step(task, optimizer, experiment, shapes)
    device = parallel.mesh.local_devices[0]
    peak_before_gb = _peak_memory_gb(device)
    times_s = _time_calls(call, state, batch, num_calls)
    peak_gb = _peak_memory_gb(device)
    if peak_gb == peak_before_gb:
        peak_gb = None
    return _summarise(
        experiment, task, parallel, call, work, times_s, compile_s, peak_gb
    )


def build_trainable(experiment: Experiment) -> Trainable:
    """The task of an experiment.

    Raises:
      ConfigError: it has no loss, or nothing to learn.
    """
    task = experiment.task.build()
    if not isinstance(task, Trainable):
        raise ConfigError(f"{type(task).__name__} has no loss, so it has no step")
    check_parameters(task)
    return task


def _place_batches(
    task: Trainable, experiment: Experiment, parallel: Parallel
) -> PyTree:
    """The batches of one call, as the feed of a run places them."""
    training = experiment.training
    share = share_of_rows(
        experiment.data.batch_size,
        jax.process_index(),
        jax.process_count(),
        training.num_micro_batches,
    )
    num_rows = len(share)
    rows = make_noise_batch(task.batch_spec, num_rows)
    parts = (training.num_micro_batches,) if training.num_micro_batches > 1 else ()
    lead = (training.steps_per_call, *parts)
    entries = {
        name: np.broadcast_to(
            entry.reshape(*parts, -1, *entry.shape[1:]),
            (*lead, num_rows // training.num_micro_batches, *entry.shape[1:]),
        )
        for name, entry in rows.items()
    }
    return parallel.place_batch(entries, len(lead))


def _count_step(
    task: Trainable, optimizer: Optimizer, experiment: Experiment, state: PyTree
) -> Work:
    """The products of one plain step on the whole batch."""
    batch: Batch = {
        name: jax.ShapeDtypeStruct(
            (experiment.data.batch_size, *spec.shape), np.dtype(spec.dtype)
        )
        for name, spec in task.batch_spec.items()
    }
    return count_work(make_train_step(task, optimizer, 0, None), state, batch)


def _time_calls(
    call: jax.stages.Compiled, state: TrainState, batch: PyTree, num_calls: int
) -> list[float]:
    """Seconds between the ends of successive calls."""
    ends_s, under_way = [], None
    for _ in range(NUM_WARM + num_calls + 1):
        state, report = call(state, batch)
        if under_way is not None:
            jax.block_until_ready(under_way)
            ends_s.append(time.perf_counter())
        under_way = report
    jax.block_until_ready(under_way)
    return list(np.diff(ends_s[-num_calls - 1 :]))


def _summarise(
    experiment: Experiment,
    task: Trainable,
    parallel: Parallel,
    call: jax.stages.Compiled,
    work: Work,
    times_s: list[float],
    compile_s: float,
    peak_memory_gb: float | None,
) -> StepSpeed:
    training, num_devices = experiment.training, parallel.num_devices
    dtype = getattr(experiment.task, "compute_dtype", "float32")
    device = parallel.mesh.local_devices[0]
    peak = device_peak(device, dtype)
    steps_s = np.array(times_s) / training.steps_per_call
    step_s, num_rows = float(steps_s.mean()), experiment.data.batch_size
    audio = task.batch_spec["audio"]
    examples_per_s = num_rows / step_s
    p50, p90, p99 = (1e3 * float(np.quantile(steps_s, q)) for q in (0.5, 0.9, 0.99))
    rate = work.flops / step_s / num_devices
    return StepSpeed(
        strategy=parallel.strategy.value,
        num_devices=num_devices,
        batch_size=num_rows,
        dtype=dtype,
        steps_per_call=training.steps_per_call,
        num_micro_batches=training.num_micro_batches,
        num_steps=len(times_s) * training.steps_per_call,
        examples_per_s=examples_per_s,
        examples_per_s_per_device=examples_per_s / num_devices,
        audio_s_per_s=examples_per_s * audio.shape[-1] / (audio.rate_hz or 1.0),
        step_ms_p50=p50,
        step_ms_p90=p90,
        step_ms_p99=p99,
        compile_s=compile_s,
        memory_gb=None if math.isnan(held_gb := memory_gb(call)) else held_gb,
        peak_memory_gb=peak_memory_gb,
        tflop_per_step=work.flops / 1e12,
        compiler_tflop_per_step=_compiler_tflop(call, experiment, num_devices),
        tflop_per_s_per_device=rate / 1e12,
        peak_tflop_per_s=peak.flops_per_s / 1e12,
        peak_is_measured=peak.is_measured,
        mfu=rate / peak.flops_per_s,
        roofline=work.least_s(peak) / num_devices / step_s,
    )


def _compiler_tflop(
    call: jax.stages.Compiled, experiment: Experiment, num_devices: int
) -> float | None:
    training = experiment.training
    if training.steps_per_call > 1 or training.num_micro_batches > 1:
        return None  # the compiler counts the body of a loop once
    found = call.cost_analysis()
    if not found or "flops" not in found:
        return None
    return float(found["flops"]) * num_devices / 1e12


def _peak_memory_gb(device: jax.Device) -> float | None:
    stats = device.memory_stats()
    if stats is None or "peak_bytes_in_use" not in stats:
        return None
    return float(stats["peak_bytes_in_use"]) / GB
