import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.nn import Functional
from spatialjax.nn.conv import conv
from spatialjax.nn.conv_transpose import ConvTranspose, conv_transpose, input_rows

CASES = [  # taps, strides
    ((7, 16), (4, 8)),
    ((3, 7), (2, 4)),
    ((3, 5), (2, 2)),
    ((3, 5), (1, 1)),
    ((2, 3), (3, 2)),
]


def _arrays(taps):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 5, 3)).astype(np.float32)
    kernel = rng.normal(size=(*taps, 4, 3)).astype(np.float32)
    return jnp.asarray(x), jnp.asarray(kernel)


def _reference(x, kernel, strides):
    """Every input place adds the kernel, weighed, where its stride puts it."""
    x, kernel = np.float64(x), np.float64(kernel)
    (b, h, w, _), (ty, tx, o, _), (sy, sx) = x.shape, kernel.shape, strides
    y = np.zeros((b, (h - 1) * sy + ty, (w - 1) * sx + tx, o))
    for row in range(h):
        for column in range(w):
            part = np.einsum("bi,yxoi->byxo", x[:, row, column], kernel)
            y[:, row * sy : row * sy + ty, column * sx : column * sx + tx] += part
    return y


@pytest.mark.parametrize(("taps", "strides"), CASES)
def test_equals_float64(taps, strides):
    x, kernel = _arrays(taps)
    got = jax.jit(conv_transpose, static_argnums=2)(x, kernel, strides)
    np.testing.assert_allclose(got, _reference(x, kernel, strides), atol=2e-5)


@pytest.mark.parametrize(("taps", "strides"), CASES)
def test_b16_is_the_adjoint_of_the_convolution(taps, strides):
    x, kernel = _arrays(taps)
    y = jax.jit(conv_transpose, static_argnums=2)(x, kernel, strides)
    forward = jax.jit(functools.partial(conv, kernel=kernel, strides=strides))
    convolved, adjoint = jax.vjp(forward, jnp.zeros_like(y))
    assert convolved.shape == x.shape
    np.testing.assert_allclose(y, adjoint(x)[0], atol=2e-5)


@pytest.mark.parametrize("rows", [(0, 1), (3, 9), (5, 6), (0, 17), (15, 17)])
def test_input_rows_are_those_that_matter(rows):
    x, kernel = _arrays((5, 3))
    x = jnp.tile(x, (1, 2, 1, 1))[:, :5]  # five rows to 5 + 4·3 = 17
    run = lambda x: conv_transpose(x, kernel, (3, 2))[:, slice(*rows)]  # noqa: E731
    first, end = input_rows(rows, 5, 3, 5)
    gradient = jax.grad(jax.jit(lambda x: jnp.square(run(x)).sum()))(x)
    matters = np.flatnonzero(np.abs(gradient).max((0, 2, 3)))
    assert (first, end) == (matters[0], matters[-1] + 1)


def _build(config, *, rngs):
    return ConvTranspose(3, 4, (3, 5), strides=(2, 2), dtype=config, rngs=rngs)


def test_module_adds_its_bias_and_computes_in_its_dtype():
    functional = Functional(_build, "bfloat16")
    params, state = functional.init(jax.random.key(0))
    assert params["kernel"].shape == (3, 5, 4, 3)
    assert params["kernel"].dtype == jnp.float32
    params["bias"] = params["bias"] + 1.0
    x, _ = _arrays((1, 1))
    y, _ = functional.apply(params, state, x)
    assert y.dtype == jnp.bfloat16
    expected = _reference(x, params["kernel"], (2, 2)) + 1.0
    np.testing.assert_allclose(np.asarray(y, np.float32), expected, atol=0.1)
