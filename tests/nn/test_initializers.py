import math

import jax
import numpy as np
import scipy.stats

from spatialjax.nn.initializers import (
    Draws,
    fan_in_uniform,
    glorot_uniform,
    he_fan_in,
    he_fan_out,
    normal_around,
    truncated_normal,
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


def test_glorot_uniform_fills_its_range():
    bound = (6 / (3 * 5 * (64 + 32))) ** 0.5
    for shape in ((3, 5, 64, 32), (3, 5, 32, 64)):
        values = _draw(glorot_uniform, shape)
        assert 0.99 * bound < values.max() <= bound
        assert -bound <= values.min() < -0.99 * bound


def test_truncated_normal_ends_at_two_deviations():
    values = _draw(truncated_normal(0.001), (512, 99)).astype(np.float64)
    assert 0.00199 < np.abs(values).max() <= 0.002
    expected = scipy.stats.truncnorm(-2, 2, scale=0.001)
    assert abs(values.std() / expected.std() - 1) < 0.01
    assert abs(expected.std() - 0.00088) < 1e-6
    assert scipy.stats.kstest(values.ravel(), expected.cdf).pvalue > 0.01
