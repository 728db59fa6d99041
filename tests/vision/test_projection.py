import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.vision import Cube, Equirect, Perspective, reproject, shrunk_size
from tests.vision.spheres import rotation, smooth

pytestmark = pytest.mark.usefixtures("strict_dtypes")


@pytest.mark.parametrize(
    ("source", "target", "source_size", "target_size", "expected"),
    [
        # Never larger, whatever is asked for.
        (Equirect(), Equirect(), (64, 128), (128, 256), (64, 128)),
        (Equirect(), Equirect(), (1920, 3840), (224, 448), (224, 448)),
        # 224 rows for pi are 112 for the quarter turn of a face.
        (Cube(True), Equirect(), (2160, 3840), (224, 448), (224, 336)),
        (Cube(True), Equirect(), (195, 394), (224, 448), (194, 336)),
        # 90 degrees in 100 pixels are 50 a radian in the middle: 157 for pi.
        (Equirect(), Perspective(np.pi / 2), (1920, 3840), (100, 100), (158, 315)),
    ],
)
def test_the_size_before_resampling(source, target, source_size, target_size, expected):
    assert shrunk_size(source, target, source_size, target_size) == expected


def test_batches_and_types():
    images = smooth(Equirect().directions(32, 64)).astype(np.uint8)
    batch = np.stack([images, 255 - images])[:, None]
    given = reproject(batch, Equirect(), Cube(True), 16, 24)
    assert isinstance(given, np.ndarray)
    assert (given.shape, given.dtype) == ((2, 1, 16, 24, 3), np.float32)
    np.testing.assert_allclose(given[0] + given[1], 255, atol=1e-3)
    on_device = reproject(jnp.asarray(batch), Equirect(), Cube(True), 16, 24)
    np.testing.assert_allclose(on_device, given, atol=1e-2)
    with pytest.raises(ShapeError, match="images"):
        reproject(images[..., 0], Equirect(), Cube(True), 16, 24)


def test_two_poses_that_are_equal_cancel():
    pose = rotation(0.5, -0.7, 1.1)
    images = smooth(Equirect().directions(32, 64))
    given = reproject(images, Equirect(pose), Equirect(pose), 32, 64)
    np.testing.assert_allclose(given, images, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(512, 768), (20, 30)])
def test_a_cube_never_shrinks_below_two_pixels_a_face(height, width):
    grey = np.full((height, width, 1), 0.5, np.float32)
    small = reproject(grey, Cube(equi_angular=True), Equirect(), 2, 4)
    np.testing.assert_allclose(small, 0.5, atol=1e-6)
