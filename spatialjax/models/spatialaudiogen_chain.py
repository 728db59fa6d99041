"""From sound to what `SpatialAudioGen` hears, and from its tracks to ambisonics.

The published form takes windows of 52 799 samples and gives the channels above W for
4 800 of them, `render_window`: weights jump from step to step, and belong to other
times than those they were computed from. The native form, `stream_field`, gives masks
on the spectrogram of a stream: weights go linearly from the middle of one step to the
next, and one inverse transform with overlapping windows joins everything. Both leave
the tracks `TRACK_GAIN`, so weights that were trained in one serve in the other.

Samples are at 48 kHz as published; for another rate, frames and bins stay the same.
"""

import jax.numpy as jnp
import numpy as np

from spatialjax.audio import (
    StftMethod,
    frame_signal,
    frames_to_spectrum,
    magnitude,
    overlap_add,
)
from spatialjax.errors import check_shape
from spatialjax.models.field import Field
from spatialjax.models.spatialaudiogen import NUM_STEPS, TRACK_GAIN, Tracks
from spatialjax.models.spatialaudiogen_encoders import NUM_BINS, NUM_FRAMES
from spatialjax.models.spatialaudiogen_separation import Rows
from spatialjax.typing import Array

N_FFT = NUM_BINS
HOP = 256

WINDOW_SAMPLES = 52_799
HEARD_SAMPLES = (11_776, 45_056)
"""First and end of the samples that the network hears; others change nothing."""
CHUNK_START = 24_000
CHUNK_SAMPLES = 4_800
SEGMENT_SAMPLES = CHUNK_SAMPLES // NUM_STEPS

CHUNK_ROWS: Rows = (44, 67)
"""The frames that reach the chunk; the published code kept rows 43 to 70."""
STEP_ROWS = (47, 63, 79)
"""Middle frame of what each time step hears: 95 frames, every 16."""
STREAM_ROWS: Rows = (47, 79)
"""From the first to the last step: windows 32 frames apart continue each other."""


def centre_pictures(images: Array) -> Array:
    """Pictures ``[..., 3]`` in [-0.5, 0.5], of uint8, as the network sees them."""
    return images.astype(jnp.float32) / 255 - 0.5


def two_sided(one_sided: Array) -> Array:
    """Magnitudes ``[b, k, 1024]`` of all bins, of those ``[b, 513, k]`` of one side."""
    return jnp.concatenate([one_sided, one_sided[:, -2:0:-1]], 1).swapaxes(1, 2)


def window_magnitude(mono: Array, method: StftMethod = StftMethod.AUTO) -> Array:
    """Magnitudes ``[b, 127, 1024]`` for the network, of windows ``[b, 52799]``.

    Raises:
      ShapeError: a window has another length.
    """
    first_frame = HEARD_SAMPLES[0] // HOP
    return two_sided(magnitude(_spectrum(mono, first_frame, NUM_FRAMES, method)))


def render_window(
    mono: Array, tracks: Tracks, method: StftMethod = StftMethod.AUTO
) -> Array:
    """The channels above W of the published chunk, ``[b, o, 4800]``.

    Equal to the mix of all inverted tracks, but the masks are mixed first. An inverse
    frame has no window of its own: the sum of Hann windows, 2, is divided by.

    Args:
      mono: windows ``[b, 52799]``, W of the ambisonics.
      tracks: for `CHUNK_ROWS`.
      method: how the spectrum is computed.

    Raises:
      ShapeError: a window has another length, or the masks are of other rows.
    """
    start, stop = CHUNK_ROWS
    check_shape("masks", tracks.masks, f"b n {N_FFT // 2 + 1} {stop - start}")
    first_frame = HEARD_SAMPLES[0] // HOP + start
    spectrum = _spectrum(mono, first_frame, stop - start, method)
    segments = []
    for step in range(NUM_STEPS):
        sample = CHUNK_START + step * SEGMENT_SAMPLES - first_frame * HOP
        first = (sample - N_FFT) // HOP + 1
        end = (sample + SEGMENT_SAMPLES - 1) // HOP + 1
        mask = jnp.einsum(
            "bon,bnfk->bofk",
            tracks.weights[:, step],
            tracks.masks[..., first:end],
            precision="highest",
        )
        masked = mask * spectrum[:, None, :, first:end]
        frames = jnp.fft.irfft(masked.swapaxes(-1, -2), N_FFT)
        begin = sample - first * HOP
        segments.append(overlap_add(frames, HOP)[..., begin : begin + SEGMENT_SAMPLES])
    bias = jnp.repeat(tracks.bias.swapaxes(1, 2), SEGMENT_SAMPLES, axis=-1)
    return TRACK_GAIN / 2 * jnp.concatenate(segments, -1) + bias


def stream_field(tracks: Tracks, rows: Rows = STREAM_ROWS) -> Field:
    """The channels above W of some frames, as masks and constants.

    Args:
      tracks: for the same rows.
      rows: of the 127 frames; before the first and after the last step, weights stay.

    Raises:
      ShapeError: the masks are of other rows.
    """
    check_shape("masks", tracks.masks, f"b n f {rows[1] - rows[0]}")
    places = np.arange(*rows)
    shares = [np.interp(places, STEP_ROWS, step) for step in np.eye(NUM_STEPS)]
    share = np.stack(shares).astype(np.float32)
    weights = jnp.einsum("sk,bson->bkon", share, tracks.weights, precision="highest")
    gain = jnp.einsum("bkon,bnfk->bofk", weights, tracks.masks, precision="highest")
    offset = jnp.einsum("sk,bso->bok", share, tracks.bias, precision="highest")
    return Field(TRACK_GAIN * gain, offset)


def _spectrum(
    mono: Array, first_frame: int, num_frames: int, method: StftMethod
) -> Array:
    """Spectrum ``[b, 513, k]`` of some frames of a window; frame i starts at 256·i."""
    check_shape("mono", mono, f"b {WINDOW_SAMPLES}")
    start = first_frame * HOP
    heard = mono[:, start : start + (num_frames - 1) * HOP + N_FFT]
    return frames_to_spectrum(frame_signal(heard, N_FFT, HOP, num_frames), method)
