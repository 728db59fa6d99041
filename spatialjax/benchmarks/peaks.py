"""What devices could do: vendors' data sheets, or a measurement where none is known."""

import functools
import re
from typing import NamedTuple

import jax
import jax.numpy as jnp

from spatialjax.benchmarks.timing import time_calls

NUM_TRIALS = 5
SIDE = 2048
"""Of the matrices that are multiplied where no peak is known, at least."""
LEAST_S = 0.01
"""That a product takes, at least, so that its start does not count."""
NUM_VALUES = 2**26
"""Of the array that is read and written there, larger than caches."""


class Peak(NamedTuple):
    """Limits of one device as JAX counts them.

    Attributes:
      flops_per_s: of dense products in a dtype.
      bytes_per_s: to and from its memory.
      is_measured: by `measure_peak`, rather than of a data sheet.
    """

    flops_per_s: float
    bytes_per_s: float
    is_measured: bool = False


class _Sheet(NamedTuple):
    """10^12 operations a second of dense products, and 10^12 bytes a second.

    `float32` is as JAX multiplies by default: one pass of bfloat16 on a TPU, TF32 on a
    GPU that has it. A TPU v2 or v3 counts as two devices, its cores.
    """

    bfloat16_tflop_per_s: float
    float32_tflop_per_s: float
    memory_tb_per_s: float


SHEETS = {
    "TPU v2": _Sheet(22.5, 22.5, 0.35),
    "TPU v3": _Sheet(61.5, 61.5, 0.45),
    "TPU v4": _Sheet(275, 275, 1.2),
    "TPU v5 lite": _Sheet(197, 197, 0.82),
    "TPU v5": _Sheet(459, 459, 2.77),
    "TPU v5p": _Sheet(459, 459, 2.77),
    "TPU v6 lite": _Sheet(918, 918, 1.64),
    "Tesla V100": _Sheet(125, 15.7, 0.9),
    "Tesla T4": _Sheet(65, 8.1, 0.32),
    "NVIDIA L4": _Sheet(121, 60, 0.3),
    "NVIDIA L40": _Sheet(181, 90, 0.86),
    "NVIDIA L40S": _Sheet(362, 183, 0.86),
    "NVIDIA A100": _Sheet(312, 156, 1.56),
    "NVIDIA H100 PCIe": _Sheet(756, 378, 2.0),
    "NVIDIA H100 NVL": _Sheet(835, 417, 3.9),
    "NVIDIA H100": _Sheet(989, 494, 3.35),
    "NVIDIA H200": _Sheet(989, 494, 4.8),
}
"""By the first words of `jax.Device.device_kind`; where several fit, the longest.

Of cards in several forms the one for servers with the least memory counts. V100 and T4
multiply float16, and no bfloat16, at the first rate.
"""


def device_peak(device: jax.Device, dtype: str) -> Peak:
    """The limits of a device: known, or else measured.

    Those of a CPU share what its processor does.
    """
    peak = known_peak(device.device_kind, dtype)
    if peak is not None:
        return peak
    peak = measure_peak(dtype)
    count = jax.local_device_count() if device.platform == "cpu" else 1
    return Peak(peak.flops_per_s / count, peak.bytes_per_s / count, True)


def known_peak(device_kind: str, dtype: str) -> Peak | None:
    """The limits of a device by its data sheet; None where it is not in `SHEETS`.

    A part of a card (MIG) is in none.
    """
    begins = [kind for kind in SHEETS if re.match(rf"{kind}(?!\w)", device_kind)]
    if not begins or " MIG" in device_kind:
        return None
    sheet = SHEETS[max(begins, key=len)]
    is_short = dtype == "bfloat16"
    flops = sheet.bfloat16_tflop_per_s if is_short else sheet.float32_tflop_per_s
    return Peak(flops * 1e12, sheet.memory_tb_per_s * 1e12)


@functools.cache
def measure_peak(dtype: str) -> Peak:
    """What the first device does: a large matrix product, and a pass over an array.

    Measured once, so that what is told as a share of it can be compared.
    """
    side, product_s = SIDE // 2, 0.0
    while product_s < LEAST_S:
        side *= 2
        matrix = jnp.ones((side, side), dtype)
        product_s = min(time_calls(jax.jit(jnp.matmul), NUM_TRIALS, matrix, matrix))
    values = jnp.ones(NUM_VALUES, jnp.float32)
    pass_s = min(time_calls(jax.jit(jnp.negative), NUM_TRIALS, values))
    return Peak(2.0 * side**3 / product_s, 2.0 * values.nbytes / pass_s, True)
