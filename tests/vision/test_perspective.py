import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import rotation_from_angles
from spatialjax.errors import ConfigError
from spatialjax.vision import Equirect, Perspective, reproject
from tests.vision.spheres import psnr_db, rotation, smooth

pytestmark = pytest.mark.usefixtures("strict_dtypes")

RIGHT_ANGLE_RAD = np.pi / 2


def test_directions_of_a_camera():
    directions = Perspective(RIGHT_ANGLE_RAD).directions(5, 7)
    np.testing.assert_allclose(directions[2, 3], [1, 0, 0], atol=1e-12)
    # The edge of the picture, half a pixel beyond the last centre, is at 45 degrees.
    left = np.arctan2(directions[2, 0, 1], directions[2, 0, 0])
    assert np.tan(left) == pytest.approx(6 / 7)
    up = directions[0, 3, 2] / directions[0, 3, 0]
    assert up == pytest.approx(4 / 7)


@pytest.mark.parametrize("angles", [(0, 0, 0), (1.2, 0.5, 0.3), (-2.8, -1.4, 2)])
def test_a_view_into_the_sphere(angles):
    image = smooth(Equirect().directions(128, 256))
    camera = Perspective(RIGHT_ANGLE_RAD, rotation(*angles))
    view = reproject(image, Equirect(), camera, 48, 64)
    expected = smooth(camera.directions(48, 64) @ rotation(*angles).T)
    assert psnr_db(view, expected) > 50


def test_a_view_is_put_back():
    image = smooth(Equirect().directions(64, 128))
    pose = rotation(0.7, -0.4, 0.2)
    camera = Perspective(RIGHT_ANGLE_RAD, pose)
    view = reproject(image, Equirect(), camera, 128, 128)
    again = reproject(view, camera, Equirect(), 64, 128)
    ahead, left, up = np.moveaxis(Equirect().directions(64, 128) @ pose, -1, 0)
    inside = (ahead > 0) & (np.maximum(abs(left), abs(up)) < 0.95 * ahead)
    outside = (ahead < 0) | (np.maximum(abs(left), abs(up)) > 1.05 * ahead)
    assert inside.sum() > 500
    assert psnr_db(again[inside], image[inside]) > 45
    assert not again[outside].any()


def test_a_pose_may_be_traced():
    image = smooth(Equirect().directions(64, 128)).astype(np.float32)

    def look(image, yaw_rad):
        camera = Perspective(1.2, rotation_from_angles(yaw_rad, 0.3, 0.1))
        return reproject(image, Equirect(), camera, 24, 32)

    camera = Perspective(1.2, rotation(0.8, 0.3, 0.1))
    expected = reproject(image, Equirect(), camera, 24, 32)

    def total(yaw_rad):
        view = look(jnp.asarray(image), yaw_rad)
        return view.mean(), view

    slope, given = jax.jit(jax.grad(total, has_aux=True))(jnp.float32(0.8))
    assert psnr_db(given, expected) > 60
    assert np.isfinite(slope)
    assert slope != 0


def test_no_such_field_of_view():
    with pytest.raises(ConfigError, match=r"field_of_view_rad is 3\.2"):
        Perspective(3.2)
