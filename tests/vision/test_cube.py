import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.vision import Cube, Equirect, reproject
from tests.vision.spheres import psnr_db, smooth

pytestmark = pytest.mark.usefixtures("strict_dtypes")

X, Y, Z = np.eye(3)
CARDINAL = [[Y, X, -Y], [-Z, -X, Z]]
"""Left, front, right; bottom, back, top."""
BOTH = pytest.mark.parametrize("equi_angular", [True, False])


@BOTH
def test_b28_centres_of_faces_are_the_cardinal_directions(equi_angular):
    directions = Cube(equi_angular).directions(10, 21)
    for row in range(2):
        for column in range(3):
            given = directions[5 * row + 2, 7 * column + 3]
            np.testing.assert_allclose(given, CARDINAL[row][column], atol=1e-12)


@BOTH
def test_faces_stand_as_in_the_published_layout(equi_angular):
    """The top of the upper row is up; the lower row is one strip, its top right."""
    directions = Cube(equi_angular).directions(64, 96)
    corner = 1 / np.sqrt(3)
    for row, column, expected in [
        (0, 0, [-1, 1, 1]),
        (0, 31, [1, 1, 1]),
        (0, 95, [-1, -1, 1]),
        (31, 64, [1, -1, -1]),
        (32, 0, [1, -1, -1]),
        (63, 31, [-1, 1, -1]),
        (32, 64, [-1, -1, 1]),
        (63, 95, [1, 1, 1]),
    ]:
        given = directions[row, column]
        np.testing.assert_allclose(given, np.array(expected) * corner, atol=0.05)
    # Each row is continuous: neighbours look nearly the same way.
    steps = np.linalg.norm(np.diff(directions, axis=1), axis=-1)
    assert steps.max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1)


def test_b28_the_equi_angular_formula():
    row = Cube(True).directions(202, 303)[50, 101:202]
    fraction = (np.arange(101) + 0.5) / 101 - 0.5
    u = -row[:, 1] / row[:, 0]
    np.testing.assert_allclose(2 / np.pi * np.arctan(u), fraction, atol=1e-12)
    assert (np.diff(u) > 0).all()
    angles_rad = np.arctan2(-row[:, 1], row[:, 0])
    np.testing.assert_allclose(np.diff(angles_rad), np.pi / 2 / 101, atol=1e-12)
    plain = Cube(False).directions(202, 303)[50, 101:202]
    np.testing.assert_allclose(-plain[:, 1] / plain[:, 0], 2 * fraction, atol=1e-12)


@BOTH
@pytest.mark.parametrize("size", [(128, 192), (96, 240)])
def test_any_direction_is_read_across_the_edges(equi_angular, size):
    cube = Cube(equi_angular)
    direction = np.random.default_rng(0).normal(size=(4000, 3))
    edges = np.sign(direction[:500])
    edges[:400, 0] = direction[:400, 0]
    direction = np.concatenate([direction, edges])
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    taps = cube.taps(direction, *size)
    assert taps.pixel.min() >= 0
    assert taps.pixel.max() < size[0] * size[1]
    image = smooth(cube.directions(*size)).reshape(-1, 3)
    given = (image[taps.pixel] * taps.weight[..., None]).sum(0)
    # Square faces meet pixel by pixel; others by the nearest pixel.
    assert np.abs(given - smooth(direction)).max() < (1 if size[0] == 128 else 3)


@BOTH
def test_b28_there_and_back_keeps_the_picture(equi_angular):
    image = smooth(Equirect().directions(112, 224))
    cube = reproject(image, Equirect(), Cube(equi_angular), 128, 192)
    assert psnr_db(cube, smooth(Cube(equi_angular).directions(128, 192))) > 50
    again = reproject(cube, Cube(equi_angular), Equirect(), 112, 224)
    assert psnr_db(again, image) > 45


def test_traced_is_as_on_the_host():
    image = smooth(Cube(True).directions(64, 96)).astype(np.float32)
    expected = reproject(image, Cube(True), Equirect(), 24, 48)
    direction = jnp.float32(Equirect().directions(24, 48))

    def traced(image, direction):
        taps = Cube(True).taps(direction, 64, 96)
        pixels = image.reshape(-1, 3)[taps.pixel]
        return (pixels * taps.weight[..., None]).sum(0)

    given = jax.jit(traced)(jnp.asarray(image), direction)
    whole = jax.jit(lambda x: reproject(x, Cube(True), Equirect(), 24, 48))
    assert psnr_db(whole(jnp.asarray(image)), expected) > 80
    assert psnr_db(given, smooth(direction)) > 50


def test_a_large_eac_does_not_alias():
    cube = np.zeros((960, 1440, 1), np.uint8)
    cube[::2, ::2] = cube[1::2, 1::2] = 255
    small = reproject(cube, Cube(True), Equirect(), 56, 112)
    assert np.abs(small - 127.5).max() < 4


def test_a_size_that_is_no_multiple_of_the_faces():
    image = smooth(Cube(True).directions(2 * 97, 3 * 131))
    odd = image[np.arange(195) * 194 // 195][:, np.arange(394) * 393 // 394]
    given = reproject(odd, Cube(True), Equirect(), 112, 224)
    assert psnr_db(given, smooth(Equirect().directions(112, 224))) > 35


@pytest.mark.parametrize("size", [(9, 12), (8, 13), (2, 12)])
def test_odd_sizes_are_refused(size):
    with pytest.raises(ShapeError, match=r"is no cube: it has two rows and three"):
        Cube(True).directions(*size)
