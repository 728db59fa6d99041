"""One whole clip: its plan, its sound, and the pictures that the sound moves."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from spatialjax.media import encode_jpeg
from tfds_builders.instruments import CLASSES, loudness, render_part, to_int16
from tfds_builders.segments import ClipMedia
from tfds_builders.toy_band.picture import render_pictures
from tfds_builders.toy_band.world import Plan, World, plan_clip


def render(plan: Plan, world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sound and pictures of a plan, before compression.

    Returns:
      audio ``[s, 1, t]`` int16, one row a source; pictures ``[v, h, w, 3]`` uint8;
      boxes ``[s, 4]`` as fractions (top, left, height, width).
    """
    rate_hz = world.sample_rate_hz
    sounds = [render_part(part, world.num_samples, rate_hz) for part in plan.parts]
    levels = [
        loudness(sound, world.num_images, world.image_rate_hz, rate_hz)
        for sound in sounds
    ]
    pictures, boxes = render_pictures(plan, levels, world)
    return to_int16(np.stack(sounds))[:, None], pictures, boxes


def render_clip(world: World, split: str, index: int) -> ClipMedia:
    """Clip `index` of a split, ready to be stored."""
    plan = plan_clip(world, split, index)
    audio, pictures, boxes = render(plan, world)
    return ClipMedia(
        clip_id=plan.clip_id,
        audio=audio,
        sample_rate_hz=world.sample_rate_hz,
        images=[encode_jpeg(Image.fromarray(picture)) for picture in pictures],
        image_rate_hz=world.image_rate_hz,
        class_names=tuple(CLASSES[part.class_id] for part in plan.parts),
        boxes=boxes,
    )


@dataclass(frozen=True)
class ToyClip:
    """A clip that renders itself, in whichever process."""

    world: World
    split: str
    index: int
    path: str = ""

    @property
    def clip_id(self) -> str:
        """Split, number and classes."""
        return plan_clip(self.world, self.split, self.index).clip_id

    def load(self) -> ClipMedia:
        """Sound and pictures."""
        return render_clip(self.world, self.split, self.index)
