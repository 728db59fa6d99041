"""The eight instruments of the toy worlds: how each one sounds and is played."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Instrument:
    """Register, timbre and manner of playing of one class.

    Attributes:
      name: label of the class; also names its silhouette in `shapes.py`.
      centre_midi: middle of the register, as a MIDI note number (69 = 440 Hz).
      partials: pairs (frequency over the fundamental, amplitude).
      attack_s: length of the onset ramp.
      decay_s: time constant of the decay towards `sustain`.
      sustain: level that a held note decays to, 0 (struck) to 1 (steady).
      release_s: time constant after the end of the note.
      damping: how much faster higher partials decay than the fundamental.
      bloom: how much higher partials lag behind the level (brass brightens).
      stiffness: inharmonicity B of a stiff string, f_r = r f_0 sqrt(1 + B r^2).
      vibrato_cents, vibrato_hz: peak depth and rate of the pitch's modulation.
      tremulant, tremulant_hz: depth (0 to 1) and rate of the level's modulation.
      breath: level of narrow-band noise around the fundamental.
      strike: level of a burst of white noise at the onset.
      beats: lengths of notes to draw from, in beats.
    """

    name: str
    centre_midi: float
    partials: tuple[tuple[float, float], ...]
    attack_s: float
    decay_s: float
    sustain: float
    release_s: float
    damping: float = 0.0
    bloom: float = 0.0
    stiffness: float = 0.0
    vibrato_cents: float = 0.0
    vibrato_hz: float = 5.5
    tremulant: float = 0.0
    tremulant_hz: float = 6.5
    breath: float = 0.0
    strike: float = 0.0
    beats: tuple[float, ...] = (0.5, 1.0, 1.0, 1.5)


def _harmonics(*amplitudes: float) -> tuple[tuple[float, float], ...]:
    """Pairs (1, a_1), (2, a_2), ... without the silent ones."""
    return tuple((float(r), a) for r, a in enumerate(amplitudes, 1) if a > 0)


# Registers lie about five semitones apart and each is played over a range of ten: the
# pitch alone hints at a class and does not decide it. Neighbours differ in timbre.
INSTRUMENTS = (
    Instrument(
        "bell",
        84.0,
        ((0.5, 0.25), (1.0, 1.0), (2.0, 0.3), (2.76, 0.55), (5.40, 0.2)),
        attack_s=0.003,
        decay_s=0.8,
        sustain=0.0,
        release_s=0.35,
        damping=0.25,
        strike=0.03,
    ),
    Instrument(
        "crumhorn",
        63.0,
        _harmonics(1.0, 0.0, 0.8, 0.0, 0.6, 0.0, 0.45, 0.0, 0.3, 0.0, 0.15),
        attack_s=0.03,
        decay_s=0.3,
        sustain=0.85,
        release_s=0.04,
        vibrato_cents=8.0,
        vibrato_hz=4.5,
    ),
    Instrument(
        "drum",
        47.0,
        ((1.0, 1.0), (1.5, 0.7), (1.99, 0.5), (2.44, 0.3), (2.89, 0.2)),
        attack_s=0.004,
        decay_s=0.4,
        sustain=0.0,
        release_s=0.2,
        damping=0.5,
        strike=0.12,
        beats=(0.5, 0.5, 0.75, 1.0),
    ),
    Instrument(
        "fiddle",
        68.5,
        _harmonics(1.0, 0.8, 0.65, 0.5, 0.42, 0.35, 0.28, 0.22, 0.16, 0.1),
        attack_s=0.09,
        decay_s=0.5,
        sustain=0.9,
        release_s=0.06,
        vibrato_cents=28.0,
        beats=(1.0, 1.0, 1.5, 2.0),
    ),
    Instrument(
        "flute",
        79.0,
        _harmonics(1.0, 0.3, 0.08),
        attack_s=0.05,
        decay_s=0.4,
        sustain=0.9,
        release_s=0.06,
        vibrato_cents=12.0,
        tremulant=0.25,
        tremulant_hz=5.0,
        breath=0.25,
    ),
    Instrument(
        "harp",
        57.5,
        _harmonics(1.0, 0.7, 0.45, 0.35, 0.22, 0.15, 0.08),
        attack_s=0.004,
        decay_s=0.5,
        sustain=0.0,
        release_s=0.2,
        damping=0.35,
        stiffness=4e-4,
        strike=0.02,
    ),
    Instrument(
        "horn",
        52.0,
        _harmonics(0.7, 1.0, 0.95, 0.75, 0.5, 0.32, 0.2, 0.12),
        attack_s=0.07,
        decay_s=0.4,
        sustain=0.8,
        release_s=0.05,
        bloom=0.25,
    ),
    Instrument(
        "organ",
        74.0,
        ((0.5, 0.5), (1.0, 1.0), (2.0, 0.6), (4.0, 0.35), (6.0, 0.2)),
        attack_s=0.015,
        decay_s=1.0,
        sustain=1.0,
        release_s=0.03,
        tremulant=0.2,
        beats=(1.0, 1.0, 2.0),
    ),
)

CLASSES = tuple(instrument.name for instrument in INSTRUMENTS)
