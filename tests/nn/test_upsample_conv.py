import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.nn.conv import conv
from spatialjax.nn.functional import Functional
from spatialjax.nn.upsample_conv import UpsampleConv, upsample_conv
from tests.nn import reference

SIDES = [(1, 1), (2, 3), (8, 8), (5, 16)]


def _arrays(sides):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *sides, 6)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 6, 4)).astype(np.float32)
    return jnp.asarray(x), jnp.asarray(kernel)


def _published_order(x, kernel):
    def interpolation(size):
        position = np.arange(2 * size) * (size - 1) / (2 * size - 1)
        distance = np.abs(position[:, None] - np.arange(size))
        return np.maximum(1.0 - distance, 0.0).astype(np.float32)

    rows, columns = map(interpolation, x.shape[1:3])
    upsampled = jnp.einsum("yh,xw,bhwc->byxc", rows, columns, x)
    return conv(upsampled, kernel, padding=1)


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("function", [upsample_conv, _published_order])
def test_value_equals_float64(sides, function):
    x, kernel = _arrays(sides)
    expected = reference.conv(reference.upsample(np.float64(x)), kernel, 1, 1)
    np.testing.assert_allclose(jax.jit(function)(x, kernel), expected, atol=2e-5)


@pytest.mark.parametrize("sides", SIDES)
def test_gradients_equal_the_published_order(sides, strict_dtypes):
    x, kernel = _arrays(sides)
    shape = upsample_conv(x, kernel).shape
    weight = jnp.asarray(np.random.default_rng(1).normal(size=shape), jnp.float32)

    @functools.partial(jax.jit, static_argnums=0)
    def gradients(function, x, kernel):
        return jax.vjp(function, x, kernel)[1](weight)

    pairs = (gradients(f, x, kernel) for f in (upsample_conv, _published_order))
    for got, expected in zip(*pairs, strict=True):
        scale = float(jnp.abs(expected).max())
        np.testing.assert_allclose(got, expected, atol=1e-5 * scale)


def _build(config, *, rngs):
    return UpsampleConv(6, 4, use_bias=True, dtype=config, rngs=rngs)


def test_module_adds_its_bias_in_its_dtype():
    functional = Functional(_build, "bfloat16")
    params, state = functional.init(jax.random.key(0))
    params["bias"] = jnp.arange(4.0)
    x, _ = _arrays((4, 4))
    y, _ = jax.jit(functional.apply)(params, state, x)
    assert y.dtype == jnp.bfloat16
    expected = jax.jit(upsample_conv)(x, params["kernel"]) + jnp.arange(4.0).reshape(
        1, 1, 1, 4
    )
    np.testing.assert_allclose(np.float32(y), expected, atol=0.15)
