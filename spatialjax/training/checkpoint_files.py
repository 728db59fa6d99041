"""What a finished checkpoint holds, read without the help of other processes.

A checkpoint is a folder named by its step, with the arrays as Orbax writes them and a
JSON text. Reading meets no barrier, so that a process which cannot read tells the
others instead of leaving them to wait.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from spatialjax.errors import CheckpointError, nearest
from spatialjax.media import Place, store_errors, told
from spatialjax.training.checksum import checksum
from spatialjax.training.paths import flatten
from spatialjax.typing import HostArray

FORMAT = 2
FOLDER = "checkpoints"
METADATA_FILE = "metadata"
ARRAYS = "arrays"
METADATA = "metadata"


class DamagedError(CheckpointError):
    """A checkpoint cannot be read, or is not what was written."""


def finished_steps(folder: Place) -> list[int]:
    """The steps that have a whole checkpoint, rising."""
    with told(f"cannot read {folder}"):
        if not folder.is_dir():
            return []
        return sorted(
            int(path.name)
            for path in folder.iterdir()
            if path.name.isdigit() and ocp.utils.is_checkpoint_finalized(path)
        )


def read_metadata(folder: Place, step: int) -> dict[str, Any]:
    """What was saved beside the arrays.

    Raises:
      DamagedError: it cannot be read.
      CheckpointError: it is of another version.
    """
    with reading(folder, step):
        text = metadata_path(folder, step).read_text(encoding="utf-8")
        found = json.loads(text)
        version = found["format"]
    if version != FORMAT:
        raise CheckpointError(
            f"{folder / str(step)} has format {version}, this version reads {FORMAT}"
        )
    return found


def read_scores(folder: Place, step: int) -> dict[str, float]:
    """The scores of a checkpoint; none, with a warning, where its text is damaged.

    Raises:
      CheckpointError: it is of another version.
    """
    try:
        found = read_metadata(folder, step)
        with reading(folder, step):
            return {name: float(value) for name, value in found["scores"].items()}
    except DamagedError as error:
        if jax.process_index() == 0:
            print(f"warning: {error}; its scores do not count", file=sys.stderr)
        return {}


def metadata_path(folder: Place, step: int) -> Place:
    """The file of what stands beside the arrays."""
    return folder / str(step) / METADATA / METADATA_FILE


def read_shapes(folder: Place, step: int) -> dict[str, Any]:
    """What a checkpoint holds: shape and dtype of each array, by path.

    Raises:
      DamagedError: it cannot be read.
    """
    with reading(folder, step):
        found = ocp.PyTreeCheckpointHandler().metadata(_arrays_path(folder, step))
        return flatten(found.tree)


def read_arrays(
    folder: Place, step: int, leaves: Mapping[str, Any]
) -> dict[str, HostArray]:
    """Whole NumPy arrays by path, given their shapes, with a look at each checksum.

    Raises:
      DamagedError: they cannot be read, or a byte of them has changed.
      CheckpointError: the checkpoint lacks an array of that shape.
    """
    _check_holds(folder / str(step), leaves, read_shapes(folder, step))
    expected = read_metadata(folder, step)["checksums"]
    target = nest({p: np.zeros(x.shape, x.dtype) for p, x in leaves.items()})
    args = ocp.args.PyTreeRestore(
        item=target,
        restore_args=ocp.checkpoint_utils.construct_restore_args(target),
        partial_restore=True,
    )
    with reading(folder, step):
        path = _arrays_path(folder, step)
        arrays = flatten(ocp.PyTreeCheckpointHandler().restore(path, args=args))
    for path, array in arrays.items():
        if expected.get(path) != checksum(array):
            raise damaged(folder, step, f"the bytes of {path} have changed")
    return arrays


def _arrays_path(folder: Place, step: int) -> epath.Path:
    return epath.Path(folder / str(step) / ARRAYS)


def damaged(folder: Place, step: int, reason: str) -> DamagedError:
    """The error of a checkpoint, with what to do."""
    others = [str(other) for other in finished_steps(folder) if other != step]
    advice = f"; there are others, of steps {', '.join(others)}" if others else ""
    return DamagedError(f"checkpoint {folder / str(step)} is damaged: {reason}{advice}")


@contextmanager
def reading(folder: Place, step: int) -> Iterator[None]:
    """Turns what readers raise into one line.

    Raises:
      DamagedError: in place of any of them.
    """
    try:
        with quiet_threads():
            yield
    except store_errors(ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, step, first_line(error)) from error


@contextmanager
def quiet_threads() -> Iterator[None]:
    """One error instead of one for each read or write that was under way.

    At the first error Orbax closes its event loop, and what is still under way then
    complains to Python of a closed loop. These complaints, which may come late, are
    not printed; every other one is.
    """
    earlier = sys.unraisablehook

    def hook(report: Any) -> None:
        if "Event loop is closed" not in str(report.exc_value):
            earlier(report)

    sys.unraisablehook = hook
    yield
    sys.unraisablehook = earlier  # not after an error


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def _check_holds(
    place: Place, expected: Mapping[str, Any], saved: Mapping[str, Any]
) -> None:
    where = f"{place} holds another model:"
    if missing := [path for path in expected if path not in saved]:
        raise CheckpointError(
            f"{where} it lacks {missing[0]} ({len(missing)} such arrays of "
            f"{len(expected)}); {nearest(missing[0], saved)}"
        )
    for path, array in expected.items():
        given, wanted = _form(saved[path]), _form(array)
        if given != wanted:
            raise CheckpointError(f"{where} {path} is {given}, expected {wanted}")


def _form(array: Any) -> str:
    return f"{list(array.shape)} {np.dtype(array.dtype).name}"


def nest(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dicts from paths, the form on the disk whatever the containers were."""
    nested: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *folders, name = path.split("/")
        place = nested
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = leaf
    return nested
