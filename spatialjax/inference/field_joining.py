"""Sound fields of overlapping windows joined: spectra cross-faded, one inverse.

The stream has one grid of frames. Window i gives the frames i·H up to i·H + 2H, so each
block of H frames lies in two windows, and the spectra of its channels go over from the
earlier window's to the later one's, as masks on the stream's spectrum would.
"""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics import num_channels
from spatialjax.audio import frame_signal, frames_to_spectrum
from spatialjax.errors import ConfigError
from spatialjax.inference.field_program import FieldGeometry, FieldWindows
from spatialjax.inference.overlap import cross_fade, in_a_row, invert_on
from spatialjax.tasks.base import Spatializer, Variables
from spatialjax.typing import Array, HostArray

A = TypeVar("A", Array, HostArray)


class FieldCarry(NamedTuple, Generic[A]):
    """What a block of windows leaves to the next."""

    spectra: A  # [c, f, H] complex, of the last window's second half
    tail: A  # [c, n_fft - hop], not yet divided by the weight
    weight: A  # [n_fft - hop]


@dataclass(frozen=True)
class FieldJoiner:
    """The `FieldProgram` of a `Spatializer`.

    Attributes:
      task: gives the spectra.
      image_spacing_s: time between the pictures of a window, as in the training.

    Raises:
      ConfigError: windows, or the frames of the transform, do not overlap by half.
    """

    task: Spatializer
    image_spacing_s: float

    batch_size = None

    def __post_init__(self) -> None:
        spec = self.task.field_spec
        if 2 * spec.hop > spec.n_fft or spec.num_frames % 2:
            raise ConfigError(
                f"the model has a hop of {spec.hop}, an n_fft of {spec.n_fft} and "
                f"{spec.num_frames} frames; windows are joined only where a hop is at "
                "most half of n_fft and the number of frames is even"
            )

    @property
    def geometry(self) -> FieldGeometry:
        spec = self.task.field_spec
        num_heard = (self._num_frames - 1) * spec.hop + spec.n_fft
        lead = spec.before * spec.hop + spec.n_fft // 2
        return FieldGeometry(
            sample_rate_hz=spec.sample_rate_hz,
            order=spec.order,
            num_heard=num_heard,
            num_given=spec.num_frames // 2 * spec.hop,
            lead=lead,
            delay=spec.n_fft // 2,
            looks_at=num_heard / 2 - lead,
            num_images=spec.num_images,
            image_size=spec.image_size,
            image_spacing_s=self.image_spacing_s,
            has_video=spec.has_video,
            has_flow=spec.has_flow,
        )

    @property
    def _num_frames(self) -> int:
        """That a window hears."""
        spec = self.task.field_spec
        return spec.before + spec.num_frames + spec.after

    def first_carry(self) -> FieldCarry[HostArray]:
        """What a stream begins with."""
        spec = self.task.field_spec
        above, overlap = num_channels(spec.order) - 1, spec.n_fft - spec.hop
        half = (above, spec.n_fft // 2 + 1, spec.num_frames // 2)
        return FieldCarry(
            spectra=np.zeros(half, np.complex64),
            tail=np.zeros((above, overlap), np.float32),
            weight=np.zeros(overlap, np.float32),
        )

    def step(
        self,
        variables: Variables,
        carry: FieldCarry[Array],
        windows: FieldWindows[Array],
    ) -> tuple[FieldCarry[Array], Array]:
        """The next carry, and samples ``[c, b H hop]``; traced."""
        spec, task = self.task.field_spec, self.task
        frames = frame_signal(windows.samples, spec.n_fft, spec.hop, self._num_frames)
        mono = frames_to_spectrum(frames)
        spectra = task.spatialize(variables, mono, windows.shown, windows.image_time_s)
        # One that would hear little but silence only lets its predecessor end.
        is_past = ~windows.is_first & (windows.remaining < self.geometry.num_given)
        spectra, last = cross_fade(spectra, carry.spectra, ~windows.is_first, is_past)
        row = in_a_row(spectra)
        signal, tail, weight = invert_on(
            row, jnp.ones(row.shape[-1]), carry.tail, carry.weight, spec.n_fft, spec.hop
        )
        return FieldCarry(last, tail, weight), signal
