"""The toy_sphere dataset: instruments all round that are seen and heard in place."""

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow_datasets as tfds

from tfds_builders.builder import SegmentBuilder
from tfds_builders.instruments import CLASSES
from tfds_builders.toy_sphere.clip import SphereClip
from tfds_builders.toy_sphere.world import SPLITS, World


@dataclasses.dataclass(eq=False)
class ToySphereConfig(tfds.core.BuilderConfig):
    """A named world."""

    world: World = dataclasses.field(default_factory=World)


class ToySphere(SegmentBuilder):
    """Sound fields with pictures of the whole sphere, and the true directions."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Eight instruments all round."}
    BUILDER_CONFIGS = [
        ToySphereConfig(
            name="default",
            description="2040 clips of 3 s; colour and shape tell the instrument.",
        ),
        ToySphereConfig(
            name="hard",
            description="2040 clips of 3 s; the shape alone tells the instrument.",
            world=World(colour_tells_class=False),
        ),
        ToySphereConfig(
            name="tiny",
            description="28 clips of 2 s with pictures of 32 x 64 pixels.",
            world=World(train=12, validation=4, test=4, seconds=2.0, image_height=32),
        ),
    ]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the eight instruments, in alphabetical order."""
        return CLASSES

    def clips(self) -> Mapping[str, Sequence[SphereClip]]:
        """Every clip of the world; nothing is read.

        Raises:
          ConfigError: a value of the world is out of range.
        """
        world = self.builder_config.world
        world.validate()
        return {
            split: [SphereClip(world, split, i) for i in range(world.num_clips(split))]
            for split in SPLITS
            if world.num_clips(split)
        }
