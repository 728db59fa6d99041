"""A trained model that separates films."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from spatialjax.tasks.base import MaskSeparator, Variables
from spatialjax.typing import Array


@dataclass(frozen=True)
class Separator:
    """What a workdir holds, as far as separating a film needs it.

    Attributes:
      task: what the model is.
      variables: of the model.
      image_spacing_s: time between the pictures of a window, as in the training.
    """

    task: MaskSeparator
    variables: Variables
    image_spacing_s: float

    def grid_of(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of places in pictures of a size (h, w)."""
        shape = (1, self.task.window_spec.num_images, *image_size, 3)
        images = jax.ShapeDtypeStruct(shape, jnp.uint8)
        places: Array = jax.eval_shape(self.task.see, self.variables, images)
        return places.shape[1], places.shape[2]
