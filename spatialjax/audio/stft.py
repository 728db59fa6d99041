"""Short-time Fourier transform and its inverse, equal to librosa's.

A signal ``[..., t]`` becomes a spectrum ``[..., f, k]`` of ``f = n_fft // 2 + 1`` bins
and k frames. Frame k is centred on sample k·hop: n_fft // 2 samples are padded on both
sides. The window is the periodic Hann window of n_fft samples, and nothing is scaled:
a sine of amplitude 1 has a magnitude of about n_fft / 4.
"""

import enum
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.audio.framing import fix_length, frame_signal, overlap_add
from spatialjax.errors import ConfigError, ShapeError, check_shape
from spatialjax.typing import Array, HostArray

PHASE_FLOOR = 1e-18
"""Magnitude under which a phase is 0: its square is still a normal float32."""


class PadMode(enum.StrEnum):
    """What stands before the first and after the last sample.

    librosa padded by reflection up to 0.8 and pads with zeros since 0.9; only frames
    within n_fft / 2 samples of an end differ.
    """

    REFLECT = "reflect"
    CONSTANT = "constant"


class StftMethod(enum.StrEnum):
    """How the transform of a frame is computed.

    MATMUL multiplies by the windowed Fourier matrix in full float32 precision, which
    suits the matrix units of a TPU; AUTO takes it in what is compiled for one, and FFT
    elsewhere.
    """

    FFT = "fft"
    MATMUL = "matmul"
    AUTO = "auto"


def num_stft_frames(num_samples: int, n_fft: int, hop: int) -> int:
    """Number of frames of `stft`: 1 + t // hop for an even n_fft."""
    return 1 + (num_samples - n_fft % 2) // hop


def stft(
    signal: Array,
    n_fft: int,
    hop: int,
    *,
    pad_mode: PadMode = PadMode.REFLECT,
    method: StftMethod = StftMethod.AUTO,
) -> Array:
    """Spectrum of shape [..., f, k], complex64, of a signal of shape [..., t].

    Raises:
      ShapeError: the signal is empty, or too short to be padded by reflection.
      ConfigError: n_fft or hop is out of range.
    """
    _check_sizes(n_fft, hop)
    num_samples = check_shape("signal", signal, "... t")["t"]
    pad = n_fft // 2
    shortest = pad + 1 if pad_mode == PadMode.REFLECT else 1
    if num_samples < shortest:
        raise ShapeError(
            f"the signal has {num_samples} samples, a transform of {n_fft} with "
            f"{pad_mode} padding needs at least {shortest}; lengthen the signal, "
            "shorten n_fft or pad with zeros"
        )
    signal = jnp.asarray(signal, jnp.float32)
    padding = [(0, 0)] * (signal.ndim - 1) + [(pad, pad)]
    padded = jnp.pad(signal, padding, mode=str(pad_mode))
    num_frames = num_stft_frames(num_samples, n_fft, hop)
    return frames_to_spectrum(frame_signal(padded, n_fft, hop, num_frames), method)


def istft(
    spectrum: Array,
    hop: int,
    *,
    n_fft: int | None = None,
    length: int | None = None,
    method: StftMethod = StftMethod.AUTO,
) -> Array:
    """Signal of shape [..., t], float32, of a spectrum of shape [..., f, k].

    Inverse frames are windowed again, overlapped, added and divided by the sum of the
    squared windows: the least-squares signal of Griffin and Lim (1984, eq. 6).

    Args:
      spectrum: complex, [..., f, k].
      hop: samples between frames.
      n_fft: samples of a frame; 2·(f - 1) where None.
      length: samples to return, cut or continued by zeros; where None, those between
        the centres of the first and the last frame, (k - 1)·hop for an even n_fft.
      method: how an inverse frame is computed.

    Raises:
      ShapeError: the number of bins does not belong to n_fft.
      ConfigError: n_fft or hop is out of range.
    """
    sizes = check_shape("spectrum", spectrum, "... f k")
    n_fft = 2 * (sizes["f"] - 1) if n_fft is None else n_fft
    _check_sizes(n_fft, hop)
    check_shape("spectrum", spectrum, "... f k", {"f": n_fft // 2 + 1})
    if length is None:
        length = (sizes["k"] - 1) * hop + n_fft % 2
    frames = spectrum_to_frames(spectrum, n_fft, method)
    signal = fix_length(overlap_add(frames, hop)[..., n_fft // 2 :], length)
    return signal * _broadcast(_normaliser(n_fft, hop, sizes["k"], length), signal)


def frames_to_spectrum(frames: Array, method: StftMethod = StftMethod.AUTO) -> Array:
    """Spectrum [..., f, k] of frames [..., k, n_fft], which are windowed here."""
    if method == StftMethod.AUTO:
        return _analyse(frames)
    return _analyse_by_fft(frames) if method == "fft" else _analyse_by_matrix(frames)


def spectrum_to_frames(
    spectrum: Array, n_fft: int, method: StftMethod = StftMethod.AUTO
) -> Array:
    """Frames [..., k, n_fft] of a spectrum [..., f, k], windowed once more.

    Overlapped and added, they are the signal times the sum of the squared windows.
    """
    if method == StftMethod.AUTO:
        return _synthesise(spectrum, n_fft)
    if method == StftMethod.FFT:
        return _synthesise_by_fft(spectrum, n_fft=n_fft)
    return _synthesise_by_matrix(spectrum, n_fft=n_fft)


# What is compiled for decides, be it here or elsewhere. Compiled, so that a call by
# itself is not traced anew each time.
@jax.jit
def _analyse(frames: Array) -> Array:
    return jax.lax.platform_dependent(
        frames, tpu=_analyse_by_matrix, default=_analyse_by_fft
    )


@functools.partial(jax.jit, static_argnames="n_fft")
def _synthesise(spectrum: Array, n_fft: int) -> Array:
    return jax.lax.platform_dependent(
        spectrum,
        tpu=functools.partial(_synthesise_by_matrix, n_fft=n_fft),
        default=functools.partial(_synthesise_by_fft, n_fft=n_fft),
    )


def _analyse_by_fft(frames: Array) -> Array:
    window = _broadcast(hann_window(frames.shape[-1]), frames)
    return jnp.swapaxes(jnp.fft.rfft(frames * window), -1, -2)


def _analyse_by_matrix(frames: Array) -> Array:
    matrix = _analysis_matrix(frames.shape[-1])
    parts = jnp.einsum("...kn,pfn->...pfk", frames, matrix, precision="highest")
    return jax.lax.complex(parts[..., 0, :, :], parts[..., 1, :, :])


def _synthesise_by_fft(spectrum: Array, *, n_fft: int) -> Array:
    frames = jnp.fft.irfft(jnp.swapaxes(spectrum, -1, -2), n=n_fft)
    return frames * _broadcast(hann_window(n_fft), frames)


def _synthesise_by_matrix(spectrum: Array, *, n_fft: int) -> Array:
    parts = jnp.stack([spectrum.real, spectrum.imag], axis=-3)
    return jnp.einsum(
        "...pfk,pfn->...kn", parts, _synthesis_matrix(n_fft), precision="highest"
    )


def magnitude(spectrum: Array) -> Array:
    """Magnitudes, float32, of the shape of a spectrum; the gradient at 0 is 0."""
    return jnp.abs(spectrum)


def phase(spectrum: Array) -> Array:
    """Phases in radians, float32, of the shape of a spectrum.

    Where the magnitude is below `PHASE_FLOOR` both the phase and its gradient are 0.
    """
    is_silent = jnp.abs(spectrum) < PHASE_FLOOR
    return jnp.angle(jnp.where(is_silent, jnp.complex64(1), spectrum))


@functools.lru_cache(maxsize=16)
def hann_window(num_samples: int) -> HostArray:
    """Periodic Hann window, float32: one period of (1 - cos) / 2."""
    angle_rad = 2 * np.pi * np.arange(num_samples) / num_samples
    return (0.5 - 0.5 * np.cos(angle_rad)).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _fourier_matrix(n_fft: int) -> HostArray:
    """Cosines and negative sines, float64 [2, f, n_fft]: the real Fourier transform."""
    products = np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) % n_fft
    angle_rad = 2 * np.pi * products / n_fft
    return np.stack([np.cos(angle_rad), -np.sin(angle_rad)])


@functools.lru_cache(maxsize=8)
def _analysis_matrix(n_fft: int) -> HostArray:
    """Windowed Fourier matrix, float32 [2, f, n_fft]."""
    return (_fourier_matrix(n_fft) * hann_window(n_fft)).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _synthesis_matrix(n_fft: int) -> HostArray:
    """Windowed inverse of one-sided spectra, float32 [2, f, n_fft].

    All bins but zero frequency and, for an even n_fft, the highest stand for two.
    """
    multiplicity = np.full(n_fft // 2 + 1, 2.0)
    multiplicity[0] = 1
    if n_fft % 2 == 0:
        multiplicity[-1] = 1
    inverse = _fourier_matrix(n_fft) * multiplicity[:, None] / n_fft
    return (inverse * hann_window(n_fft)).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _normaliser(n_fft: int, hop: int, num_frames: int, length: int) -> HostArray:
    """One over the sum of squared windows, float32 [length]; 1 where no window is."""
    overlap = math.ceil(n_fft / hop)
    squares = np.zeros(overlap * hop)
    squares[:n_fft] = hann_window(n_fft).astype(np.float64) ** 2
    blocks = np.zeros((num_frames + overlap - 1, hop))
    for j in range(overlap):
        blocks[j : j + num_frames] += squares[j * hop : (j + 1) * hop]
    total = np.zeros(length)
    known = blocks.ravel()[n_fft // 2 :][:length]
    total[: known.size] = known
    is_covered = total > np.finfo(np.float32).tiny
    return np.where(is_covered, 1 / np.where(is_covered, total, 1), 1).astype(
        np.float32
    )


def _broadcast(vector: HostArray, like: Array) -> HostArray:
    """A vector along the last axis, of the rank of another array."""
    return vector.reshape((1,) * (like.ndim - 1) + vector.shape)


def _check_sizes(n_fft: int, hop: int) -> None:
    if n_fft < 2 or hop < 1:
        raise ConfigError(
            f"n_fft is {n_fft} and hop is {hop}; n_fft must be at least 2 and hop at "
            "least 1"
        )
