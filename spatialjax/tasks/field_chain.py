"""From the PCM of a batch to spectra of a sound field, and from gains to its channels.

What systems share that make ambisonics of a mono signal, whatever network gives the
gains: the transform, the error, and the way back to sound.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from spatialjax.audio import (
    StftMethod,
    frame_signal,
    frames_to_spectrum,
    hann_window,
    istft,
    pcm16_to_float,
    pool_log_frequency,
)
from spatialjax.models import Field
from spatialjax.typing import Array, HostArray

SILENCE = 1e-4
"""Root mean square, of full scale 1, that is added to the level of the mono signal."""


class HeardField(NamedTuple):
    """A batch of sound fields as signals, and as spectra of the window's frames."""

    signals: Array  # [b, c, t]
    spectra: Array  # [b, c, f, before + k + after]


@dataclass(frozen=True)
class FieldChain:
    """The settings of the chain.

    A window hears `before` + `num_frames` + `after` frames, each whole within it, and
    gives the field of `num_frames`. Signals are compared over `num_compared` samples in
    the middle of these.
    """

    sample_rate_hz: int
    n_fft: int
    hop: int
    num_frames: int
    before: int
    after: int
    num_compared: int
    method: StftMethod = StftMethod.AUTO

    @property
    def num_heard(self) -> int:
        """Frames of a window."""
        return self.before + self.num_frames + self.after

    @property
    def num_samples(self) -> int:
        """Samples of a window."""
        return (self.num_heard - 1) * self.hop + self.n_fft

    @property
    def frame_time_s(self) -> HostArray:
        """When the frames of the field are centred, from the middle of the window."""
        frames = self.before + np.arange(self.num_frames) - (self.num_heard - 1) / 2
        return (frames * self.hop / self.sample_rate_hz).astype(np.float32)

    def hear(self, audio: Array) -> HeardField:
        """Signals and spectra of PCM ``[b, c, t]`` int16."""
        signals = pcm16_to_float(audio)
        return HeardField(signals, self.transform(signals))

    def transform(self, signals: Array) -> Array:
        """Spectra ``[..., f, k]`` of the frames of a window ``[..., t]``."""
        frames = frame_signal(signals, self.n_fft, self.hop, self.num_heard)
        return frames_to_spectrum(frames, self.method)

    def kept(self, spectra: Array) -> Array:
        """The frames of the field, of all frames of the window ``[..., k]``."""
        return spectra[..., self.before : self.before + self.num_frames]

    def apply(self, field: Field, mono: Array) -> Array:
        """Spectra ``[b, c, f, k]`` of the channels above the first.

        Args:
          field: gains, and the constants that are added.
          mono: spectrum ``[b, f, k]`` of the frames of the field.
        """
        spectra = field.gain * mono[:, None]
        if field.offset is not None:
            constant = jnp.fft.rfft(hann_window(self.n_fft))[None, None, :, None]
            spectra = spectra + field.offset[:, :, None] * constant
        return spectra

    def errors(self, estimates: Array, targets: Array, mono: Array) -> Array:
        """Squared error of each channel over the energy of the mono signal ``[b, c]``.

        Args:
          estimates: spectra ``[b, c, f, k]``.
          targets: likewise.
          mono: spectrum ``[b, f, k]``.
        """
        # A bin of white noise has its mean square times the sum of squares of a window.
        num_bins = self.num_frames * (self.n_fft // 2 + 1)
        floor = SILENCE**2 * num_bins * 3 / 8 * self.n_fft
        energy = _squares(mono).sum((1, 2)) + floor
        return _squares(estimates - targets).sum((2, 3)) / energy[:, None]

    def intensity(self, spectra: Array, num_rows: int) -> tuple[Array, Array]:
        """Intensity ``[b, k, i, 3]`` and energy of W ``[b, k, i]`` on log frequencies.

        Relative to a sine of full scale; of spectra ``[b, c, f, k]``, c at least 4.
        """
        mono, above = spectra[:, :1], spectra[:, 1:4]
        flow = mono.real * above.real + mono.imag * above.imag
        both = jnp.concatenate([_squares(mono), flow], 1) * (4 / self.n_fft) ** 2
        rows = jnp.moveaxis(pool_log_frequency(both, num_rows), (1, 2), (3, 2))
        energy, y, z, x = (rows[..., c] for c in range(4))
        return jnp.stack([x, y, z], -1), energy

    def signals(self, spectra: Array) -> Array:
        """The samples ``[..., t]`` that are compared, of the frames of the field."""
        whole = istft(spectra, self.hop, n_fft=self.n_fft, method=self.method)
        first = (whole.shape[-1] - self.num_compared) // 2
        return whole[..., first : first + self.num_compared]

    def compared(self, signals: Array) -> Array:
        """The same samples of a window ``[..., t]``."""
        length = (self.num_frames - 1) * self.hop
        first = self.n_fft // 2 + self.before * self.hop
        first += (length - self.num_compared) // 2
        return signals[..., first : first + self.num_compared]


def _squares(spectra: Array) -> Array:
    return jnp.square(spectra.real) + jnp.square(spectra.imag)
