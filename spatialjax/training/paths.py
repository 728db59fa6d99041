"""Leaves of a pytree by a path in words: ``"sound/down1/kernel"``."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
from jax.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

from spatialjax.typing import PyTree


def flatten(
    tree: PyTree, is_leaf: Callable[[Any], bool] | None = None
) -> dict[str, Any]:
    """The leaves of a tree, by path, in the tree's own order."""
    leaves = jax.tree_util.tree_flatten_with_path(tree, is_leaf)[0]
    return {path_to_text(path): leaf for path, leaf in leaves}


def map_with_path(function: Callable[[str, Any], Any], tree: PyTree) -> PyTree:
    """The tree with each leaf replaced by ``function(path, leaf)``."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: function(path_to_text(path), leaf), tree
    )


def unflatten(leaves: Mapping[str, Any], like: PyTree) -> PyTree:
    """The tree shaped as `like` whose leaves are taken by path."""
    return map_with_path(lambda path, _: leaves[path], like)


def path_to_text(path: tuple[Any, ...]) -> str:
    """A key path of JAX as words joined by slashes."""
    return "/".join(_key_to_text(key) for key in path)


def _key_to_text(key: Any) -> str:
    match key:
        case DictKey() | FlattenedIndexKey():
            return str(key.key)
        case GetAttrKey():
            return key.name
        case SequenceKey():
            return str(key.idx)
    return str(key)
