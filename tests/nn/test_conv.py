import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.nn.conv import SAME, Conv, conv
from spatialjax.nn.functional import Functional
from tests.nn import reference

CASES = [  # size, stride, padding, dilation
    (3, 1, 1, 1),
    (3, 2, 1, 1),
    (4, 2, 1, 1),
    (7, 2, 3, 1),
    (1, 2, 0, 1),
    (3, 1, 2, 2),
]


def _arrays(size, shape=(2, 9, 8, 3), outputs=4):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    kernel = rng.normal(size=(size, size, shape[-1], outputs)).astype(np.float32)
    return jnp.asarray(x), jnp.asarray(kernel)


@pytest.mark.parametrize(("size", "stride", "padding", "dilation"), CASES)
def test_conv_equals_float64(size, stride, padding, dilation):
    x, kernel = _arrays(size)
    expected = reference.conv(x, kernel, stride, padding, dilation)
    got = jax.jit(conv, static_argnums=(2, 3, 4))(x, kernel, stride, padding, dilation)
    np.testing.assert_allclose(got, expected, atol=2e-5)


@pytest.mark.parametrize(("size", "stride"), [(7, 2), (3, 2), (3, 1), (1, 2), (4, 3)])
def test_same_padding_stands_behind_where_it_is_odd(size, stride):
    x, kernel = _arrays(size)
    pads = []
    for places in x.shape[1:3]:  # TensorFlow's rule
        total = max((-(-places // stride) - 1) * stride + size - places, 0)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, [(0, 0), *pads, (0, 0)])
    expected = reference.conv(padded, kernel, stride)
    np.testing.assert_allclose(conv(x, kernel, stride, SAME), expected, atol=2e-5)


def test_conv_has_any_rank():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(1, 4, 5, 6, 2)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(3, 1, 1, 2, 3)), jnp.float32)
    y = conv(x, kernel, (2, 1, 1), (1, 0, 0))
    expected = conv(x.reshape(1, 4, 30, 2), kernel[:, :, 0], (2, 1), (1, 0))
    np.testing.assert_allclose(y.reshape(1, 2, 30, 3), expected, atol=1e-5)
    line = conv(x[0, :, :, 0], kernel[:, 0, 0], 1, 1)
    assert line.shape == (4, 5, 3)


def _build(config, *, rngs):
    return Conv(3, 4, (3, 3), dilation=2, use_bias=True, dtype=config, rngs=rngs)


def test_module_keeps_the_places_and_computes_in_its_dtype():
    functional = Functional(_build, "bfloat16")
    params, state = functional.init(jax.random.key(0))
    x, _ = _arrays(3)
    params["bias"] = params["bias"] + 1.0
    y, _ = functional.apply(params, state, x)
    assert y.shape == (2, 9, 8, 4)
    assert y.dtype == jnp.bfloat16
    assert params["kernel"].dtype == jnp.float32
    expected = reference.conv(x, params["kernel"], 1, 2, 2, params["bias"])
    np.testing.assert_allclose(np.asarray(y, np.float32), expected, atol=0.1)
