import functools

import jax
import jax.numpy as jnp
import librosa
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.metrics import (
    log_spectral_distance_db,
    lsd_compat,
    mel_lsd_compat,
)

pytestmark = pytest.mark.usefixtures("strict_dtypes")
DISTANCES = {
    "db": jax.jit(log_spectral_distance_db),
    "lsd": jax.jit(lsd_compat),
    "mel": jax.jit(functools.partial(mel_lsd_compat, sample_rate_hz=48000)),
}


def noise(*shape, seed=0, level=0.1):
    rng = np.random.default_rng(seed)
    return (level * rng.normal(size=shape)).astype(np.float32)


def published_lsd(estimate, target):
    """Float64, all 1200 bins of each frame."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi / 1200 * np.arange(1200))
    levels = []
    for signal in (estimate, target):
        starts = range(0, 3001, 600)
        frames = np.stack([signal[..., s : s + 1200] * hann for s in starts], -2)
        levels.append(10 * np.log10(np.abs(np.fft.fft(frames)) + 0.01))
    return np.sqrt(((levels[0] - levels[1]) ** 2).mean(-1)).mean(-1)


def published_mel_lsd(estimate, target):
    levels = []
    for signal in (estimate, target):
        mel = librosa.feature.melspectrogram(
            y=signal.astype(np.float64),
            sr=48000,
            n_mels=128,
            fmax=12000,
            pad_mode="reflect",
        )
        levels.append(10 * np.log10(mel + 0.01))
    return np.sqrt(((levels[0] - levels[1]) ** 2).mean((-2, -1)))


@pytest.mark.parametrize("level", [1e-4, 0.1])
def test_equals_the_published_distances(level):  # spec 5
    estimate, target = noise(2, 3, 4800), noise(2, 3, 4800, seed=1, level=level)
    lsd = DISTANCES["lsd"](jnp.asarray(estimate), jnp.asarray(target))
    np.testing.assert_allclose(lsd, published_lsd(estimate, target), rtol=1e-4)
    mel = DISTANCES["mel"](jnp.asarray(estimate), jnp.asarray(target))
    np.testing.assert_allclose(mel, published_mel_lsd(estimate, target), rtol=1e-4)


def test_half_the_amplitude_is_six_decibels_or_half_of_them():
    signal = jnp.asarray(noise(4800, level=1.0))
    decibels = 20 * np.log10(2)
    given = {name: of(0.5 * signal, signal) for name, of in DISTANCES.items()}
    assert given["db"] == pytest.approx(decibels, rel=0.01)
    assert given["lsd"] == pytest.approx(decibels / 2, rel=0.01)
    assert given["mel"] == pytest.approx(decibels, rel=0.02)


def test_silence_is_a_hundred_decibels_below_a_full_scale_sine():
    time_s = np.arange(48000) / 48000
    sine = jnp.asarray(np.sin(2 * np.pi * 3000 * time_s), jnp.float32)
    measure = functools.partial(log_spectral_distance_db, n_fft=64, hop=64)
    given = jax.jit(measure)(0 * sine, sine)
    # A bin and its two neighbours, at half its height, stand out of 33.
    expected = np.sqrt((100**2 + 2 * 93.98**2) / 33)
    assert given == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", DISTANCES)
def test_zero_for_the_target_and_for_silence_and_blind_to_the_sign(name):  # B 22
    signal = jnp.asarray(noise(2, 4800))
    for estimate, target in ((signal, signal), (0 * signal, 0 * signal)):
        assert np.abs(DISTANCES[name](estimate, target)).max() < 1e-5
    assert np.abs(DISTANCES[name](-signal, signal)).max() < 1e-5
    assert (DISTANCES[name](signal, 0 * signal) > 0.3).all()


def test_published_distance_does_not_read_the_end():
    signal = noise(4800)
    changed = signal.copy()
    changed[4200:] = 0
    assert DISTANCES["lsd"](jnp.asarray(changed), jnp.asarray(signal)) < 1e-6
    changed[4100:] = 0
    assert DISTANCES["lsd"](jnp.asarray(changed), jnp.asarray(signal)) > 1e-3


def test_bad_shapes_are_refused():
    for distance in (log_spectral_distance_db, lsd_compat, mel_lsd_compat):
        with pytest.raises(ShapeError, match="target"):
            distance(jnp.zeros((2, 4800)), jnp.zeros((1, 4800)))
    with pytest.raises(ShapeError, match=r"2399 samples.*two windows of 1200"):
        lsd_compat(jnp.zeros(2399), jnp.zeros(2399))
