"""Cases that several tests of sound fields share."""

import numpy as np


def random_directions(count, seed=0):
    """Unit vectors, float64 [count, 3]."""
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def random_field(order, *leading, num_samples=16, seed=0):
    """Noise in every channel, float32 [*leading, c, t]."""
    shape = (*leading, (order + 1) ** 2, num_samples)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
