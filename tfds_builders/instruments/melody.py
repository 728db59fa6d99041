"""What an instrument plays: notes drawn at random, numbers only."""

from dataclasses import dataclass

import numpy as np

from tfds_builders.instruments.timbres import INSTRUMENTS, Instrument

SCALE = (0, 2, 4, 7, 9)  # pentatonic, in semitones
LEAPS = (-2, -1, -1, 0, 1, 1, 2)  # in steps of the scale; four or five are in reach
REACH = 5.0  # semitones on either side of the middle of a register


@dataclass(frozen=True)
class Note:
    """One note: times in seconds, pitch as a MIDI number, strength as a factor."""

    onset_s: float
    duration_s: float
    midi: float
    strength: float


@dataclass(frozen=True)
class Part:
    """What one instrument plays in a clip."""

    class_id: int
    notes: tuple[Note, ...]
    noise_seed: int

    @property
    def instrument(self) -> Instrument:
        """The instrument that plays this part."""
        return INSTRUMENTS[self.class_id]


def draw_melody(
    rng: np.random.Generator,
    instrument: Instrument,
    seconds: float,
    beat_s: float,
    key: float,
) -> tuple[Note, ...]:
    """A walk over a pentatonic scale around the middle of the register.

    A rest is at most half a beat (0.35 s): training windows are rarely silent.
    """
    low, high = instrument.centre_midi - REACH, instrument.centre_midi + REACH
    octaves = 12 * np.arange(-1, 12)[:, None] + np.asarray(SCALE)
    ladder = np.sort((key + octaves).ravel())
    ladder = ladder[(ladder >= low) & (ladder <= high)]
    step = int(rng.integers(len(ladder)))
    now_s = -float(rng.uniform(0.0, beat_s))
    notes = []
    while now_s < seconds:
        duration_s = float(rng.choice(instrument.beats)) * beat_s
        strength = float(rng.uniform(0.6, 1.0))
        notes.append(Note(now_s, duration_s, float(ladder[step]), strength))
        rest_s = 0.5 * beat_s if rng.random() < 0.15 else 0.0
        now_s += duration_s + rest_s
        leap = int(rng.choice(LEAPS))
        step += leap if 0 <= step + leap < len(ladder) else -leap
    return tuple(notes)
