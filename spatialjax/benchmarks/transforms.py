"""How fast the short-time Fourier transforms of a task are, by each method."""

import statistics
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import numpy as np
import scipy.signal

from spatialjax.audio import StftMethod, istft, stft
from spatialjax.benchmarks.batches import make_noise_batch
from spatialjax.benchmarks.timing import time_calls
from spatialjax.errors import ConfigError, check_positive
from spatialjax.training import Experiment
from spatialjax.typing import HostArray

METHODS = (StftMethod.FFT, StftMethod.MATMUL)


@runtime_checkable
class HasTransform(Protocol):
    """Settings of a task that works on spectra."""

    n_fft: int
    hop: int


@dataclass(frozen=True)
class TransformSpeed:
    """What the transforms of one batch of sound take.

    Attributes:
      method: of the transforms.
      n_fft, hop, batch_size, num_signals: what was measured.
      audio_s: seconds of sound in the batch.
      stft_ms_p50, istft_ms_p50: time of a batch.
      stft_audio_s_per_s, istft_audio_s_per_s: seconds of sound in a second.
      scipy_ratio: times as fast forward as SciPy in the same run, on one core.
      round_trip_error: the largest, by the largest sample.
    """

    method: str
    n_fft: int
    hop: int
    batch_size: int
    num_signals: int
    audio_s: float
    stft_ms_p50: float
    istft_ms_p50: float
    stft_audio_s_per_s: float
    istft_audio_s_per_s: float
    scipy_ratio: float
    round_trip_error: float


def time_transforms(experiment: Experiment, num_calls: int) -> list[TransformSpeed]:
    """Both transforms of the sound of one batch on one device, by each method.

    Raises:
      ConfigError: the task has no transform, or `num_calls` is less than 1.
    """
    check_positive("num_calls", num_calls)
    if not isinstance(experiment.task, HasTransform):
        name = type(experiment.task).__name__
        raise ConfigError(f"{name} has no n_fft and hop, so no transform to time")
    spec = experiment.task.build().batch_spec
    rows = make_noise_batch(spec, experiment.data.batch_size)["audio"]
    length, rate_hz = rows.shape[-1], spec["audio"].rate_hz or 1.0
    signals = rows.reshape(len(rows), -1, length).astype(np.float32) / 32768
    n_fft, hop = experiment.task.n_fft, experiment.task.hop
    scipy_s = _scipy_s(signals, n_fft, hop, num_calls)
    return [
        _time_method(method, signals, n_fft, hop, rate_hz, num_calls, scipy_s)
        for method in METHODS
    ]


def _time_method(
    method: StftMethod,
    signals: HostArray,
    n_fft: int,
    hop: int,
    rate_hz: float,
    num_calls: int,
    scipy_s: float,
) -> TransformSpeed:
    length = signals.shape[-1]
    forward = jax.jit(lambda x: stft(x, n_fft, hop, method=method))
    back = jax.jit(lambda y: istft(y, hop, n_fft=n_fft, length=length, method=method))
    placed = jax.device_put(signals)
    spectra = forward(placed)
    error = np.abs(np.asarray(back(spectra)) - signals).max() / np.abs(signals).max()
    forward_s, back_s = (
        statistics.median(time_calls(function, num_calls, given))
        for function, given in ((forward, placed), (back, spectra))
    )
    audio_s = signals.size / rate_hz
    return TransformSpeed(
        method=method.value,
        n_fft=n_fft,
        hop=hop,
        batch_size=len(signals),
        num_signals=signals.size // length,
        audio_s=audio_s,
        stft_ms_p50=1e3 * forward_s,
        istft_ms_p50=1e3 * back_s,
        stft_audio_s_per_s=audio_s / forward_s,
        istft_audio_s_per_s=audio_s / back_s,
        scipy_ratio=scipy_s / forward_s,
        round_trip_error=float(error),
    )


def _scipy_s(signals: HostArray, n_fft: int, hop: int, num_calls: int) -> float:
    transform = scipy.signal.ShortTimeFFT(
        scipy.signal.windows.hann(n_fft, sym=False).astype(np.float32), hop, fs=1.0
    )
    return statistics.median(time_calls(transform.stft, num_calls, signals))
