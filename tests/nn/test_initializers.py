import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.nn.initializers import fan_in_uniform, he_fan_in, normal_around


def _draw(init, shape):
    return np.asarray(init(jax.random.key(0), shape, jnp.float32))


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
