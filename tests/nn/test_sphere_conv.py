import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.nn import Functional, SphereConv


def build(taps, stride):
    def module(config, rngs):
        return SphereConv(2, 3, taps, stride=stride, use_bias=True, rngs=rngs)

    return Functional(module, (taps, stride))


@pytest.mark.parametrize(("taps", "stride"), [(3, 1), (5, 1), (4, 2)])
def test_rolling_the_input_rolls_the_result(taps, stride):
    net = build(taps, stride)
    variables = net.init(jax.random.key(0))
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 8, 16, 2)), jnp.float32)
    plain, _ = net.apply(*variables, x)
    rolled, _ = net.apply(*variables, jnp.roll(x, 3 * stride, axis=2))
    assert plain.shape == (1, 8 // stride, 16 // stride, 3)
    np.testing.assert_allclose(rolled, jnp.roll(plain, 3, axis=2), atol=1e-5)


def test_the_far_side_of_a_pole_is_near():
    """A point in the top row reaches the top row opposite to it, and nothing else."""
    net = build(3, 1)
    params, state = net.init(jax.random.key(0))
    x = jnp.zeros((1, 8, 16, 2)).at[0, 0, 4].set(1.0)
    reached = np.abs(net.apply(params, state, x)[0]).max(-1)[0] > 1e-6
    assert {tuple(i) for i in np.argwhere(reached).tolist()} == {
        (row, column) for row in (0, 1) for column in (3, 4, 5)
    } | {(0, column) for column in (11, 12, 13)}
