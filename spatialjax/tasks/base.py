"""The protocol between a system and everything that trains, evaluates or serves it.

A task is a frozen dataclass of pure functions over plain pytrees; it inherits from
nothing. What stands here is checked by shape, not by ancestry: `data`, `inference`,
`evaluation` and `training` know this file and never a concrete system.

One batch has these entries, with a leading batch axis ``b``:

| name | shape, dtype | |
|---|---|---|
| ``audio`` | ``[b, n, c, t]`` int16 | the n sources of each example, full scale 32768 |
| ``images`` | ``[b, n, v, h, w, 3]`` uint8 | the pictures that show each source |
| ``gain`` | ``[b, n]`` float32 | drawn by the loader, applied in the step |
| ``class_id`` | ``[b, n]`` int32 | -1 where the class is unknown |
| ``example_id`` | ``[b]`` int32 | number of the item; random draws fold it in |
| ``valid`` | ``[b]`` bool | False for the padding of a last, short batch |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from spatialjax.errors import DataError
from spatialjax.typing import Array, Batch, HostArray, PyTree


class Variables(NamedTuple):
    """What a model holds: trained parameters and running statistics."""

    params: PyTree
    state: PyTree


class Scores(NamedTuple):
    """Values of a metric and their weights, both ``[b]`` or both ``[b, n]``.

    Weight 0 marks a value that does not count: padded, silent or undefined.
    """

    value: Array | HostArray
    weight: Array | HostArray


class Aux(NamedTuple):
    """What a loss gives besides its sum.

    `weight` is the number of examples in the sum; `scalars` are sums over the same
    examples. Sums are divided by `weight` once, after adding over all devices.
    """

    weight: Array
    state: PyTree
    scalars: dict[str, Array]


@dataclass(frozen=True)
class ArraySpec:
    """Shape without the batch axis, dtype, unit and, for signals, rate of an array."""

    shape: tuple[int, ...]
    dtype: str
    unit: str
    rate_hz: float | None = None


BatchSpec = Mapping[str, ArraySpec]


@dataclass(frozen=True)
class WindowSpec:
    """What one window of a stream is to a task: part of its spectrogram, and pictures.

    Frame k of the stream is centred on sample k·hop; a window takes `num_frames` of
    them. Of its pictures the middle one shows the middle of the window.
    """

    sample_rate_hz: int
    n_fft: int
    hop: int
    num_frames: int
    num_images: int
    image_size: int
    """Pixels of the short side of a picture; the long one is free."""


@dataclass(frozen=True)
class FieldSpec:
    """What one window of a mono stream is to a task that gives its sound field.

    Frame k of the stream is centred on sample k·hop. A window gives the field of
    `num_frames` of them, and hears `before` and `after` more around these. Its pictures
    are of the whole sphere, `image_size` high and wide; `num_images` is 0 for a task
    that does not see.
    """

    sample_rate_hz: int
    n_fft: int
    hop: int
    num_frames: int
    before: int
    after: int
    order: int
    num_images: int
    image_size: tuple[int, int]
    has_video: bool
    has_flow: bool


@dataclass(frozen=True)
class ChunkSpec:
    """What one chunk of a mono stream is to a task that gives its sound field.

    Of a window of `num_samples` the field of `num_given` is given, from `start` on. Its
    one picture is the one shown at their begin.
    """

    sample_rate_hz: int
    num_samples: int
    start: int
    num_given: int
    order: int
    image_size: tuple[int, int]
    has_video: bool
    has_flow: bool


@runtime_checkable
class Task(Protocol):
    """What every system can do."""

    @property
    def batch_spec(self) -> BatchSpec: ...

    def init(self, key: Array) -> Variables: ...

    def predict(self, variables: Variables, batch: Batch, key: Array) -> PyTree:
        """Outputs in evaluation mode; traced."""
        ...

    def measure(self, outputs: PyTree, batch: Batch) -> dict[str, Scores]:
        """Device scores, among them the loss in evaluation mode; traced."""
        ...


@runtime_checkable
class Trainable(Task, Protocol):
    """A system with a loss."""

    def loss(
        self, variables: Variables, batch: Batch, key: Array, axis: str | None
    ) -> tuple[Array, Aux]:
        """Sum of the loss over the examples, in training mode; traced.

        `axis` names the device axis under `pmap` or `shard_map`; None under `jit`,
        where a batch is global by itself.
        """
        ...


@runtime_checkable
class HostScored(Task, Protocol):
    """A system with scores in NumPy float64 on the host, such as BSS-eval."""

    def score(self, outputs: PyTree, batch: Batch) -> dict[str, Scores]: ...


@runtime_checkable
class HasConstantFields(Task, Protocol):
    """A system of sound fields that gives constant ones too, to be compared with it."""

    def with_constant_gains(self, gains: Sequence[float]) -> Task:
        """The same task without a network: each channel above W is a gain times W."""
        ...


@runtime_checkable
class MaskSeparator(Protocol):
    """A system that separates what places of a picture sound like, by masks; traced.

    It gives masks, and no signals, so that windows of a stream are joined on one
    spectrogram, and a mask of ones gives the stream back.
    """

    @property
    def window_spec(self) -> WindowSpec: ...

    def hear(self, variables: Variables, magnitude: Array) -> Array:
        """Features of the sound, of magnitudes ``[b, f, k]``."""
        ...

    def see(self, variables: Variables, images: Array) -> Array:
        """Features ``[b, h', w', d]`` of the places of pictures ``[b, v, h, w, 3]``."""
        ...

    def query(self, places: Array, regions: Array) -> Array:
        """What is asked for ``[b, n, d]``: the places of regions ``[n, h', w']``."""
        ...

    def masks(self, variables: Variables, features: Array, query: Array) -> Array:
        """Masks ``[b, n, f, k]``."""
        ...


@runtime_checkable
class Spatializer(Protocol):
    """A system that gives the sound field of a mono stream, as spectra; traced.

    It gives spectra, and no signals, so that windows of a stream are joined on one
    spectrogram.
    """

    @property
    def field_spec(self) -> FieldSpec: ...

    def spatialize(
        self,
        variables: Variables,
        spectrum: Array,
        shown: dict[str, Array],
        image_time_s: Array,
    ) -> Array:
        """Spectra ``[b, c, f, k]`` of the channels above the first.

        Args:
          variables: of the model.
          spectrum: of the mono stream ``[b, f, before + k + after]``.
          shown: ``images`` ``[b, v, h, w, 3]`` uint8 and, where they are seen, ``flow``
            ``[b, v, h, w, 2]`` as `media.optical_flow` gives it: minus the motion since
            the picture before, in pixels of this size.
          image_time_s: when these are shown ``[b, v]``, from the middle of the window.
        """
        ...


@runtime_checkable
class ChunkSpatializer(Protocol):
    """A system that gives the sound field chunk by chunk, as published; traced."""

    @property
    def chunk_spec(self) -> ChunkSpec: ...

    def spatialize_chunks(
        self,
        variables: Variables,
        mono: Array,
        shown: dict[str, Array],
        is_filler: Array,
    ) -> Array:
        """Samples ``[b, c, num_given]`` of the channels above the first.

        Args:
          variables: of the model.
          mono: ``[b, num_samples]``.
          shown: as for a `Spatializer`, with one picture.
          is_filler: rows ``[b]`` that fill up the batch: nothing is seen in them.
        """
        ...


def check_batch(spec: BatchSpec, batch: Batch) -> int:
    """Number of rows of a batch that agrees with its specification.

    Raises:
      DataError: an entry is missing, unknown, or has another shape or dtype.
    """
    if missing := sorted(set(spec) - set(batch)):
        raise DataError(f"the batch lacks {', '.join(missing)}, which the task reads")
    if unknown := sorted(set(batch) - set(spec)):
        raise DataError(f"the batch holds {', '.join(unknown)}, which the task lacks")
    rows = {len(batch[name]) for name in spec}
    if len(rows) != 1:
        raise DataError(f"the entries of the batch have {sorted(rows)} rows, not one")
    for name, expected in spec.items():
        array = batch[name]
        given = tuple(array.shape[1:]), np.dtype(array.dtype).name
        if given != (expected.shape, expected.dtype):
            raise DataError(
                f"batch entry {name!r} has shape {list(given[0])} {given[1]}, expected "
                f"{list(expected.shape)} {expected.dtype}"
            )
    return rows.pop()
