"""A trained model that makes sound fields."""

from dataclasses import dataclass

from spatialjax.errors import ConfigError
from spatialjax.inference.field_chunks import ChunkRow
from spatialjax.inference.field_joining import FieldJoiner
from spatialjax.inference.field_program import FieldGeometry, FieldProgram
from spatialjax.tasks.base import ChunkSpatializer, Spatializer, Task, Variables


@dataclass(frozen=True)
class FieldModel:
    """What a workdir holds, as far as making a sound field needs it.

    Attributes:
      task: what the model is.
      variables: of the model.
      image_spacing_s: time between the pictures of a window, as in the training.

    Raises:
      ConfigError: the model cannot make a sound field.
    """

    task: Task
    variables: Variables
    image_spacing_s: float

    def __post_init__(self) -> None:
        _ = self.program

    @property
    def program(self) -> FieldProgram:
        """Gives the windows of a stream."""
        if isinstance(self.task, Spatializer):
            return FieldJoiner(self.task, self.image_spacing_s)
        if isinstance(self.task, ChunkSpatializer):
            return ChunkRow(self.task)
        raise ConfigError(
            f"{type(self.task).__name__} makes no sound field; name a model that "
            "spatialises, such as one trained by ambix_toy"
        )

    @property
    def geometry(self) -> FieldGeometry:
        """Of the windows of a stream."""
        return self.program.geometry
