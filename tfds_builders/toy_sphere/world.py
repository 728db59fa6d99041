"""Plans of clips: who plays what, where, in which colours; numbers only, no media.

A plan depends on (seed, split, index) and the length alone, through counter-based
Philox streams, so any number of workers renders the same world in any order. Nothing
but its class and its place tells a player that sounds from one that is silent.
"""

from dataclasses import dataclass

import numpy as np

from spatialjax.errors import ConfigError
from tfds_builders.instruments import (
    CLASSES,
    INSTRUMENTS,
    Paints,
    Part,
    draw_melody,
    draw_paints,
    draw_wall,
)
from tfds_builders.instruments.colours import RGB
from tfds_builders.toy_sphere.motion import Path, draw_paths

SPLITS = ("train", "validation", "test_1", "test_2", "test_3")
MOST_SOURCES, MOST_DECOYS, MOST_PLAYERS = 3, 2, 4
SIZES_DEG = (22.0, 30.0)
HUE_STEP_DEG = 360.0 / len(CLASSES)


@dataclass(frozen=True)
class World:
    """Size of the world.

    Attributes:
      train, validation: clips of one to three sources.
      test: clips of each of the splits test_1, test_2 and test_3.
      seconds: length of a clip.
      image_height: of an equirectangular picture, pixels; it is twice as wide.
      order: of the sound field, which has (order + 1)² channels.
      colour_tells_class: each class has a hue of its own; otherwise shape alone tells.
    """

    train: int = 1800
    validation: int = 48
    test: int = 64
    seconds: float = 3.0
    image_height: int = 64
    image_rate_hz: float = 10.0
    sample_rate_hz: int = 16000
    order: int = 1
    colour_tells_class: bool = True
    seed: int = 0

    def validate(self) -> None:
        """Raises ConfigError for a value out of range."""
        for name, least in (
            ("train", 0),
            ("validation", 0),
            ("test", 0),
            ("seed", 0),
            ("seconds", 1.0),
            ("image_height", 16),
            ("image_rate_hz", 1.0),
            ("sample_rate_hz", 8000),
            ("order", 0),
        ):
            value = getattr(self, name)
            if not value >= least:
                raise ConfigError(f"{name} is {value}, expected >= {least}")

    @property
    def num_samples(self) -> int:
        """Samples of a clip."""
        return round(self.seconds * self.sample_rate_hz)

    @property
    def num_images(self) -> int:
        """Pictures of a clip: those whose time (i + 0.5) / rate falls inside it."""
        return int(np.ceil(self.seconds * self.image_rate_hz - 0.5))

    @property
    def image_times_s(self) -> np.ndarray:
        """The time of each picture, [v]."""
        return (np.arange(self.num_images) + 0.5) / self.image_rate_hz

    def num_clips(self, split: str) -> int:
        """Clips of a split."""
        return int(getattr(self, split.partition("_")[0]))


@dataclass(frozen=True)
class Player(Part):
    """An instrument on the sphere; the part of one that is silent is not played.

    Attributes:
      paints: colours of its badge: a disc, and a silhouette on it.
      size_rad: extent of the disc.
      facing: 1, or -1 for the mirrored silhouette.
      path: where it is, and its sound, at any time.
      sounds: whether it is a source, or a decoy.
    """

    paints: Paints
    size_rad: float
    facing: int
    path: Path
    sounds: bool


@dataclass(frozen=True)
class Backdrop:
    """A gradient from the zenith to the nadir with a soft light in a direction."""

    top: RGB
    bottom: RGB
    azimuth_rad: float
    elevation_rad: float
    strength: float


@dataclass(frozen=True)
class Plan:
    """A whole clip, before any sound or picture."""

    clip_id: str
    players: tuple[Player, ...]
    backdrop: Backdrop

    @property
    def sources(self) -> tuple[Player, ...]:
        """The players that sound."""
        return tuple(player for player in self.players if player.sounds)


def plan_clip(world: World, split: str, index: int) -> Plan:
    """The plan of clip `index` of a split.

    All players are of different classes. Those of the first source take turns, so
    that every split is balanced; the others are drawn.
    """
    stream = np.random.SeedSequence(world.seed, spawn_key=(SPLITS.index(split), index))
    rng = np.random.Generator(np.random.Philox(stream))
    num_sources, num_decoys = _counts(rng, split)
    others = np.delete(np.arange(len(CLASSES)), index % len(CLASSES))
    class_ids = [index % len(CLASSES), *rng.permutation(others).tolist()]
    is_dark = bool(rng.random() < 0.5)
    backdrop = _backdrop(rng, is_dark)
    beat_s = 60.0 / rng.uniform(85.0, 150.0)
    key = rng.uniform(0.0, 12.0)
    players: list[Player] = []
    for path in draw_paths(rng, num_sources + num_decoys, world.seconds):
        class_id = class_ids[len(players)]
        hue = (class_id * HUE_STEP_DEG, 8.0, 25.0) if world.colour_tells_class else ()
        player = Player(
            class_id,
            draw_melody(rng, INSTRUMENTS[class_id], world.seconds, beat_s, key),
            noise_seed=int(rng.integers(2**63)),
            paints=draw_paints(rng, is_dark, *hue),
            size_rad=float(np.radians(rng.uniform(*SIZES_DEG))),
            facing=int(rng.choice((-1, 1))),
            path=path,
            sounds=len(players) < num_sources,
        )
        players.append(player)
    names = "-".join(CLASSES[class_id] for class_id in class_ids[:num_sources])
    return Plan(f"{split}-{index:05d}-{names}", tuple(players), backdrop)


def _counts(rng: np.random.Generator, split: str) -> tuple[int, int]:
    """Numbers of sources and of decoys; one source to be found needs a decoy."""
    if split == "test_1":
        return 1, 1
    mixed = split in ("train", "validation")
    sources = int(rng.integers(1, MOST_SOURCES + 1)) if mixed else int(split[-1])
    most = min(MOST_DECOYS, MOST_PLAYERS - sources)
    return sources, int(rng.integers(0, most + 1))


def _backdrop(rng: np.random.Generator, is_dark: bool) -> Backdrop:
    """A calm wall all round."""
    return Backdrop(
        *draw_wall(rng, is_dark),
        azimuth_rad=float(rng.uniform(-np.pi, np.pi)),
        elevation_rad=float(rng.uniform(0.0, 0.35 * np.pi)),
        strength=float(rng.uniform(0.06, 0.18)),
    )
