"""The sound field of a mono stream, whose samples come in blocks of any lengths."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from spatialjax.errors import ConfigError, check_positive, check_shape
from spatialjax.inference.field_model import FieldModel
from spatialjax.inference.field_program import FieldWindows
from spatialjax.typing import Array, HostArray, PyTree

WINDOWS_PER_DEVICE = 4
"""Windows that are computed together on each device, unless told otherwise."""


class Seen(NamedTuple):
    """Pictures: ``images`` ``[v, h, w, 3]`` uint8, and ``flow`` where it is seen.

    `times_s` ``[v]`` is when each is shown, from the begin of the stream.
    """

    shown: dict[str, HostArray]
    times_s: HostArray


Look = Callable[[HostArray], Seen]
"""The pictures that are shown at times ``[v]``, or the nearest ones that there are.

Windows ask in order of their time. Live, these are the last ones that came."""


class FieldState(NamedTuple):
    """What lies between two blocks of a stream; it may be kept and gone back to."""

    carry: PyTree
    heard: HostArray
    """[t], from the first sample on that the next window hears."""
    num_samples: int
    """Of the stream so far."""
    num_windows: int
    """Computed so far."""


class FieldStream:
    """Makes the sound field of a mono stream block by block.

    >>> stream = FieldStream(model, num_windows=1)
    >>> state = stream.init()
    >>> for block in blocks:
    ...     state, field = stream.step(state, block, look)
    >>> field = stream.finish(state, look)

    The fields, joined, are as long as the blocks, and do not depend on where these are
    cut. Channel 0 is the stream itself, sample by sample. A step computes as many
    windows as it has the samples for, and gives what is complete then, often nothing.

    Attributes:
      geometry: of the windows.
      num_at_once: windows that one call computes.
      latency_samples: from a sample to the last one that its field waits for, at the
        most. With a single window at once it is least: (num_frames + after - 1) hop +
        n_fft of the `FieldSpec`, 9216 samples or 0.58 s for ambix_toy.
    """

    def __init__(self, model: FieldModel, num_windows: int | None = None) -> None:
        """Takes a model, and how many windows are computed at once.

        Where None, each device has some of them. A model of `compat` decides by itself.
        """
        if num_windows is not None:
            check_positive("num_windows", num_windows)
        program = model.program
        devices = jax.devices()
        size = program.batch_size or num_windows or WINDOWS_PER_DEVICE * len(devices)
        used = devices if size % len(devices) == 0 else devices[:1]
        mesh = Mesh(np.array(used), ("data",), axis_types=(AxisType.Auto,))
        self._whole = NamedSharding(mesh, PartitionSpec())
        self._split = NamedSharding(mesh, PartitionSpec("data"))
        self._variables = jax.device_put(model.variables, self._whole)
        self._first_carry = program.first_carry
        self._step = jax.jit(program.step, out_shardings=self._whole)
        self.num_at_once = size
        self.geometry = program.geometry

    @property
    def _num_needed(self) -> int:
        """Samples that the windows of one call hear."""
        return (
            self.geometry.num_heard + (self.num_at_once - 1) * self.geometry.num_given
        )

    @property
    def latency_samples(self) -> int:
        return self._num_needed - self.geometry.lead + self.geometry.delay

    def init(self) -> FieldState:
        """The state before the first block."""
        carry = jax.device_put(self._first_carry(), self._whole)
        return FieldState(carry, np.zeros(self.geometry.lead, np.float32), 0, 0)

    def step(
        self, state: FieldState, block: HostArray, look: Look | None
    ) -> tuple[FieldState, HostArray]:
        """The next state, and what is complete of the field, ``[c, t]`` float32.

        Args:
          state: after the block before.
          block: the next samples ``[t]``, float32.
          look: gives pictures; may be None for a model that does not see.

        Raises:
          ShapeError: the block, or a picture, has another shape.
          ConfigError: the model looks, and there is nothing to look at.
        """
        num_new = check_shape("block", block, "t")["t"]
        if self.geometry.num_images and look is None:
            raise ConfigError("the model sees pictures, expected `look` to give some")
        state = state._replace(
            heard=np.concatenate([state.heard, np.asarray(block, np.float32)]),
            num_samples=state.num_samples + num_new,
        )
        first, waiting = state, []
        while len(state.heard) >= self._num_needed:
            state, above = self._run(state, look, self.num_at_once)
            waiting.append(above)
        return state, self._field(first, waiting, state.num_samples)

    def finish(self, state: FieldState, look: Look | None) -> HostArray:
        """The rest of the field, after the last block."""
        geometry, first, waiting = self.geometry, state, []
        num_all = -(-(state.num_samples + geometry.delay) // geometry.num_given)
        while state.num_samples and state.num_windows < num_all:
            missing = max(0, self._num_needed - len(state.heard))
            state = state._replace(heard=np.pad(state.heard, (0, missing)))
            num_rows = min(self.num_at_once, num_all - state.num_windows)
            state, above = self._run(state, look, num_rows)
            waiting.append(above)
        return self._field(first, waiting, state.num_samples)

    def _run(
        self, state: FieldState, look: Look | None, num_rows: int
    ) -> tuple[FieldState, Array]:
        """The state after one call for so many windows, and samples above W."""
        step = self.num_at_once * self.geometry.num_given
        windows = jax.device_put(self._windows(state, look, num_rows), self._split)
        carry, above = self._step(self._variables, state.carry, windows)
        following = state._replace(
            carry=carry,
            heard=state.heard[step:],
            num_windows=state.num_windows + self.num_at_once,
        )
        return following, above

    def _windows(
        self, state: FieldState, look: Look | None, num_rows: int
    ) -> FieldWindows[HostArray]:
        """The next windows, filled up with ones of silence and black pictures."""
        geometry, size = self.geometry, self.num_at_once
        samples = np.zeros((size, geometry.num_heard), np.float32)
        times_s = np.zeros((size, geometry.num_images), np.float32)
        shown: dict[str, HostArray] = {}
        indices = state.num_windows + np.arange(size)
        for row in range(num_rows):
            begin = row * geometry.num_given
            samples[row] = state.heard[begin : begin + geometry.num_heard]
            if look is None or not geometry.num_images:
                continue
            index = int(indices[row])
            seen = self._seen(look, index)
            times_s[row] = seen.times_s - geometry.looks_at_s(index)
            for name, pictures in seen.shown.items():
                if name not in shown:
                    shown[name] = np.zeros((size, *pictures.shape), pictures.dtype)
                shown[name][row] = pictures
        remaining = state.num_samples - indices * geometry.num_given
        remaining[num_rows:] = -1
        return FieldWindows(
            samples,
            shown,
            times_s,
            indices == 0,
            np.clip(remaining, -1, geometry.num_given).astype(np.int32),
        )

    def _seen(self, look: Look, index: int) -> Seen:
        """What a window sees, checked."""
        geometry = self.geometry
        height, width = geometry.image_size
        sizes = {"v": geometry.num_images, "h": height, "w": width}
        seen = look(geometry.picture_times_s(index))
        check_shape("times_s", seen.times_s, "v", sizes)
        wanted = [("images", 3, "uint8")] if geometry.has_video else []
        wanted += [("flow", 2, "float16")] if geometry.has_flow else []
        for name, channels, dtype in wanted:
            if name not in seen.shown:
                raise ConfigError(f"`look` gives no {name}, which the model sees")
            pictures = seen.shown[name]
            check_shape(name, pictures, "v h w c", sizes | {"c": channels})
            if pictures.dtype != dtype:
                raise ConfigError(f"{name} are {pictures.dtype}, expected {dtype}")
        return seen

    def _field(
        self, first: FieldState, waiting: list[Array], num_samples: int
    ) -> HostArray:
        """The field ``[c, t]`` of what was computed from a state on."""
        geometry = self.geometry
        above = [np.asarray(piece) for piece in waiting]
        length = sum(piece.shape[1] for piece in above)
        begin = first.num_windows * geometry.num_given - geometry.delay
        offset = geometry.lead - geometry.delay
        mono = np.zeros(length, np.float32)
        known = first.heard[offset : offset + length]
        mono[: len(known)] = known
        channels = (geometry.order + 1) ** 2 - 1
        field = np.concatenate([np.zeros((channels, 0), np.float32), *above], 1)
        field = np.concatenate([mono[None], field])
        return field[:, max(0, -begin) : max(0, num_samples - begin)]
