"""Distances of spectra between an estimated and a true waveform.

The published loss of spatialaudiogen (Morgado, Vasconcelos, Langlois and Wang,
Self-supervised generation of spatial audio for 360° video, 2018, and its code) is the
mean over frames and bins of ``|FFT(h·target) - FFT(h·estimate)|²``, for periodic Hann
windows h at half a window's distance. By Parseval it equals a weighted square error of
the waveforms, ``Σ_n q[n]·(target[n] - estimate[n])²`` with q the mean over the frames
of the squared windows, so no transform is needed.
"""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from spatialjax.audio import PadMode, hann_window, stft
from spatialjax.errors import ConfigError, check_shape
from spatialjax.typing import Array, HostArray

WIN_LENGTH = 2048
"""Window of the published loss at 48 kHz: 25 ms, up to the next power of two."""
SIZES = (2048, 1024, 512, 256)
"""Transforms of the multi-resolution loss, in samples; 43 to 5 ms at 48 kHz."""
FLOOR = 1e-4
"""Magnitude, -80 dB below a full-scale sine, under which spectra are alike."""


def stft_compat_loss(
    estimate: Array, target: Array, win_length: int = WIN_LENGTH
) -> Array:
    """The published distances [..., c] of signals [..., c, t], squared amplitude.

    What lies beyond the last whole window has no say: 704 of 4800 samples at a window
    of 2048. The published training multiplies by 100.

    Raises:
      ShapeError: the shapes differ.
      ConfigError: the signals are no longer than a window.
    """
    weight = stft_compat_weights(estimate.shape[-1], win_length)
    return _weighted_square_error(estimate, target, weight)


def stft_native_loss(
    estimate: Array, target: Array, win_length: int = WIN_LENGTH
) -> Array:
    """As `stft_compat_loss`, but every sample has a say.

    Windows also lie across both ends. The weights have the same sum, so that white
    errors cost the same.

    Raises:
      ShapeError: the shapes differ.
    """
    weight = stft_native_weights(estimate.shape[-1], win_length)
    return _weighted_square_error(estimate, target, weight)


def multi_resolution_stft_loss(
    estimate: Array, target: Array, sizes: Sequence[int] = SIZES
) -> Array:
    """Distances [..., c] of signals [..., c, t], averaged over several transforms.

    For each transform the mean over bins of the difference of log-magnitudes, nats
    (which hears quiet bins), plus that of the complex spectra over the root mean square
    of the target's magnitudes in all channels (which hears phase, hence direction).
    Where W is among the channels it so sets the scale for those with little in them.
    All terms and gradients are finite for silence.

    Args:
      estimate: [..., c, t].
      target: likewise.
      sizes: lengths of the transforms in samples; each moves on by a quarter.

    Raises:
      ShapeError: the shapes differ.
    """
    _check_signals(estimate, target)
    return sum(
        (_spectral_loss(estimate, target, n_fft) for n_fft in sizes),
        jnp.zeros(estimate.shape[:-1], jnp.float32),
    ) / len(sizes)


@functools.lru_cache(maxsize=16)
def stft_compat_weights(num_samples: int, win_length: int = WIN_LENGTH) -> HostArray:
    """Weights q [t], float32, of the published loss; their sum is that of h².

    Windows start at 0, and at every half window while they end before the last sample.

    Raises:
      ConfigError: the signal is no longer than a window.
    """
    if num_samples <= win_length:
        raise ConfigError(
            f"the signal has {num_samples} samples; the published loss needs more than "
            f"a window of {win_length}: lengthen the signal or shorten the window"
        )
    starts = range(0, num_samples - win_length, win_length // 2)
    weight = _mean_squared_windows(num_samples, win_length, starts)
    weight.setflags(write=False)  # all callers share it
    return weight


@functools.lru_cache(maxsize=16)
def stft_native_weights(num_samples: int, win_length: int = WIN_LENGTH) -> HostArray:
    """Weights [t], float32, all positive, of the same sum as the published ones."""
    starts = range(-(win_length // 2), num_samples, win_length // 2)
    weight = _mean_squared_windows(num_samples, win_length, starts)
    total = np.square(hann_window(win_length), dtype=np.float64).sum()
    scaled = (weight * (total / weight.sum(dtype=np.float64))).astype(np.float32)
    scaled.setflags(write=False)
    return scaled


def _mean_squared_windows(
    num_samples: int, win_length: int, starts: Sequence[int]
) -> HostArray:
    """Mean of squared Hann windows at some starts, as far as they lie in the signal."""
    squares = np.square(hann_window(win_length), dtype=np.float64)
    total = np.zeros(num_samples + 2 * win_length)
    for start in starts:
        total[start + win_length : start + 2 * win_length] += squares
    mean = total[win_length : win_length + num_samples] / len(starts)
    return mean.astype(np.float32)


def _weighted_square_error(estimate: Array, target: Array, weight: HostArray) -> Array:
    _check_signals(estimate, target)
    error = estimate.astype(jnp.float32) - target.astype(jnp.float32)
    return jnp.einsum("...t,t->...", jnp.square(error), weight, precision="highest")


def _spectral_loss(estimate: Array, target: Array, n_fft: int) -> Array:
    # Over n_fft / 4, the sum of a Hann window by two, a sine of amplitude 1 has 1.
    own, true = (
        stft(signal, n_fft, n_fft // 4, pad_mode=PadMode.CONSTANT) * (4 / n_fft)
        for signal in (estimate, target)
    )
    own_power, true_power = _power(own) + FLOOR**2, _power(true) + FLOOR**2
    log_error = 0.5 * jnp.abs(jnp.log(own_power) - jnp.log(true_power))
    level = jnp.sqrt(true_power.mean((-3, -2, -1), keepdims=True))
    difference = _power(own - true)
    # The distance to FLOOR of sqrt(difference + FLOOR²), without cancellation.
    complex_error = difference / (jnp.sqrt(difference + FLOOR**2) + FLOOR)
    return (log_error + complex_error / level).mean((-2, -1))


def _power(spectrum: Array) -> Array:
    """Squared magnitudes, whose gradient is finite at 0."""
    return jnp.square(spectrum.real) + jnp.square(spectrum.imag)


def _check_signals(estimate: Array, target: Array) -> None:
    check_shape("estimate", estimate, "... c t")
    check_shape("target", target, " ".join(map(str, estimate.shape)))
