import functools

import jax

from spatialjax.nn import Functional


@functools.cache
def variables(module, config):
    """Parameters and state from one key, drawn once for all tests."""
    return jax.jit(Functional(module, config).init)(jax.random.key(0))


@functools.partial(jax.jit, static_argnums=(0, 1, 4), static_argnames="method")
def apply(module, config, params, inputs, rest, state, method="__call__"):
    """What a method gives, and the new state; `rest` are arguments without arrays."""
    functional = Functional(module, config)
    return functional.apply(params, state, *inputs, *rest, method=method)


def count_parameters(functional):
    """Number of trained values, without computing any."""
    params, _ = jax.eval_shape(functional.init, jax.random.key(0))
    return sum(leaf.size for leaf in jax.tree.leaves(params))
