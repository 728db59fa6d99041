"""The one bridge between `flax.nnx` modules and pure functions of pytrees.

Everywhere else a model is two functions and two nested dicts with text keys: no module
lives longer than one trace, and only `jax.*` transforms are used outside.
"""

import functools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from spatialjax.nn.initializers import Draws
from spatialjax.typing import Array, PyTree


@dataclass(frozen=True)
class Functional:
    """Pure `init` and `apply` of a module, built as ``module(config, rngs=draws)``.

    The module may hold `nnx.Param` (parameters) and `nnx.BatchStat` (state) only;
    random numbers come into a call as arguments. Children in an `nnx.List` have their
    index, as text, for a key: ``params["levels"]["0"]["down"]["kernel"]``.
    """

    module: Callable[..., nnx.Module]
    config: Hashable

    def init(self, key: Array) -> tuple[PyTree, PyTree]:
        """Fresh parameters and state; may be traced, as in `jax.eval_shape`."""
        _, num_draws = _plan(self.module, self.config)
        draws = Draws(key, Draws.vector(key, num_draws))
        _, params, state = _build(self.module, self.config, draws)
        return _with_keys(params, str), _with_keys(state, str)

    def apply(
        self,
        params: PyTree,
        state: PyTree,
        *args: Any,
        method: str = "__call__",
        **kwargs: Any,
    ) -> tuple[Any, PyTree]:
        """What a method of the module gives, and the state after the call."""
        module = nnx.merge(
            _plan(self.module, self.config)[0],
            _with_keys(params, _index),
            _with_keys(state, _index),
        )
        out = getattr(module, method)(*args, **kwargs)
        new_state = nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))
        return out, _with_keys(new_state, str)


def _build(
    module: Callable[..., nnx.Module], config: Hashable, draws: Draws
) -> tuple[Any, PyTree, PyTree]:
    built = module(config, rngs=draws)
    graph, *states = nnx.split(built, nnx.Param, nnx.BatchStat)
    params, state = map(nnx.to_pure_dict, states)
    return graph, params, state


@functools.lru_cache(maxsize=64)
def _plan(module: Callable[..., nnx.Module], config: Hashable) -> tuple[Any, int]:
    """Graph definition and number of draws, from one building without arrays."""
    kept = []

    def build(key: Array) -> None:
        draws = Draws(key)
        kept.append((_build(module, config, draws)[0], draws.num_drawn))

    jax.eval_shape(build, jax.eval_shape(lambda: jax.random.key(0)))
    return kept[0]


def _with_keys(tree: PyTree, convert: Callable[[Any], Any]) -> PyTree:
    if not isinstance(tree, dict):
        return tree
    return {convert(key): _with_keys(value, convert) for key, value in tree.items()}


def _index(key: str) -> str | int:
    return int(key) if key.isdecimal() else key
