import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.vision import Standardisation, standardise

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def pictures(*shape):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (*shape, 3)).astype(np.uint8)


def test_imagenet_colours():
    images = pictures(2, 3, 5, 4)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    expected = (images / 255.0 - np.array(mean)) / np.array(std)
    given = jax.jit(lambda x: standardise(x, Standardisation.IMAGENET))(images)
    assert given.dtype == jnp.float32
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-6)


def test_each_image_for_itself():
    images = pictures(2, 3, 6, 4)
    given = np.asarray(standardise(jnp.asarray(images), Standardisation.PER_IMAGE))
    np.testing.assert_allclose(given.mean((-3, -2, -1)), 0, atol=1e-6)
    np.testing.assert_allclose(given.std((-3, -2, -1)), 1, atol=1e-6)
    alone = standardise(jnp.asarray(images[1, 2]), Standardisation.PER_IMAGE)
    np.testing.assert_allclose(given[1, 2], alone, atol=1e-6)
    dimmed = standardise(jnp.asarray(images // 2 * 2), Standardisation.PER_IMAGE)
    halved = standardise(jnp.asarray(images // 2), Standardisation.PER_IMAGE)
    np.testing.assert_allclose(dimmed, halved, atol=1e-5)


@pytest.mark.parametrize("value", [0, 93, 255])
def test_one_colour_is_zero(value):
    images = jnp.full((2, 8, 8, 3), value, jnp.uint8)
    given = standardise(images, Standardisation.PER_IMAGE)
    np.testing.assert_allclose(given, 0, atol=1e-4)


def test_other_colours_are_refused():
    with pytest.raises(ShapeError, match="h w 3"):
        standardise(jnp.zeros((2, 8, 8, 4), jnp.uint8), Standardisation.IMAGENET)
