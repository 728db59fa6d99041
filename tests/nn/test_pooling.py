import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.nn.conv import SAME
from spatialjax.nn.pooling import max_pool
from tests.nn import reference


@pytest.mark.parametrize("sides", [(8, 8), (7, 9), (1, 2)])
def test_negative_pictures_pool_against_minus_infinity(sides):
    x = -1.0 - np.random.default_rng(0).random((2, *sides, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        jax.jit(max_pool)(jnp.asarray(x)), reference.max_pool(x)
    )


def test_same_padding_stands_behind_where_it_is_odd():
    x = -1.0 - np.random.default_rng(0).random((2, 8, 9, 3)).astype(np.float32)
    pads = ((0, 0), (0, 1), (1, 1), (0, 0))
    padded = np.pad(x, pads, constant_values=-np.inf)
    expected = reference.max_pool(padded, padding=0)
    assert expected.shape == (2, 4, 5, 3)
    np.testing.assert_array_equal(max_pool(jnp.asarray(x), padding=SAME), expected)


def test_gradient_goes_to_the_maximum():
    x = jnp.asarray(np.random.default_rng(0).permutation(64), jnp.float32)
    x = x.reshape(1, 8, 8, 1)
    gradient = jax.jit(jax.grad(lambda x: max_pool(x).sum()))(x)
    windows = np.asarray(max_pool(x)).ravel()
    expected = np.array([(windows == value).sum() for value in np.ravel(x)])
    np.testing.assert_array_equal(gradient.ravel(), expected)
