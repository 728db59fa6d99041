"""Trained models at work on films of any kind and length."""

from spatialjax.inference.field_model import FieldModel, task_of_order
from spatialjax.inference.field_source import FieldSource, open_field_source
from spatialjax.inference.field_speed import FieldSpeed, time_stream
from spatialjax.inference.field_stream import FieldState, FieldStream, Seen
from spatialjax.inference.options import SeparationOptions
from spatialjax.inference.regions import Region
from spatialjax.inference.scene import Scene
from spatialjax.inference.separate import separate_film
from spatialjax.inference.separator import Separator
from spatialjax.inference.spatialize import FieldOutputs, spatialize_file

__all__ = [
    "FieldModel",
    "FieldOutputs",
    "FieldSource",
    "FieldSpeed",
    "FieldState",
    "FieldStream",
    "Region",
    "Scene",
    "Seen",
    "SeparationOptions",
    "Separator",
    "open_field_source",
    "separate_film",
    "spatialize_file",
    "task_of_order",
    "time_stream",
]
