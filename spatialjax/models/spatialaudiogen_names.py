"""The names of the parameters of `SpatialAudioGen` in published checkpoints."""

import jax

from spatialjax.models.spatialaudiogen import SpatialAudioGen, SpatialAudioGenSpec
from spatialjax.nn.functional import Functional

_LAYER = {"kernel": "weights", "bias": "biases"}
_NORM = {
    "scale": "gamma",
    "bias": "beta",
    "mean": "moving_mean",
    "var": "moving_variance",
}


def published_names(
    spec: SpatialAudioGenSpec,
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name in a TensorFlow checkpoint, and shape, of each parameter and statistic.

    Keys are our paths, ``"separation/deconv1/kernel"``. The arrays need no change.
    """
    init = Functional(SpatialAudioGen, spec).init
    variables = jax.eval_shape(init, jax.random.key(0))
    names = {}
    for tree in variables:
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
            ours = jax.tree_util.keystr(path, simple=True, separator="/")
            names[ours] = (_published_name(ours), leaf.shape)
    return names


def _published_name(path: str) -> str:
    scope, *layers, leaf = path.split("/")
    if scope in ("bottleneck", "separation"):
        layers = [layer.replace("_", "-") for layer in layers]
    table = _NORM if layers[-1] == "bn" else _LAYER
    return "/".join([scope, *layers, table[leaf]])
