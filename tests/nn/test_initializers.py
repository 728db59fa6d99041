import math

import jax
import numpy as np

from spatialjax.nn.initializers import (
    Draws,
    fan_in_uniform,
    he_fan_in,
    he_fan_out,
    normal_around,
)


def _draw(init, shape):
    key = jax.random.key(0)
    return np.asarray(init(Draws(key, Draws.vector(key, math.prod(shape))), shape))


def test_draws_share_one_vector():
    key = jax.random.key(0)
    draws = Draws(key, Draws.vector(key, 10_000))
    first, second = draws.uniform((50, 100)), draws.normal((5000,))
    assert draws.num_drawn == 10_000
    assert abs(np.corrcoef(np.ravel(first), second)[0, 1]) < 0.05
    assert np.abs(first).max() < 1.0
    assert abs(np.std(second) - 1.0) < 0.03
    assert not np.array_equal(*map(jax.random.key_data, (draws.params(), key)))


def test_draws_without_a_vector_are_counted():
    draws = Draws(jax.random.key(0))
    assert draws.normal((3, 4)).shape == (3, 4)
    assert draws.num_drawn == 12


def test_fan_in_uniform_fills_its_range():
    values = _draw(fan_in_uniform(1152), (3, 3, 128, 8))
    assert 0.0290 < values.max() <= 1152**-0.5
    assert -(1152**-0.5) <= values.min() < -0.0290


def test_normal_around():
    values = _draw(normal_around(1.0, 0.02), (20_000,))
    assert abs(values.mean() - 1.0) < 1e-3
    assert abs(values.std() - 0.02) < 1e-3


def test_he_fan_in_has_variance_two_over_fan_in():
    values = _draw(he_fan_in, (4, 4, 64, 32))
    assert abs(values.var() * (4 * 4 * 64) - 2.0) < 0.1


def test_he_fan_out_has_variance_two_over_fan_out():
    values = _draw(he_fan_out, (4, 4, 64, 32))
    assert abs(values.var() * (4 * 4 * 32) - 2.0) < 0.1
