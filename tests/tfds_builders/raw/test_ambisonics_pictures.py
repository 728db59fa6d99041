import numpy as np
import pytest
from PIL import Image

from spatialjax.errors import MediaError
from spatialjax.vision import Cube, Equirect, Stereo
from tests.vision.spheres import psnr_db, smooth
from tfds_builders.raw.ambisonics_pictures import (
    SphereForm,
    SphereProjection,
    check_sphere,
    equirect_picture,
)

EXPECTED = smooth(Equirect().directions(32, 64))
ER = smooth(Equirect().directions(128, 256)).astype(np.uint8)
EAC = smooth(Cube(True).directions(128, 216)).astype(np.uint8)
TURNED = np.rot90(EAC)


@pytest.mark.parametrize(
    ("projection", "stereo", "picture"),
    [
        ("er", "mono", ER),
        ("er", "mono", ER[::4, ::4]),
        ("er", "mono", smooth(Equirect().directions(20, 40)).astype(np.uint8)),
        ("er", "top_bottom", np.concatenate([ER, 255 - ER], 0)),
        ("er", "left_right", np.concatenate([ER, 255 - ER], 1)),
        ("eac", "mono", EAC),
        ("eac", "turned", np.concatenate([TURNED, 255 - TURNED], 1)),
    ],
)
def test_any_form_becomes_one_small_sphere(projection, stereo, picture):
    form = SphereForm(SphereProjection(projection), Stereo(stereo))
    given = equirect_picture(Image.fromarray(picture), form, 32)
    assert (given.mode, given.size) == ("RGB", (64, 32))
    assert psnr_db(given, EXPECTED) > 35


def test_a_fine_pattern_becomes_grey():
    pattern = np.zeros((480, 720, 3), np.uint8)
    pattern[::2, ::2] = pattern[1::2, 1::2] = 255
    for projection in SphereProjection:
        form = SphereForm(projection)
        given = np.asarray(equirect_picture(Image.fromarray(pattern), form, 32))
        assert np.abs(given - 127.5).max() < 6


def test_what_is_no_sphere():
    check_sphere(Image.new("RGB", (202, 100)), "a")
    with pytest.raises(MediaError, match="a: 160 x 90 pixels are no equirectangular"):
        check_sphere(Image.new("RGB", (160, 90)), "a")
    with pytest.raises(MediaError, match="10 x 5 pixels is too small"):
        equirect_picture(Image.new("RGB", (10, 5)), SphereForm(), 32)
