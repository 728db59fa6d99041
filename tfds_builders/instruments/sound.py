"""The sound of a part: additive synthesis of its notes."""

import numpy as np

from tfds_builders.instruments.melody import Note, Part
from tfds_builders.instruments.timbres import Instrument

LEVEL = 0.1  # root mean square of a clip, -20 dB of full scale
PEAK = 0.49  # two sources still add up within int16
HIGHEST = 0.46  # of the sample rate: partials above would alias
STRIKE_S = 0.012  # time constant of the noise of a stroke
TAIL = 5.0  # time constants until a released note is cut, at -43 dB


def render_part(part: Part, num_samples: int, sample_rate_hz: int) -> np.ndarray:
    """The sound of one instrument, float64 of shape [t], full scale 1.

    The root mean square is -20 dB, less where a peak would pass 0.49.
    """
    rng = np.random.Generator(np.random.Philox(part.noise_seed))
    sound = np.zeros(num_samples)
    for note in part.notes:
        wave = _note(part.instrument, note, sample_rate_hz, rng)
        first = round(note.onset_s * sample_rate_hz)
        start, stop = max(first, 0), min(first + len(wave), num_samples)
        if start < stop:
            sound[start:stop] += wave[start - first : stop - first]
    level = np.sqrt(np.mean(sound**2))
    return sound * min(LEVEL / level, PEAK / np.abs(sound).max())


def to_int16(sound: np.ndarray) -> np.ndarray:
    """Rounded samples, full scale 32768."""
    return np.round(sound * 32768.0).astype(np.int16)


def loudness(
    sound: np.ndarray, num_images: int, image_rate_hz: float, sample_rate_hz: int
) -> np.ndarray:
    """Level around the time of each picture, [v], 1 = the loudest of the clip.

    Picture i stands for the samples from i to i + 1 picture periods.
    """
    edges = np.round(np.arange(num_images + 1) / image_rate_hz * sample_rate_hz).astype(
        int
    )
    power = np.concatenate([[0.0], np.cumsum(np.asarray(sound, np.float64) ** 2)])
    edges = np.minimum(edges, len(sound))
    mean = np.diff(power[edges]) / np.maximum(np.diff(edges), 1)
    level = np.sqrt(np.maximum(mean, 0.0))
    return level / max(level.max(), 1e-9)


def _note(
    instrument: Instrument, note: Note, sample_rate_hz: int, rng: np.random.Generator
) -> np.ndarray:
    """One note from its onset to the end of its release, [t], peak about 1."""
    seconds = note.duration_s + TAIL * instrument.release_s
    time = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    envelope = note.strength * _envelope(instrument, note.duration_s, time)
    fundamental_hz = 440.0 * 2.0 ** ((note.midi - 69.0) / 12.0)
    phase = (
        2
        * np.pi
        * np.cumsum(
            fundamental_hz * _vibrato(instrument, time, rng.random()) / sample_rate_hz
        )
    )
    wave = np.zeros_like(time)
    for ratio, amplitude in instrument.partials:
        stretch = ratio * np.sqrt(1.0 + instrument.stiffness * ratio**2)
        partial = amplitude * np.sin(stretch * phase + rng.uniform(0.0, 2 * np.pi))
        overtone = max(ratio - 1.0, 0.0)
        if instrument.damping:
            partial *= np.exp(
                -instrument.damping * overtone / instrument.decay_s * time
            )
        if instrument.bloom:
            partial *= envelope ** (instrument.bloom * overtone)
        if stretch * fundamental_hz < HIGHEST * sample_rate_hz:
            wave += partial
    if instrument.breath:
        wave += instrument.breath * _breath(phase, time, rng)
    burst = time[: round(10 * STRIKE_S * sample_rate_hz)]
    noise = rng.standard_normal(len(burst)) * np.exp(-burst / STRIKE_S)
    wave[: len(burst)] += instrument.strike * noise
    return envelope * wave


def _vibrato(instrument: Instrument, time: np.ndarray, turn: float) -> np.ndarray:
    """Factor of the frequency, [t]; the vibrato sets in over the first 150 ms."""
    wobble = np.sin(2 * np.pi * (instrument.vibrato_hz * time + turn))
    depth = instrument.vibrato_cents / 1200.0 * np.minimum(time / 0.15, 1.0)
    return 2.0 ** (depth * wobble)


def _envelope(
    instrument: Instrument, duration_s: float, time: np.ndarray
) -> np.ndarray:
    """Attack, decay to the sustained level, tremulant and release, [t]."""
    attack = np.sin(0.5 * np.pi * np.minimum(time / instrument.attack_s, 1.0)) ** 2
    floor = instrument.sustain
    decay = floor + (1.0 - floor) * np.exp(-time / instrument.decay_s)
    shake = np.sin(2 * np.pi * instrument.tremulant_hz * time)
    tremulant = 1.0 + instrument.tremulant * shake
    release = np.exp(-np.maximum(time - duration_s, 0.0) / instrument.release_s)
    return attack * decay * tremulant * release


def _breath(
    phase: np.ndarray, time: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Noise of about 100 Hz width around the fundamental, [t]."""
    knots = np.arange(0.0, time[-1] + 0.02, 0.01)
    cosine, sine = rng.standard_normal((2, len(knots)))
    return np.interp(time, knots, cosine) * np.cos(phase) + np.interp(
        time, knots, sine
    ) * np.sin(phase)
