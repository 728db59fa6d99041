"""Measured head-related impulse responses from SOFA files (AES69).

Read is the convention `SimpleFreeFieldHRIR`: one listener, whose front is +x and left
is +y, two ears, one filter per ear and source position. Needs h5py, the extra `sofa`.
"""

import importlib
import mmap
from typing import Any, NamedTuple

import numpy as np

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath

CONVENTION = "SimpleFreeFieldHRIR"
LISTENER = {
    "ListenerPosition": (0, 0, 0),
    "ListenerView": (1, 0, 0),
    "ListenerUp": (0, 0, 1),
}
"""The only head that is understood; a file may leave each of these out."""

_DAMAGE = (OSError, KeyError, RuntimeError, TypeError, ValueError)
"""What h5py raises where a file is missing, of another kind, cut off or damaged."""

_HEAP, _HEAP_HEADER, _OBJECT_HEADER = b"GCOL\1\0\0\0", 16, 16
"""How a heap of texts begins, and bytes of headers: HDF5 File Format, III.E, with
lengths of 8 bytes, which is what all libraries write."""

_MOST_COMPRESSION = 1032
"""How far deflate shrinks at best (zlib, "Technical Details")."""


class SofaHrirs(NamedTuple):
    """Impulse responses of two ears for q source positions, as the file has them."""

    direction: np.ndarray
    """Unit vectors from the head to the source, float64 [q, 3]: x front, y left."""
    filters: np.ndarray
    """Left and right impulse response, float32 [q, 2, taps]."""
    sample_rate_hz: int
    delay_samples: np.ndarray
    """What to put before each filter, float64 [q, 2]; often all 0."""
    distance_m: np.ndarray
    """From the head to the source, float64 [q]."""


def read_sofa(path: FilePath) -> SofaHrirs:
    """The impulse responses of a SOFA file, left ear first.

    Raises:
      MediaError: no such file, no SOFA file, another convention, a field that is
        missing, has another shape or is not finite, or h5py is not installed.
    """
    try:
        h5py = importlib.import_module("h5py")
    except ModuleNotFoundError as error:
        raise MediaError(
            f'{path} cannot be read without h5py: pip install -e ".[sofa]"'
        ) from error
    try:
        with h5py.File(path) as file:
            _check_heaps(path)
            _check_convention(file, path)
            return _read(file, path)
    except MediaError:
        raise
    except _DAMAGE as error:
        raise MediaError(f"{path} cannot be read as a SOFA file: {error}") from error


def _check_heaps(path: FilePath) -> None:
    """Raise MediaError where HDF5 would walk through a heap of texts for ever.

    Its library goes from object to object by their sizes, even by a size of 0.
    """
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        start = content.find(_HEAP)
        while start >= 0:
            size = int.from_bytes(content[start + 8 : start + _HEAP_HEADER], "little")
            _check_heap(content[start : start + size], path)
            start = content.find(_HEAP, start + len(_HEAP))


def _check_heap(heap: bytes, path: FilePath) -> None:
    place = _HEAP_HEADER
    while place + _OBJECT_HEADER <= len(heap):
        is_free = heap[place : place + 2] == b"\0\0"
        size = int.from_bytes(heap[place + 8 : place + _OBJECT_HEADER], "little")
        # Free space counts its own header, and only texts are padded to 8 bytes.
        place += size if is_free else _OBJECT_HEADER + (size + 7) // 8 * 8
        if (is_free and size == 0) or place > len(heap):
            raise MediaError(f"{path} is damaged: its texts have no end")


def _check_convention(file: Any, path: FilePath) -> None:
    given = [_text(file.attrs, name) for name in ("Conventions", "SOFAConventions")]
    if given != ["SOFA", CONVENTION]:
        found = " ".join(filter(None, given)) or "no SOFA file"
        raise MediaError(
            f"{path} is {found}, expected the SOFA convention {CONVENTION}"
        )


def _read(file: Any, path: FilePath) -> SofaHrirs:
    filters = _field(file, "Data.IR", path)
    if filters.ndim != 3 or filters.shape[1] != 2 or 0 in filters.shape:
        raise MediaError(
            f"{path}: Data.IR has shape {list(filters.shape)}, expected [q, 2, taps]"
        )
    q = len(filters)
    rate_hz = np.unique(_field(file, "Data.SamplingRate", path))
    if len(rate_hz) != 1 or rate_hz[0] < 1 or rate_hz[0] % 1:
        raise MediaError(
            f"{path}: Data.SamplingRate is {rate_hz.tolist()}, expected one whole "
            "number of hertz"
        )
    for name, expected in LISTENER.items():
        given = _points(file, name, 1, path)[0] if name in file else expected
        if not np.allclose(given, expected, atol=1e-6):
            raise MediaError(
                f"{path}: {name} is {np.round(given, 3).tolist()}, expected "
                f"{list(expected)}; turn and move the sources to such a head"
            )
    source_m = _points(file, "SourcePosition", q, path)
    distance_m = np.linalg.norm(source_m, axis=-1)
    if not distance_m.all():
        raise MediaError(f"{path}: a SourcePosition is the centre of the head")
    first_y_m, second_y_m = _points(file, "ReceiverPosition", 2, path)[:, 1]
    if first_y_m == second_y_m:
        raise MediaError(f"{path}: ReceiverPosition tells no left ear from a right one")
    left_first = slice(None, None, 1 if first_y_m > second_y_m else -1)
    return SofaHrirs(
        source_m / distance_m[:, None],
        filters[:, left_first].astype(np.float32),
        int(rate_hz[0]),
        _rows(file, "Data.Delay", q, 2, path)[:, left_first],
        distance_m,
    )


def _points(file: Any, name: str, num_points: int, path: FilePath) -> np.ndarray:
    """Points in metres, float64 [num_points, 3], given so or by angles in degrees."""
    points = _rows(file, name, num_points, 3, path)
    # Views and up vectors have no type in some files; they are Cartesian there.
    kind = _text(file[name].attrs, "Type") or "cartesian"
    if kind == "cartesian":
        return points
    if kind != "spherical":
        raise MediaError(f"{path}: {name} is {kind!r}, expected cartesian or spherical")
    azimuth_rad, elevation_rad = np.deg2rad(points[:, :2].T)
    radius_m = points[:, 2]
    horizontal_m = radius_m * np.cos(elevation_rad)
    x_m, y_m = horizontal_m * np.cos(azimuth_rad), horizontal_m * np.sin(azimuth_rad)
    return np.stack([x_m, y_m, radius_m * np.sin(elevation_rad)], axis=-1)


def _rows(
    file: Any, name: str, num_rows: int, num_columns: int, path: FilePath
) -> np.ndarray:
    """A field [num_rows, num_columns], of which a file may give one row for all."""
    values = _field(file, name, path)
    if values.ndim == 3 and values.shape[2] == 1:  # receivers, for each measurement
        values = values[..., 0]
    if values.shape not in ((1, num_columns), (num_rows, num_columns)):
        raise MediaError(
            f"{path}: {name} has shape {list(values.shape)}, expected "
            f"[{num_rows}, {num_columns}]"
        )
    return np.broadcast_to(values, (num_rows, num_columns))


def _field(file: Any, name: str, path: FilePath) -> np.ndarray:
    if name not in file:
        raise MediaError(f"{path} has no field {name}; {CONVENTION} needs it")
    field = file[name]
    # What a damaged file states is not read before it makes sense.
    if not hasattr(field, "nbytes") or field.dtype.kind not in "fiu":
        raise MediaError(f"{path}: {name} does not hold numbers")
    if field.nbytes > _MOST_COMPRESSION * field.id.get_storage_size():
        raise MediaError(f"{path}: {name} holds fewer numbers than it states")
    values = field[()]
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise MediaError(f"{path}: {name} holds values that are not finite in 32 bits")
    return values.astype(np.float64)


def _text(attributes: Any, name: str) -> str:
    """A text of one of two types; HDF5 may crash where a damaged file has another."""
    if name not in attributes:
        return ""
    kind = attributes.get_id(name).dtype
    if kind.kind != "S" and (kind.metadata or {}).get("vlen") not in (str, bytes):
        raise TypeError(f"{name} is no text")
    value = attributes[name]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
