"""A trained model that separates films."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from spatialjax.errors import ConfigError
from spatialjax.tasks.base import MaskSeparator, Variables
from spatialjax.typing import Array


@dataclass(frozen=True)
class Separator:
    """What a workdir holds, as far as separating a film needs it.

    Attributes:
      task: what the model is.
      variables: of the model.
      image_spacing_s: time between the pictures of a window, as in the training.

    Raises:
      ConfigError: frames of the model's transform do not overlap by half.
    """

    task: MaskSeparator
    variables: Variables
    image_spacing_s: float

    def __post_init__(self) -> None:
        spec = self.task.window_spec
        if 2 * spec.hop > spec.n_fft:
            raise ConfigError(
                f"the model has a hop of {spec.hop} and an n_fft of {spec.n_fft}; "
                "windows are joined only where a hop is at most half of n_fft"
            )

    def grid_of(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of places in pictures of a size (h, w)."""
        shape = (1, self.task.window_spec.num_images, *image_size, 3)
        images = jax.ShapeDtypeStruct(shape, jnp.uint8)
        places: Array = jax.eval_shape(self.task.see, self.variables, images)
        return places.shape[1], places.shape[2]
