import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from spatialjax.errors import ShapeError
from spatialjax.vision import Taps, bilinear_corners, sample, shrink_by_area

pytestmark = pytest.mark.usefixtures("strict_dtypes")

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 9, 14, 3)).astype(np.uint8)


def inner_taps(row, column, width):
    corners = bilinear_corners(row, column)
    return Taps(corners.row * width + corners.column, corners.weight)


def test_sample_equals_scipy():
    row, column = RNG.uniform(0, 8, (5, 6)), RNG.uniform(0, 13, (5, 6))
    given = sample(IMAGES, inner_taps(row, column, 14))
    assert given.dtype == np.float32
    for index in np.ndindex(2, 3):
        picture = IMAGES[index[0], :, :, index[1]].astype(float)
        expected = map_coordinates(picture, [row, column], order=1)
        np.testing.assert_allclose(given[index[0], ..., index[1]], expected, atol=1e-4)


def test_sample_is_traced():
    row, column = RNG.uniform(0, 8, (4,)), RNG.uniform(0, 13, (4,))
    expected = sample(IMAGES, inner_taps(row, column, 14))
    given = jax.jit(lambda x, r, c: sample(x, inner_taps(r, c, 14)))(
        jnp.asarray(IMAGES), jnp.float32(row), jnp.float32(column)
    )
    np.testing.assert_allclose(given, expected, atol=1e-2)


@pytest.mark.parametrize("size", [(9, 14), (3, 7), (4, 5), (1, 1), (8, 13), (9, 4)])
def test_shrinking_is_the_mean_by_area(size):
    given = shrink_by_area(IMAGES, *size)
    assert given.shape == (2, *size, 3)
    for picture, small in zip(IMAGES, given, strict=True):
        reference = np.stack(
            [
                Image.fromarray(picture[..., c].astype(np.float32)).resize(
                    size[::-1], Image.Resampling.BOX
                )
                for c in range(3)
            ],
            -1,
        )
        # Pillow counts a pixel that is cut wholly or not at all.
        exact = area_mean(area_mean(picture.astype(float), size[0], 0), size[1], 1)
        np.testing.assert_allclose(small, exact, atol=1e-3)
        if all(old % new == 0 for old, new in zip((9, 14), size, strict=True)):
            np.testing.assert_allclose(small, reference, atol=1e-3)
    traced = jax.jit(shrink_by_area, static_argnums=(1, 2))(jnp.asarray(IMAGES), *size)
    np.testing.assert_allclose(traced, given, atol=1e-3)


def area_mean(picture, length, axis):
    """Each pixel repeated `length` times, then means of `old` of them."""
    old = picture.shape[axis]
    fine = np.repeat(picture, length, axis)
    parts = np.split(fine, length, axis)
    assert parts[0].shape[axis] == old
    return np.stack([part.mean(axis) for part in parts], axis)


def test_growing_is_refused():
    with pytest.raises(ShapeError, match="9 x 14 pixels cannot shrink to 10 x 14"):
        shrink_by_area(IMAGES, 10, 14)
