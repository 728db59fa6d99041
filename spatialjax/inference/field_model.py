"""A trained model that makes sound fields."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax

from spatialjax.config import validate_tree
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


def task_of_order(config: Any, variables: Variables, order: int) -> Task:
    """The task of a config for fields of an order, where its variables serve there.

    Raises:
      ConfigError: what was learnt belongs to one order.
    """
    trained = getattr(config, "order", None)
    refusal = f"the model gives sound fields of order {trained}, not of {order}"
    if trained is None:
        raise ConfigError(f"the model makes no sound field of order {order}, nor any")
    other = dataclasses.replace(config, order=order)
    try:
        validate_tree(other)
    except ConfigError as error:
        raise ConfigError(f"{refusal}: {error}") from error
    task: Task = other.build()
    wanted = jax.eval_shape(task.init, jax.random.key(0))
    if jax.tree.map(jax.numpy.shape, wanted) != jax.tree.map(
        jax.numpy.shape, variables
    ):
        raise ConfigError(
            f"{refusal}; train it for that, or take a model with the head directional"
        )
    return task
