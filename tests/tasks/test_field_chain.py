import numpy as np
import pytest

from spatialjax.audio import StftMethod
from spatialjax.models import Field
from spatialjax.tasks.field_chain import SILENCE, FieldChain

CHAIN = FieldChain(
    sample_rate_hz=8000,
    n_fft=64,
    hop=16,
    num_frames=20,
    before=3,
    after=5,
    num_compared=200,
)
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)


def fields(rows=2, seed=0):
    rng = np.random.default_rng(seed)
    shape = (rows, 4, CHAIN.num_samples)
    return rng.integers(-9000, 9000, shape).astype(np.int16)


def spectra_of(signals):
    """Plain transform [..., f, k] of the frames of a window, in float64."""
    starts = 16 * np.arange(28)
    frames = signals[..., starts[:, None] + np.arange(64)]
    return np.fft.rfft(frames * HANN).swapaxes(-1, -2)


@pytest.mark.parametrize("method", [StftMethod.FFT, StftMethod.MATMUL])
def test_frames_lie_whole_in_the_window(method):
    assert CHAIN.num_samples == 27 * 16 + 64
    pcm = fields()
    chain = FieldChain(**{**vars(CHAIN), "method": method})
    heard = chain.hear(pcm)
    np.testing.assert_allclose(heard.signals, pcm / 32768, atol=1e-7)
    np.testing.assert_allclose(heard.spectra, spectra_of(pcm / 32768), atol=2e-5)
    np.testing.assert_array_equal(chain.kept(heard.spectra), heard.spectra[..., 3:23])


def test_frames_are_timed_from_the_middle_of_the_window():
    centres = 16 * np.arange(3, 23) + 32
    expected = (centres - CHAIN.num_samples / 2) / 8000
    np.testing.assert_allclose(CHAIN.frame_time_s, expected, atol=1e-9)


def test_what_is_compared_lies_in_the_middle_of_what_is_given():
    signals = fields() / np.float32(32768)
    found = CHAIN.signals(CHAIN.kept(CHAIN.transform(signals)))
    assert found.shape == (2, 4, 200)
    np.testing.assert_allclose(found, CHAIN.compared(signals), atol=1e-6)
    first = (16 * 3 + 32) + (19 * 16 - 200) // 2
    np.testing.assert_array_equal(
        CHAIN.compared(signals), signals[..., first : first + 200]
    )


def test_gains_and_constants():
    rng = np.random.default_rng(1)
    mono = np.float32(fields()[:, 0] / 32768)
    gain = np.float32(rng.normal(size=(2, 3)))
    offset = np.float32(rng.normal(size=(2, 3)))
    field = Field(
        np.broadcast_to(gain[..., None, None], (2, 3, 33, 20)),
        np.broadcast_to(offset[..., None], (2, 3, 20)),
    )
    spectra = CHAIN.apply(field, CHAIN.kept(CHAIN.transform(mono)))
    expected = gain[..., None] * mono[:, None] + offset[..., None]
    np.testing.assert_allclose(
        CHAIN.signals(spectra), CHAIN.compared(expected), atol=2e-6
    )
    plain = CHAIN.apply(field._replace(offset=None), CHAIN.kept(CHAIN.transform(mono)))
    expected = gain[..., None] * CHAIN.compared(mono)[:, None]
    np.testing.assert_allclose(CHAIN.signals(plain), expected, atol=2e-6)


def test_errors_are_over_the_energy_of_the_mono_signal():
    own, true = (spectra_of(fields(seed=s) / 32768)[..., 3:23] for s in (0, 1))
    mono = true[:, 0]
    expected = (np.abs(own - true) ** 2).sum((2, 3)) / (np.abs(mono) ** 2).sum((1, 2))[
        :, None
    ]
    found = CHAIN.errors(*(np.complex64(a) for a in (own, true, mono)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_an_error_as_loud_as_silence_costs_one_under_silence():
    rng = np.random.default_rng(0)
    quiet = spectra_of(SILENCE * rng.normal(size=(40, 4, CHAIN.num_samples)))
    quiet = np.complex64(quiet[..., 3:23])
    silent = np.zeros_like(quiet)
    assert not CHAIN.errors(silent, silent, silent[:, 0]).any()
    found = CHAIN.errors(quiet, silent, silent[:, 0])
    assert np.mean(found) == pytest.approx(1, abs=0.02)


def test_intensity_of_a_plane_wave_has_the_length_of_its_energy():
    rng = np.random.default_rng(3)
    gains = np.array([1.0, 0.6, 0.0, 0.8])[:, None]  # W, Y, Z, X
    spectra = spectra_of(gains * rng.normal(size=CHAIN.num_samples))[None]
    intensity, energy = CHAIN.intensity(spectra.astype(np.complex64), 12)
    assert intensity.shape == (1, 28, 12, 3)
    expected = np.asarray(energy)[..., None] * [0.8, 0.6, 0.0]
    np.testing.assert_allclose(intensity, expected, atol=1e-5)


def test_energy_is_relative_to_a_sine_of_full_scale():
    """Whose spectrum is as high as that of a constant of a half."""
    spectra = spectra_of(np.full((1, 4, CHAIN.num_samples), 0.5))
    _, energy = CHAIN.intensity(spectra.astype(np.complex64), 33)
    np.testing.assert_allclose(energy[..., 0], 1, rtol=1e-6)
