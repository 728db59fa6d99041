"""A procedural world of sound and sight all round, with true directions."""

from tfds_builders.toy_sphere.clip import render_clip, source_directions
from tfds_builders.toy_sphere.film import true_field, write_scene
from tfds_builders.toy_sphere.picture import render_pictures
from tfds_builders.toy_sphere.sound import render_field
from tfds_builders.toy_sphere.toy_sphere import ToySphere, ToySphereConfig
from tfds_builders.toy_sphere.world import World, plan_clip

__all__ = [
    "ToySphere",
    "ToySphereConfig",
    "World",
    "plan_clip",
    "render_clip",
    "render_field",
    "render_pictures",
    "source_directions",
    "true_field",
    "write_scene",
]
