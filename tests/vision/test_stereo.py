import numpy as np
import pytest

from spatialjax.errors import ConfigError
from spatialjax.vision import Cube, Equirect, Stereo, left_eye, reproject
from tests.vision.spheres import psnr_db, smooth

EAC = smooth(Cube(True).directions(64, 96))
ER = smooth(Equirect().directions(32, 64))


@pytest.mark.parametrize(
    ("stereo", "picture", "eye"),
    [
        (Stereo.MONO, ER, ER),
        (Stereo.TOP_BOTTOM, np.concatenate([ER, 0 * ER], 0), ER),
        (Stereo.LEFT_RIGHT, np.concatenate([ER, 0 * ER], 1), ER),
        (Stereo.TURNED, np.concatenate([np.rot90(EAC), 0 * np.rot90(EAC)], 1), EAC),
    ],
)
def test_the_left_eye_upright(stereo, picture, eye):
    np.testing.assert_array_equal(left_eye(picture[None], stereo)[0], eye)


def test_a_stereo_eac_becomes_one_sphere():
    both = np.concatenate([np.rot90(EAC), 255 - np.rot90(EAC)], 1)
    given = reproject(left_eye(both, Stereo.TURNED), Cube(True), Equirect(), 32, 64)
    assert psnr_db(given, ER) > 45


def test_an_unknown_place_is_told():
    with pytest.raises(ConfigError, match="stereo is 'bottom_top', expected one of"):
        left_eye(ER, "bottom_top")
