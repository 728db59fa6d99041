"""Plans of clips: who plays what, where, in which colours; numbers only, no media.

A plan depends on (seed, split, index) alone, through counter-based Philox streams,
so any number of workers renders the same world in any order.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from spatialjax.errors import ConfigError
from tfds_builders.instruments import CLASSES, INSTRUMENTS, Part, draw_melody
from tfds_builders.instruments.colours import RGB, draw_paints, draw_wall

SPLITS = ("train", "validation", "test", "duets")
PAIRS = tuple(itertools.combinations(range(len(CLASSES)), 2))


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
class SeenPart(Part):
    """What one instrument does in a clip, and how it looks."""

    look: Look


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
    parts: tuple[SeenPart, ...]
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
        notes = draw_melody(rng, INSTRUMENTS[class_id], world.seconds, beat_s, key)
        look = _look(rng, is_dark)
        noise_seed = int(rng.integers(2**63))
        parts.append(SeenPart(class_id, notes, noise_seed, look))
    names = "-".join(CLASSES[class_id] for class_id in class_ids)
    return Plan(f"{split}-{index:05d}-{names}", tuple(parts), backdrop)


def _look(rng: np.random.Generator, is_dark: bool) -> Look:
    """Colours that stand out from the backdrop, whatever the class."""
    return Look(
        *draw_paints(rng, is_dark),
        size=float(rng.uniform(0.25, 0.33)),
        place=(float(rng.random()), float(rng.random())),
        facing=int(rng.choice((-1, 1))),
    )


def _backdrop(rng: np.random.Generator, is_dark: bool) -> Backdrop:
    """A calm wall with a soft light."""
    return Backdrop(
        *draw_wall(rng, is_dark),
        glow=(float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.1, 0.6))),
        strength=float(rng.uniform(0.04, 0.14)),
    )
