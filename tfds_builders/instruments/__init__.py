"""Eight instruments that the toy worlds share: timbres, melodies, sound and looks."""

from tfds_builders.instruments.colours import Paints, draw_paints, draw_wall
from tfds_builders.instruments.melody import Note, Part, draw_melody
from tfds_builders.instruments.shapes import Pose, figure
from tfds_builders.instruments.sound import loudness, render_part, to_int16
from tfds_builders.instruments.timbres import CLASSES, INSTRUMENTS, Instrument

__all__ = [
    "CLASSES",
    "INSTRUMENTS",
    "Instrument",
    "Note",
    "Paints",
    "Part",
    "Pose",
    "draw_melody",
    "draw_paints",
    "draw_wall",
    "figure",
    "loudness",
    "render_part",
    "to_int16",
]
