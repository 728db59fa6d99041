"""Published ResNet-18 weights as the trunk of the frame network.

The file is in the layout of torchvision: ``conv1``, ``bn1``, ``layer{1..4}.{0,1}.*``
and a classifier ``fc``, which is dropped. Kernels turn from ``[o, i, kh, kw]`` to
``[kh, kw, i, o]``; scale, bias and running statistics of norms stay as they are.
"""

import pathlib
from collections.abc import Iterator, Mapping

import numpy as np
import safetensors
import safetensors.numpy

from spatialjax.convert.torch_file import read_torch_file
from spatialjax.errors import CheckpointError, nearest
from spatialjax.media import local_path
from spatialjax.typing import HostArray, PyTree

_NORM_NAMES = {
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
}


def load_resnet18(
    path: pathlib.Path | str, params: PyTree, state: PyTree
) -> tuple[PyTree, PyTree]:
    """The variables of a `Resnet` whose ``features`` come from a file.

    Args:
      path: a ``.safetensors`` or ``.pth`` file; the latter is not executed.
      params: the parameters of the network; ``fc`` is returned as it is.
      state: its running statistics.

    Raises:
      CheckpointError: the file is missing or damaged, or its names or shapes are not
        those of the network.
    """
    arrays = _published(path)
    wanted = {
        _published_name(place): (place, leaf)
        for tree in (params["features"], state["features"])
        for place, leaf in _leaves(tree)
    }
    _check(path, arrays, {name: leaf for name, (_, leaf) in wanted.items()})
    new_params: dict[str, PyTree] = {}
    new_state: dict[str, PyTree] = {}
    for name, (place, _) in wanted.items():
        tree = new_state if place[-1] in ("mean", "var") else new_params
        for key in place[:-1]:
            tree = tree.setdefault(key, {})
        tree[place[-1]] = arrays[name]
    return {**params, "features": new_params}, {**state, "features": new_state}


def read_arrays(path: pathlib.Path | str) -> dict[str, HostArray]:
    """The arrays of a ``.safetensors`` or ``.pth`` file, by name.

    Raises:
      CheckpointError: the file is missing, damaged, or holds anything but arrays.
    """
    path = local_path("the file of weights", path)
    if path.suffix != ".safetensors":
        return read_torch_file(path)
    try:
        return safetensors.numpy.load_file(path)
    except (OSError, safetensors.SafetensorError, AttributeError) as error:
        # AttributeError: NumPy lacks the type of an entry, as that of eight bits.
        raise CheckpointError(
            f"{path} is no readable .safetensors file ({error})"
        ) from error


def _published(path: pathlib.Path | str) -> dict[str, HostArray]:
    """The arrays of the trunk, by their published names, in our layout and float32."""
    kept = {}
    for name, array in read_arrays(path).items():
        name = name.removeprefix("module.")
        if name.startswith("fc.") or name.endswith("num_batches_tracked"):
            continue
        array = array.astype(np.float32)
        kept[name] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
    return kept


def _leaves(
    tree: PyTree, place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], HostArray]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*place, key))
        else:
            yield (*place, key), value


def _published_name(place: tuple[str, ...]) -> str:
    *parents, last = place
    return ".".join((*parents, "weight" if last == "kernel" else _NORM_NAMES[last]))


def _check(
    path: pathlib.Path | str,
    arrays: Mapping[str, HostArray],
    wanted: Mapping[str, HostArray],
) -> None:
    """Compare names and shapes.

    Raises:
      CheckpointError: they differ; the text names the first and counts the others.
    """
    unknown, missing = (
        sorted(set(a) - set(b)) for a, b in ((arrays, wanted), (wanted, arrays))
    )
    if missing:
        name, hint = missing[0], nearest(missing[0], unknown)
        raise CheckpointError(
            f"{path} lacks {name!r} and {len(missing) - 1} more of the {len(wanted)} "
            f"arrays of a ResNet-18; among the names it has too many: {hint}"
        )
    if unknown:
        name, hint = unknown[0], nearest(unknown[0], wanted)
        raise CheckpointError(
            f"{path} holds {name!r} and {len(unknown) - 1} more arrays that a "
            f"ResNet-18 lacks; {hint}"
        )
    other = [name for name in wanted if arrays[name].shape != wanted[name].shape]
    if other:
        given, expected = (list(tree[other[0]].shape) for tree in (arrays, wanted))
        raise CheckpointError(
            f"{path}: {other[0]!r} has shape {given}, the network {expected}, and "
            f"{len(other) - 1} more differ; give a file of the same ResNet"
        )
