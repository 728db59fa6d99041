import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.nn.activations import Activation, Pooling, activate, pool

X = np.array([[-2.0, 0.0, 0.5], [1.0, 2.0, 3.0]])
EXPECTED = {
    Activation.NONE: X,
    Activation.SIGMOID: 1 / (1 + np.exp(-X)),
    Activation.SOFTMAX: np.exp(X) / np.exp(X).sum(-1, keepdims=True),
    Activation.RELU: np.maximum(X, 0),
    Activation.TANH: np.tanh(X),
    Activation.ABSTANH: np.abs(np.tanh(X)),
}


@pytest.mark.parametrize("activation", Activation)
def test_activation(activation):
    got = activate(jnp.asarray(X, jnp.float32), activation)
    np.testing.assert_allclose(got, EXPECTED[activation], atol=1e-6)


def test_pooling_takes_its_axes_together():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    got = [pool(jnp.asarray(x), (1, 2), kind) for kind in (Pooling.MAX, Pooling.MEAN)]
    np.testing.assert_allclose(got[0], x.max((1, 2)))
    np.testing.assert_allclose(got[1], x.mean((1, 2)), atol=1e-6)
