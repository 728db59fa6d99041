"""Arrays of a PyTorch ``.pth`` file, read without PyTorch and without executing it.

Such a file is a pickle beside raw storages. The pickle is interpreted by a reader that
knows ordered dicts and three inert stand-ins, and refuses every other name before
anything is called. Two layouts exist: a zip archive (since PyTorch 1.6), and a sequence
of pickles followed by the storages.
"""

import io
import pathlib
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from spatialjax.errors import CheckpointError
from spatialjax.media import local_path
from spatialjax.typing import HostArray

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

_DTYPES = {
    "DoubleStorage": np.dtype(np.float64),
    "FloatStorage": np.dtype(np.float32),
    "HalfStorage": np.dtype(np.float16),
    "BFloat16Storage": np.dtype(jnp.bfloat16),
    "LongStorage": np.dtype(np.int64),
    "IntStorage": np.dtype(np.int32),
    "ShortStorage": np.dtype(np.int16),
    "CharStorage": np.dtype(np.int8),
    "ByteStorage": np.dtype(np.uint8),
    "BoolStorage": np.dtype(np.bool_),
}


@dataclass(frozen=True)
class _Storage:
    """What the pickle says about a storage."""

    dtype: np.dtype
    key: str


@dataclass(frozen=True)
class _Tensor:
    """What the pickle says about a tensor; offset and strides are in values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(path: pathlib.Path | str) -> dict[str, HostArray]:
    """The arrays of a state dict, by name, in the layout of PyTorch.

    Raises:
      CheckpointError: the file is missing, damaged, or holds anything but arrays.
    """
    path = local_path("the file of weights", path)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}; give a .pth file")
    try:
        if zipfile.is_zipfile(path):
            content, storages = _read_zip(path)
        else:
            content, storages = _read_legacy(path)
        tensors = _state_dict(content)
        return {
            name: _array(tensor, storages[tensor.storage.key])
            for name, tensor in tensors.items()
        }
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        struct.error,
        EOFError,
        OSError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise CheckpointError(
            f"{path} is no readable .pth file of arrays ({error}); save it again with "
            "torch.save(model.state_dict(), path), or as .safetensors"
        ) from error


class _Reader(pickle.Unpickler):
    """A reader of pickles that can build dicts, tensors' descriptions, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in _REBUILDERS:
            return _REBUILDERS[name]
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise CheckpointError(
            f"it asks for {module}.{name}, which is no array; it was not read any "
            "further: give a state dict, saved by torch.save(model.state_dict(), path)"
        )

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key = pid[:3]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise CheckpointError(f"it refers to {kind!r}, expected a storage")
        return _Storage(dtype, str(key))


def _describe_tensor(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *_: Any,
) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _tensor_of_parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    """The tensor of an `nn.Parameter`, as torchvision's published files hold them."""
    return tensor


_REBUILDERS = {
    "_rebuild_tensor": _describe_tensor,
    "_rebuild_tensor_v2": _describe_tensor,
    "_rebuild_parameter": _tensor_of_parameter,
}
"""By the names that PyTorch has given them; the first is that of 2017."""


def _read_zip(path: pathlib.Path) -> tuple[Any, dict[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise CheckpointError("it is a zip archive without one data.pkl")
        folder = pickles[0].removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in names and archive.read(order) != b"little":
            raise CheckpointError("its numbers are big-endian; save it as .safetensors")
        content = _Reader(io.BytesIO(archive.read(pickles[0]))).load()
        prefix = f"{folder}data/"
        storages = {
            name.removeprefix(prefix): archive.read(name)
            for name in names
            if name.startswith(prefix)
        }
    return content, storages


def _read_legacy(path: pathlib.Path) -> tuple[Any, dict[str, bytes]]:
    with path.open("rb") as file:
        if _Reader(file).load() != _LEGACY_MAGIC:
            raise CheckpointError("it does not begin as a .pth file does")
        _, system = _Reader(file).load(), _Reader(file).load()
        if not system["little_endian"]:
            raise CheckpointError("its numbers are big-endian; save it as .safetensors")
        content = _Reader(file).load()
        used = (tensor.storage for tensor in _state_dict(content).values())
        dtypes = {storage.key: storage.dtype for storage in used}
        storages = {}
        for key in _Reader(file).load():
            (num_values,) = struct.unpack("<q", file.read(8))
            storages[key] = file.read(num_values * dtypes[key].itemsize)
    return content, storages


def _state_dict(content: Any) -> dict[str, _Tensor]:
    """The content of the pickle, if it is a dict of tensors by name."""
    if not isinstance(content, dict):
        raise CheckpointError(
            f"it holds a {type(content).__name__}, expected a state dict"
        )
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, _Tensor):
            raise CheckpointError(
                f"its entry {name!r} is a {type(value).__name__}, expected a tensor; "
                "give a plain state dict"
            )
    return content


def _array(tensor: _Tensor, storage: bytes) -> HostArray:
    """The tensor's values, once it is certain that they lie within the storage."""
    dtype = tensor.storage.dtype
    values = np.frombuffer(storage, dtype, count=len(storage) // dtype.itemsize)
    steps = zip(tensor.shape, tensor.strides, strict=True)
    last = tensor.offset + sum((size - 1) * step for size, step in steps)
    numbers = (tensor.offset, *tensor.shape, *tensor.strides)
    if min(numbers) < 0 or (0 not in tensor.shape and last >= len(values)):
        raise CheckpointError(
            f"a tensor of shape {list(tensor.shape)} reaches beyond its "
            f"{len(values)} stored values; the file is cut off or damaged"
        )
    strides = [step * dtype.itemsize for step in tensor.strides]
    view = np.lib.stride_tricks.as_strided(
        values[tensor.offset :], tensor.shape, strides, writeable=False
    )
    return view.copy()
