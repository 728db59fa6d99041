import jax.numpy as jnp
import numpy as np

from spatialjax.models import interpolate_in_time
from spatialjax.models.field import relative_level


def test_is_numpys_interpolation():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 4, 5)).astype(np.float32)
    times_s = np.sort(rng.normal(size=(3, 5)), axis=1).astype(np.float32)
    at_s = np.linspace(-3, 3, 40).astype(np.float32)
    found = interpolate_in_time(*map(jnp.asarray, (values, times_s, at_s)))
    for b in range(3):
        for i in range(4):
            expected = np.interp(at_s, times_s[b], values[b, i])
            np.testing.assert_allclose(found[b, i], expected, atol=1e-5)


def test_one_picture_holds():
    found = interpolate_in_time(jnp.ones((2, 3, 1)), jnp.zeros((2, 1)), jnp.arange(4.0))
    np.testing.assert_array_equal(found, np.ones((2, 3, 4)))


def test_a_picture_that_stands_in_for_others_counts_once():
    values = jnp.array([[1.0, 1.0, 3.0]])
    found = interpolate_in_time(
        values, jnp.array([[0.0, 0.0, 1.0]]), jnp.array([-1.0, 0.0, 0.5, 2.0])
    )
    np.testing.assert_allclose(found[0], [1.0, 1.0, 2.0, 3.0])


def test_levels_are_those_above_the_mean_whatever_the_gain():
    rows = np.random.default_rng(0).random((2, 6, 5)).astype(np.float32) + 0.1
    expected = np.log(rows / rows.mean((1, 2), keepdims=True) + 0.02)
    for gain in (1.0, 1e-3):
        found = relative_level(jnp.asarray(gain * rows))
        np.testing.assert_allclose(found, expected, atol=2e-3)
    np.testing.assert_allclose(
        relative_level(jnp.zeros((1, 6, 5))), np.log(1.02), rtol=1e-4
    )
