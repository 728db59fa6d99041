"""Batches of noise in the form that a task takes."""

import numpy as np

from spatialjax.tasks.base import ArraySpec, BatchSpec
from spatialjax.typing import Batch, HostArray

LEVEL = 3000
"""Root mean square of the noise that is heard, of 32768."""


def make_noise_batch(spec: BatchSpec, num_rows: int, seed: int = 0) -> Batch:
    """Rows that are all valid, with sound, pictures, flow and gains of noise."""
    rng = np.random.default_rng(seed)
    return {
        name: _entry(name, array, num_rows, rng).astype(array.dtype)
        for name, array in spec.items()
    }


def _entry(
    name: str, array: ArraySpec, num_rows: int, rng: np.random.Generator
) -> HostArray:
    shape = (num_rows, *array.shape)
    if name == "audio":
        return (LEVEL * rng.standard_normal(shape, np.float32)).clip(-32768, 32767)
    if name == "images":
        return rng.integers(0, 256, shape, np.uint8)
    if name == "flow":
        return rng.standard_normal(shape, np.float32)
    if name == "example_id":
        return np.arange(num_rows)
    if name == "image_time_s":
        return np.zeros(shape)
    return np.ones(shape)  # gains, masks, truth, the class 1
