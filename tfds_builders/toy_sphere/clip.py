"""One whole clip: its plan, its sound field, and its pictures."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from spatialjax.ambisonics.directions import direction_to_angles
from spatialjax.media import encode_jpeg
from tfds_builders.instruments import to_int16
from tfds_builders.segments import ClipMedia
from tfds_builders.toy_sphere.picture import render_pictures
from tfds_builders.toy_sphere.sound import render_field
from tfds_builders.toy_sphere.world import Plan, World, plan_clip

JPEG_QUALITY = 95


def source_directions(plan: Plan, world: World) -> np.ndarray:
    """Azimuth and elevation in radians of each source at each picture, [p, v, 2]."""
    time_s = world.image_times_s
    directions = np.stack([source.path.directions(time_s) for source in plan.sources])
    return np.stack(direction_to_angles(directions), -1).astype(np.float32)


def render_clip(world: World, split: str, index: int) -> ClipMedia:
    """Clip `index` of a split, ready to be stored."""
    plan = plan_clip(world, split, index)
    pictures = render_pictures(plan, world)
    return ClipMedia(
        clip_id=plan.clip_id,
        audio=to_int16(render_field(plan, world))[None],
        sample_rate_hz=world.sample_rate_hz,
        images=[
            encode_jpeg(Image.fromarray(image), JPEG_QUALITY) for image in pictures
        ],
        image_rate_hz=world.image_rate_hz,
        class_names=("",),
        source_directions=source_directions(plan, world),
    )


@dataclass(frozen=True)
class SphereClip:
    """A clip that renders itself, in whichever process."""

    world: World
    split: str
    index: int
    path: str = ""

    @property
    def clip_id(self) -> str:
        """Split, number and classes of the sources."""
        return plan_clip(self.world, self.split, self.index).clip_id

    def load(self) -> ClipMedia:
        """Sound and pictures."""
        return render_clip(self.world, self.split, self.index)
