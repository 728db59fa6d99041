"""The toy_band dataset: a procedural world of instruments that are seen and heard."""

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow_datasets as tfds

from tfds_builders.builder import SegmentBuilder
from tfds_builders.instruments import CLASSES
from tfds_builders.toy_band.clip import ToyClip
from tfds_builders.toy_band.world import SPLITS, World


@dataclasses.dataclass(eq=False)
class ToyBandConfig(tfds.core.BuilderConfig):
    """A named size of the world."""

    world: World = dataclasses.field(default_factory=World)


class ToyBand(SegmentBuilder):
    """Solos in three splits, and duets with their true sources."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Eight instruments."}
    BUILDER_CONFIGS = [
        ToyBandConfig(
            name="default",
            description="480 solos and 64 duets of 6 s with pictures of 96 pixels.",
        ),
        ToyBandConfig(
            name="tiny",
            description="40 solos and 4 duets of 3 s with pictures of 48 pixels.",
            world=World(
                train=2, validation=1, test=2, duets=4, seconds=3.0, image_size=48
            ),
        ),
    ]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the eight instruments, in alphabetical order."""
        return CLASSES

    def clips(self) -> Mapping[str, Sequence[ToyClip]]:
        """Every clip of the world; nothing is read.

        Raises:
          ConfigError: a value of the world is out of range.
        """
        world = self.builder_config.world
        world.validate()
        return {
            split: [ToyClip(world, split, i) for i in range(world.num_clips(split))]
            for split in SPLITS
            if world.num_clips(split)
        }
