import librosa
import numpy as np
import pytest

from spatialjax.errors import ConfigError
from spatialjax.metrics.mel import mel_filters


@pytest.mark.parametrize(
    ("rate_hz", "n_fft", "num_mels", "highest_hz"),
    [(48000, 2048, 128, 12000.0), (16000, 512, 40, 8000.0), (11025, 1022, 20, 700.0)],
)
def test_filters_equal_librosas(rate_hz, n_fft, num_mels, highest_hz):
    given = mel_filters(rate_hz, n_fft, num_mels, highest_hz)
    expected = librosa.filters.mel(
        sr=rate_hz, n_fft=n_fft, n_mels=num_mels, fmax=highest_hz, dtype=np.float64
    )
    np.testing.assert_allclose(given, expected, rtol=1e-10, atol=1e-14)


def test_a_fine_grid_shows_equal_areas():
    filters = mel_filters(48000, 1 << 16, 128, 12000.0)
    np.testing.assert_allclose(filters.sum(-1) * 48000 / (1 << 16), 1, rtol=1e-3)


@pytest.mark.parametrize("highest_hz", [0.0, 8001.0])
def test_frequencies_outside_the_spectrum_are_refused(highest_hz):
    with pytest.raises(ConfigError, match="at most half the rate, 8000 Hz"):
        mel_filters(16000, 512, 40, highest_hz)
