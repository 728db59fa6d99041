"""Plans of clips: who plays what, where, in which colours; numbers only, no media.

A plan depends on (seed, split, index) alone, through counter-based Philox streams,
so any number of workers renders the same world in any order.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from spatialjax.errors import ConfigError
from tfds_builders.toy_band.instruments import CLASSES, INSTRUMENTS, Instrument

SPLITS = ("train", "validation", "test", "duets")
PAIRS = tuple(itertools.combinations(range(len(CLASSES)), 2))
SCALE = (0, 2, 4, 7, 9)  # pentatonic, in semitones
LEAPS = (-2, -1, -1, 0, 1, 1, 2)  # in steps of the scale; four or five are in reach
REACH = 5.0  # semitones on either side of the middle of a register

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class World:
    """Size of the world; a solo picture is square, a duet's twice as wide.

    Attributes:
      train, validation, test: solo clips of each class.
      duets: clips of two instruments.
      seconds: length of a clip.
      image_size: height of a picture, pixels.
    """

    train: int = 48
    validation: int = 6
    test: int = 6
    duets: int = 64
    seconds: float = 6.0
    image_size: int = 96
    image_rate_hz: float = 8.0
    sample_rate_hz: int = 11025
    seed: int = 0

    def validate(self) -> None:
        """Raises ConfigError for a value out of range."""
        for name in (*SPLITS, "seed"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected >= 0")
        for name, least in (
            ("seconds", 1.0),
            ("image_size", 16),
            ("image_rate_hz", 1.0),
            ("sample_rate_hz", 8000),
        ):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}, expected >= {least}"
                )

    @property
    def num_samples(self) -> int:
        """Samples of a clip."""
        return round(self.seconds * self.sample_rate_hz)

    @property
    def num_images(self) -> int:
        """Pictures of a clip: those whose time (i + 0.5) / rate falls inside it."""
        return int(np.ceil(self.seconds * self.image_rate_hz - 0.5))

    def num_clips(self, split: str) -> int:
        """Clips of a split."""
        each = 1 if split == "duets" else len(CLASSES)
        return each * int(getattr(self, split))


@dataclass(frozen=True)
class Note:
    """One note: times in seconds, pitch as a MIDI number, strength as a factor."""

    onset_s: float
    duration_s: float
    midi: float
    strength: float


@dataclass(frozen=True)
class Look:
    """How an instrument is drawn: three colours, size, place and side.

    Attributes:
      size: half extent over the height of the picture, before any motion.
      place: (x, y), each 0 to 1, within the room that the motion leaves.
      facing: 1, or -1 for the mirrored silhouette.
    """

    body: RGB
    dark: RGB
    light: RGB
    size: float
    place: tuple[float, float]
    facing: int


@dataclass(frozen=True)
class Part:
    """What one instrument does in a clip."""

    class_id: int
    notes: tuple[Note, ...]
    look: Look
    noise_seed: int

    @property
    def instrument(self) -> Instrument:
        """The instrument that plays this part."""
        return INSTRUMENTS[self.class_id]


@dataclass(frozen=True)
class Backdrop:
    """A vertical gradient from `top` to `bottom` with a soft light at (x, y)."""

    top: RGB
    bottom: RGB
    glow: tuple[float, float]
    strength: float


@dataclass(frozen=True)
class Plan:
    """A whole clip, before any sound or picture."""

    clip_id: str
    parts: tuple[Part, ...]
    backdrop: Backdrop


def plan_clip(world: World, split: str, index: int) -> Plan:
    """The plan of clip `index` of a split.

    Classes take turns, so every split is balanced; duets go round all pairs of
    different classes, the order within a pair drawn.
    """
    stream = np.random.SeedSequence(world.seed, spawn_key=(SPLITS.index(split), index))
    rng = np.random.Generator(np.random.Philox(stream))
    if split == "duets":
        # 11 has no factor in common with the 28 pairs: few duets still mix classes.
        class_ids = rng.permutation(PAIRS[index * 11 % len(PAIRS)]).tolist()
    else:
        class_ids = [index % len(CLASSES)]
    is_dark = bool(rng.random() < 0.5)
    backdrop = _backdrop(rng, is_dark)
    beat_s = 60.0 / rng.uniform(85.0, 150.0)
    key = rng.uniform(0.0, 12.0)
    parts = []
    for class_id in class_ids:
        notes = _melody(rng, INSTRUMENTS[class_id], world.seconds, beat_s, key)
        look = _look(rng, is_dark)
        parts.append(Part(class_id, notes, look, int(rng.integers(2**63))))
    names = "-".join(CLASSES[class_id] for class_id in class_ids)
    return Plan(f"{split}-{index:05d}-{names}", tuple(parts), backdrop)


def _melody(
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


def _look(rng: np.random.Generator, is_dark: bool) -> Look:
    """Colours that stand out from the backdrop, whatever the class."""
    lightness = rng.uniform(0.66, 0.82) if is_dark else rng.uniform(0.44, 0.6)
    chroma, hue = rng.uniform(0.09, 0.17), rng.uniform(0.0, 360.0)
    other = hue + rng.uniform(-70.0, 70.0)
    return Look(
        body=oklch(lightness, chroma, hue),
        dark=oklch(lightness - 0.2, 0.8 * chroma, other),
        light=oklch(lightness + 0.13, 0.6 * chroma, other),
        size=float(rng.uniform(0.25, 0.33)),
        place=(float(rng.random()), float(rng.random())),
        facing=int(rng.choice((-1, 1))),
    )


def _backdrop(rng: np.random.Generator, is_dark: bool) -> Backdrop:
    """A calm wall: one hue, little colour, a soft light."""
    lightness = rng.uniform(0.24, 0.36) if is_dark else rng.uniform(0.82, 0.92)
    chroma, hue = rng.uniform(0.01, 0.06), rng.uniform(0.0, 360.0)
    turn, fall = rng.uniform(-40.0, 40.0), rng.uniform(-0.07, 0.07)
    return Backdrop(
        top=oklch(lightness, chroma, hue),
        bottom=oklch(lightness + fall, chroma, hue + turn),
        glow=(float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.1, 0.6))),
        strength=float(rng.uniform(0.04, 0.14)),
    )


def oklch(lightness: float, chroma: float, hue_deg: float) -> RGB:
    """The sRGB bytes of an OKLCH colour, clipped to the gamut.

    Equal lightness looks equally bright at every hue, so random hues stay in harmony.
    Matrices: B. Ottosson, "A perceptual color space for image processing" (2020).
    """
    a = chroma * np.cos(np.radians(hue_deg))
    b = chroma * np.sin(np.radians(hue_deg))
    to_lms = np.array(
        [
            [1.0, 0.3963377774, 0.2158037573],
            [1.0, -0.1055613458, -0.0638541728],
            [1.0, -0.0894841775, -1.2914855480],
        ]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_rgb @ (to_lms @ np.array([lightness, a, b])) ** 3, 0.0, 1.0)
    curve = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    red, green, blue = np.round(255 * curve).astype(int).tolist()
    return red, green, blue
