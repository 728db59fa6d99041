"""Pictures as a network reads them: centred, of unit spread."""

import enum

import jax.numpy as jnp
import numpy as np

from spatialjax.errors import check_choice, check_shape
from spatialjax.typing import Array

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Means of red, green and blue over ImageNet, of 1."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Standard deviations of red, green and blue over ImageNet, of 1."""
GREY_LEVEL = 1.0
"""Least standard deviation that an image is divided by, in steps of uint8."""


class Standardisation(enum.StrEnum):
    """What an image is measured against.

    IMAGENET: the colours of ImageNet, for weights trained on them. PER_IMAGE: the mean
    and standard deviation of the image itself, over all pixels and colours.
    """

    IMAGENET = "imagenet"
    PER_IMAGE = "per_image"


def standardise(images: Array, kind: Standardisation) -> Array:
    """Images [..., h, w, 3], float32, of images [..., h, w, 3] uint8.

    An image of one colour becomes 0 under PER_IMAGE.

    Raises:
      ShapeError: the last axis does not hold three colours.
      ConfigError: there is no such kind.
    """
    kind = check_choice("kind", kind, Standardisation)
    check_shape("images", images, "... h w 3")
    pixels = images.astype(jnp.float32)
    if kind == Standardisation.IMAGENET:
        mean, std = (
            255 * np.array(values, np.float32).reshape((1,) * (pixels.ndim - 1) + (3,))
            for values in (IMAGENET_MEAN, IMAGENET_STD)
        )
        return (pixels - mean) / std
    centred = pixels - pixels.mean((-3, -2, -1), keepdims=True)
    variance = jnp.square(centred).mean((-3, -2, -1), keepdims=True)
    return centred / jnp.sqrt(jnp.maximum(variance, GREY_LEVEL**2))
