"""Cases that several tests of sound fields share."""

import numpy as np

from spatialjax.ambisonics.harmonics import spherical_harmonics


def random_directions(count, seed=0):
    """Unit vectors, float64 [count, 3]."""
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def random_field(order, *leading, num_samples=16, seed=0):
    """Noise in every channel, float32 [*leading, c, t]."""
    shape = (*leading, (order + 1) ** 2, num_samples)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def plane_waves(signal, direction, order):
    """Fields, float32 [n, c, t], of signals [t] or [n, t] from n directions [n, 3]."""
    gains = spherical_harmonics(np.asarray(direction, np.float64), order)
    return np.float32(gains[..., None] * np.asarray(signal)[..., None, :])
