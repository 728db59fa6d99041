"""The mel scale of Slaney's Auditory Toolbox, as triangular filters."""

import functools

import numpy as np

from spatialjax.errors import ConfigError
from spatialjax.typing import HostArray

HZ_PER_MEL = 200 / 3
"""Below `BEND_HZ` the scale is linear."""
BEND_HZ = 1000.0
MELS_PER_NEPER = 27 / np.log(6.4)
"""Above, 27 steps lead from 1000 to 6400 Hz by equal ratios."""


@functools.lru_cache(maxsize=8)
def mel_filters(
    sample_rate_hz: float, n_fft: int, num_mels: int, highest_hz: float
) -> HostArray:
    """Filters [m, f], float64, of equal area: triangles between their neighbours.

    Their corners lie at equal steps in mel from 0 to `highest_hz` (Slaney, Auditory
    Toolbox, technical report 1998-010); each has the integral 1 over frequency in Hz,
    as librosa's default has.

    Raises:
      ConfigError: the highest frequency is not in the spectrum.
    """
    if not 0 < highest_hz <= sample_rate_hz / 2:
        raise ConfigError(
            f"the highest frequency of the mel filters is {highest_hz:g} Hz, expected "
            f"more than 0 and at most half the rate, {sample_rate_hz / 2:g} Hz"
        )
    mels = np.linspace(0, _hz_to_mel(highest_hz), num_mels + 2)
    low, centre, high = (_mel_to_hz(mels[i : i + num_mels, None]) for i in range(3))
    frequency_hz = np.arange(n_fft // 2 + 1) * (sample_rate_hz / n_fft)
    rising = (frequency_hz - low) / (centre - low)
    falling = (high - frequency_hz) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (high - low))


def _hz_to_mel(frequency_hz: float) -> float:
    if frequency_hz < BEND_HZ:
        return frequency_hz / HZ_PER_MEL
    return BEND_HZ / HZ_PER_MEL + MELS_PER_NEPER * np.log(frequency_hz / BEND_HZ)


def _mel_to_hz(mel: HostArray) -> HostArray:
    above = mel - BEND_HZ / HZ_PER_MEL
    return np.where(
        above < 0, mel * HZ_PER_MEL, BEND_HZ * np.exp(above / MELS_PER_NEPER)
    )
