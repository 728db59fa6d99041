"""Log-spectral distances: how differently two signals spread over frequency, in dB.

Two of them are bit for bit those of spatialaudiogen (Morgado et al., 2018, published
code). Both take ten times the logarithm of a floored amplitude or mel power, so that
their numbers are no true decibels of amplitude; `log_spectral_distance_db` is.
"""

import jax.numpy as jnp

from spatialjax.audio import (
    PadMode,
    frame_signal,
    frames_to_spectrum,
    magnitude,
    stft,
)
from spatialjax.errors import ShapeError, check_shape
from spatialjax.metrics.mel import mel_filters
from spatialjax.typing import Array

N_FFT, HOP = 2048, 512
COMPAT_N_FFT = 1200
"""Window of the published distance, 25 ms at 48 kHz."""
COMPAT_FLOOR = 0.01
"""Added to amplitudes, and to mel powers, before the logarithm."""
NUM_MELS, HIGHEST_HZ = 128, 12000.0
FLOOR = 1e-5
"""Amplitude, -100 dB below a full-scale sine, that is added before the logarithm."""


def log_spectral_distance_db(
    estimate: Array, target: Array, n_fft: int = N_FFT, hop: int = HOP
) -> Array:
    """Distances [...] in dB of signals [..., t].

    For each frame the root mean square over bins of the difference of levels, ``20
    log10(magnitude + FLOOR)`` where a full-scale sine has magnitude 1; their mean over
    frames. Half the amplitude is 6 dB.

    Raises:
      ShapeError: the shapes differ.
    """
    _check_signals(estimate, target)
    levels_db = [
        20 * jnp.log10(magnitude(spectrum) * (4 / n_fft) + FLOOR)
        for spectrum in (
            stft(signal, n_fft, hop, pad_mode=PadMode.CONSTANT)
            for signal in (estimate, target)
        )
    ]
    return _root_mean_square(levels_db[0] - levels_db[1], -2).mean(-1)


def lsd_compat(estimate: Array, target: Array, n_fft: int = COMPAT_N_FFT) -> Array:
    """The published distances [...] of signals [..., t].

    Frames of n_fft samples, half overlapping; the root mean square over all n_fft bins
    of a difference of ``10 log10(amplitude + 0.01)``; the mean over frames. There are
    two frames for each whole window but the last: of 4800 samples 4200 are read.

    Raises:
      ShapeError: the shapes differ, or the signals are shorter than two windows.
    """
    num_samples = _check_signals(estimate, target)
    num_frames = 2 * (num_samples // n_fft - 1)
    if num_frames < 1:
        raise ShapeError(
            f"the signals have {num_samples} samples; this distance needs at least two "
            f"windows of {n_fft}"
        )
    error = _compat_level(_half_overlapping(target, n_fft, num_frames)) - _compat_level(
        _half_overlapping(estimate, n_fft, num_frames)
    )
    # Of the n_fft bins all but zero frequency and the highest come in pairs.
    count = jnp.full((error.shape[-2], 1), 2.0).at[0].set(1.0)
    if n_fft % 2 == 0:
        count = count.at[-1].set(1.0)
    count = count.reshape((1,) * (error.ndim - 2) + count.shape)
    return jnp.sqrt((jnp.square(error) * count).sum(-2) / n_fft).mean(-1)


def mel_lsd_compat(
    estimate: Array, target: Array, sample_rate_hz: float = 48000
) -> Array:
    """The published distances [...] of signals [..., t] on the mel scale.

    The root mean square, over 128 mel bands up to 12 kHz and all frames, of the
    difference of ``10 log10(power + 0.01)``. Frames of 2048 samples lie 512 apart, the
    ends reflected, as librosa's were in version 0.6.

    Raises:
      ShapeError: the shapes differ, or the signals are too short to be reflected.
      ConfigError: the rate is below 24 kHz.
    """
    _check_signals(estimate, target)
    filters = mel_filters(sample_rate_hz, N_FFT, NUM_MELS, HIGHEST_HZ)

    def level(signal: Array) -> Array:
        power = jnp.square(magnitude(stft(signal, N_FFT, HOP)))
        weight = jnp.asarray(filters, jnp.float32)
        mel = jnp.einsum("mf,...fk->...mk", weight, power, precision="highest")
        return _compat_level(mel)

    return _root_mean_square(level(target) - level(estimate), (-2, -1))


def _half_overlapping(signal: Array, n_fft: int, num_frames: int) -> Array:
    """Amplitudes [..., f, k] of frames that start at the first sample."""
    frames = frame_signal(signal.astype(jnp.float32), n_fft, n_fft // 2, num_frames)
    return magnitude(frames_to_spectrum(frames))


def _compat_level(amplitude: Array) -> Array:
    return 10 * jnp.log10(amplitude + COMPAT_FLOOR)


def _root_mean_square(error: Array, axes: int | tuple[int, ...]) -> Array:
    return jnp.sqrt(jnp.square(error).mean(axes))


def _check_signals(estimate: Array, target: Array) -> int:
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    return check_shape("estimate", estimate, "... t")["t"]
