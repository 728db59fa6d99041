import itertools

import numpy as np
import pytest
from scipy import signal

from tfds_builders.instruments import INSTRUMENTS, Note, Part
from tfds_builders.instruments.sound import loudness, render_part, to_int16
from tfds_builders.toy_band.world import World, plan_clip

RATE_HZ = 11025
WINDOW = 31 * 256 + 1  # samples of 32 frames: what the demo trains on, 0.72 s
WORLD = World(seconds=4.0)


def solo(split, index):
    (part,) = plan_clip(WORLD, split, index).parts
    return part, render_part(part, WORLD.num_samples, RATE_HZ)


@pytest.fixture(scope="module")
def solos():
    return [solo("train", index) for index in range(24)]


def test_level_peak_and_balance(solos):
    levels = [10 * np.log10(np.mean(sound**2)) for _, sound in solos]
    assert max(levels) <= -20.0 + 1e-6
    assert min(levels) > -23.0
    assert max(np.abs(sound).max() for _, sound in solos) <= 0.49 + 1e-12


def test_windows_are_hardly_ever_silent(solos):
    windows = np.concatenate(
        [
            np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::500]
            for _, sound in solos
        ]
    )
    level = 10 * np.log10(np.mean(windows**2, -1) + 1e-12)
    assert np.mean(level < -45.0) < 0.01


def test_two_sources_add_up_within_int16(solos):
    for (_, first), (_, second) in itertools.combinations(solos[:8], 2):
        total = to_int16(first).astype(int) + to_int16(second)
        assert np.abs(total).max() < 32768


def test_the_same_part_sounds_the_same(solos):
    part, sound = solos[0]
    again = render_part(part, WORLD.num_samples, RATE_HZ)
    assert again.tobytes() == sound.tobytes()


@pytest.mark.parametrize("class_id", range(len(INSTRUMENTS)))
def test_a_note_has_the_partials_of_its_instrument(class_id):
    instrument = INSTRUMENTS[class_id]
    note = Note(0.05, 0.9, instrument.centre_midi, 1.0)
    part = Part(class_id, (note,), noise_seed=3)
    sound = render_part(part, RATE_HZ, RATE_HZ)
    power = np.abs(np.fft.rfft(sound * np.hanning(RATE_HZ))) ** 2  # 1 Hz a bin
    fundamental_hz = 440.0 * 2.0 ** ((instrument.centre_midi - 69.0) / 12.0)
    near = np.zeros(len(power), bool)
    found = []
    for ratio, _ in instrument.partials:
        hz = fundamental_hz * ratio * np.sqrt(1 + instrument.stiffness * ratio**2)
        half = 30 + 0.02 * hz  # 2 % holds any vibrato
        band = slice(int(hz - half), int(hz + half) + 1)
        if hz < 0.46 * RATE_HZ:
            near[band] = True
            found.append(power[band].sum())
    assert power[near].sum() > 0.9 * power.sum()
    assert min(found) > 1e-4 * power.sum()


def test_timbres_differ_between_all_instruments():
    """Envelopes and spectra of one and the same pitch, compared pair by pair."""
    signatures = []
    for class_id in range(len(INSTRUMENTS)):
        part = Part(class_id, (Note(0.0, 0.7, 60.0, 1.0),), noise_seed=1)
        sound = render_part(part, RATE_HZ, RATE_HZ)
        spectrum = np.abs(signal.stft(sound, nperseg=512, noverlap=256)[2])
        spectrum = np.sqrt(spectrum)
        signatures.append((spectrum / np.linalg.norm(spectrum)).ravel())
    likeness = np.array(signatures) @ np.array(signatures).T
    assert (likeness - np.eye(len(INSTRUMENTS))).max() < 0.95


def test_loudness_follows_each_picture_period():
    sound = np.concatenate([np.full(100, 0.2), np.full(100, 0.1), np.zeros(100)])
    level = loudness(sound, 3, 10.0, 1000)
    np.testing.assert_allclose(level, [1.0, 0.5, 0.0], atol=1e-9)
    assert loudness(np.zeros(300), 3, 10.0, 1000).tolist() == [0.0, 0.0, 0.0]
    assert loudness(sound[:250], 3, 10.0, 1000).shape == (3,)


def si_sdr_db(estimate, source):
    target = (estimate @ source) / (source @ source) * source
    return 10 * np.log10((target @ target) / np.sum((estimate - target) ** 2))


def test_an_ideal_mask_separates_mixtures_of_two_classes(solos):
    """The bound that a model is held against: > 15 dB over the mixture."""
    settings = {"nperseg": 1022, "noverlap": 1022 - 256, "nfft": 1022}
    improvements = []
    for (one, first), (two, second) in itertools.combinations(solos[:12], 2):
        if one.class_id == two.class_id:
            continue
        sources = np.stack([first, second])[:, 9000 : 9000 + WINDOW]
        spectra = signal.stft(sources, **settings)[2]
        louder = np.abs(spectra[0]) > np.abs(spectra[1])
        for source, mask in zip(sources, (louder, ~louder), strict=True):
            estimate = signal.istft(mask * spectra.sum(0), **settings)[1]
            estimate = estimate[:WINDOW]
            source = source[: len(estimate)]
            before = si_sdr_db(sources.sum(0)[: len(estimate)], source)
            improvements.append(si_sdr_db(estimate, source) - before)
    assert np.mean(improvements) > 15.0
    assert np.percentile(improvements, 10) > 7.0
