from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from spatialjax.training.paths import flatten, map_with_path, unflatten


class Pair(NamedTuple):
    first: object
    second: object


TREE = {"a": Pair(1.0, [2.0, (3.0,)]), "b": {}, "c": {"0": 4.0}}
PATHS = {"a/first": 1.0, "a/second/0": 2.0, "a/second/1/0": 3.0, "c/0": 4.0}


def test_paths_are_words_joined_by_slashes():
    assert flatten(TREE) == PATHS
    assert list(flatten(TREE, is_leaf=lambda node: node is not TREE)) == ["a", "b", "c"]


def test_unflatten_undoes_flatten():
    assert unflatten(PATHS, TREE) == TREE
    assert map_with_path(lambda path, leaf: leaf, TREE) == TREE


def test_traced_and_host_arrays_have_the_same_paths():
    assert list(flatten({"x": jnp.ones(1)})) == list(flatten({"x": np.ones(1)}))
