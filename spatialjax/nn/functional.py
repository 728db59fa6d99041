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

from spatialjax.typing import Array, PyTree


@dataclass(frozen=True)
class Functional:
    """Pure `init` and `apply` of a module that is built as ``module(config, rngs=)``.

    The module may hold `nnx.Param` (parameters) and `nnx.BatchStat` (state) only;
    random numbers come into a call as arguments. Children in an `nnx.List` have their
    index, as text, for a key: ``params["levels"]["0"]["down"]["kernel"]``.
    """

    module: Callable[..., nnx.Module]
    config: Hashable

    def init(self, key: Array) -> tuple[PyTree, PyTree]:
        """Fresh parameters and state; may be traced, as in `jax.eval_shape`."""
        _, params, state = _build(self.module, self.config, key)
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
            _graph(self.module, self.config),
            _with_keys(params, _index),
            _with_keys(state, _index),
        )
        out = getattr(module, method)(*args, **kwargs)
        new_state = nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))
        return out, _with_keys(new_state, str)


def _build(
    module: Callable[..., nnx.Module], config: Hashable, key: Array
) -> tuple[Any, PyTree, PyTree]:
    built = module(config, rngs=nnx.Rngs(params=key))
    graph, *states = nnx.split(built, nnx.Param, nnx.BatchStat)
    params, state = map(nnx.to_pure_dict, states)
    return graph, params, state


@functools.lru_cache(maxsize=64)
def _graph(module: Callable[..., nnx.Module], config: Hashable) -> Any:
    """The graph definition of a configuration, built once and without arrays."""
    kept = []

    def build(key: Array) -> None:
        kept.append(_build(module, config, key)[0])

    jax.eval_shape(build, jax.eval_shape(lambda: jax.random.key(0)))
    return kept[0]


def _with_keys(tree: PyTree, convert: Callable[[Any], Any]) -> PyTree:
    if not isinstance(tree, dict):
        return tree
    return {convert(key): _with_keys(value, convert) for key, value in tree.items()}


def _index(key: str) -> str | int:
    return int(key) if key.isdecimal() else key
