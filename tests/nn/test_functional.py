import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from spatialjax.nn.functional import Functional


class Counter(nnx.Module):
    built = 0

    def __init__(self, width, *, rngs):
        Counter.built += 1
        self.layers = nnx.List(nnx.Linear(width, width, rngs=rngs) for _ in range(2))
        self.calls = nnx.BatchStat(jnp.zeros(()))

    def __call__(self, x, factor=1.0):
        self.calls[...] = self.calls[...] + 1
        for layer in self.layers:
            x = layer(x)
        return factor * x

    def first(self, x):
        return self.layers[0](x)


def test_init_gives_nested_dicts_with_text_keys():
    params, state = Functional(Counter, 3).init(jax.random.key(0))
    assert set(params) == {"layers"}
    assert set(params["layers"]) == {"0", "1"}
    assert params["layers"]["1"]["kernel"].shape == (3, 3)
    assert set(state) == {"calls"}
    assert type(params) is type(params["layers"]) is dict


def test_init_is_decided_by_the_key():
    functional = Functional(Counter, 3)
    one, same, other = (functional.init(jax.random.key(k))[0] for k in (0, 0, 1))
    chosen = lambda tree: np.asarray(tree["layers"]["0"]["kernel"])  # noqa: E731
    np.testing.assert_array_equal(chosen(one), chosen(same))
    assert np.abs(chosen(one) - chosen(other)).max() > 0.01


def test_apply_is_pure_and_returns_the_new_state():
    functional = Functional(Counter, 3)
    params, state = functional.init(jax.random.key(0))
    x = jnp.ones((2, 3))
    out, new_state = functional.apply(params, state, x, factor=2.0)
    again, _ = functional.apply(params, state, x)
    assert float(state["calls"]) == 0.0
    assert float(new_state["calls"]) == 1.0
    np.testing.assert_allclose(out, 2 * again)
    expected = x @ params["layers"]["0"]["kernel"] @ params["layers"]["1"]["kernel"]
    np.testing.assert_allclose(again, expected, rtol=1e-6)


def test_apply_calls_a_named_method():
    functional = Functional(Counter, 3)
    params, state = functional.init(jax.random.key(0))
    out, new_state = functional.apply(params, state, jnp.ones((2, 3)), method="first")
    np.testing.assert_allclose(out, jnp.ones((2, 3)) @ params["layers"]["0"]["kernel"])
    assert float(new_state["calls"]) == 0.0


def test_nothing_leaks_and_the_module_is_built_once():
    functional = Functional(Counter, 5)
    params, state = functional.init(jax.random.key(0))

    @jax.jit
    def step(params, state, x):
        def loss(params):
            out, new_state = functional.apply(params, state, x)
            return (out**2).sum(), new_state

        return jax.grad(loss, has_aux=True)(params)

    with jax.checking_leaks():
        gradient, new_state = step(params, state, jnp.ones((2, 5)))
    built = Counter.built
    step(params, new_state, jnp.ones((2, 5)))
    functional.apply(params, state, jnp.ones((4, 5)))
    assert Counter.built == built
    assert jax.tree.structure(gradient) == jax.tree.structure(params)
    assert jax.tree.structure(new_state) == jax.tree.structure(state)


def test_other_variables_are_refused():
    def build(config, *, rngs):
        return nnx.Dropout(0.5, rngs=nnx.Rngs(0))

    with pytest.raises(ValueError, match=r"[Nn]on-exhaustive"):
        Functional(build, 0).init(jax.random.key(0))
