"""What a sound field can be made of, and one line for what it cannot."""

import numpy as np
import pytest
from PIL import Image

from spatialjax.errors import MediaError
from spatialjax.inference.field_source import open_field_source
from spatialjax.media import (
    Projection,
    SphericalPicture,
    StereoMode,
    inject_spatial_metadata,
    write_wav,
)
from tests.media.make import write_sound, write_video

RATE_HZ = 8000


def film(path, size=(32, 64), channels=1, num=4):
    sound = np.zeros((RATE_HZ // 2, channels))
    write_video(path, [np.zeros((*size, 3), np.uint8)] * num, 8, sound, RATE_HZ)
    return path


def test_a_stated_sphere_needs_no_shape(tmp_path):
    stated = SphericalPicture(stereo=StereoMode.TOP_BOTTOM)
    film(tmp_path / "x.mp4", (64, 64), channels=2)
    inject_spatial_metadata(tmp_path / "x.mp4", tmp_path / "s.mp4", stated)
    source = open_field_source(tmp_path / "s.mp4")
    assert (source.sphere, source.image_rate_hz) == (stated, 8.0)
    assert source.duration_s == pytest.approx(0.5, abs=0.1)
    (note,) = source.notes
    assert note.startswith("the sound is stereo; the field is made of the mean")
    assert source.pictures_start_s(0.2) == 0.2


def test_a_picture_of_the_right_shape_is_taken_and_told(tmp_path):
    path = film(tmp_path / "x.mp4", (34, 68))
    source = open_field_source(path)
    assert source.sphere == SphericalPicture()
    assert source.notes == (
        f"{path} has pictures of 68x34 pixels and states no sphere; by its shape it is "
        "one",
    )


def test_a_flat_picture_is_refused_unless_it_is_none(tmp_path):
    path = film(tmp_path / "x.mp4", (36, 64))
    with pytest.raises(MediaError, match=r"64x36 pixels and states no sphere; .* --as"):
        open_field_source(path)
    source = open_field_source(path, assume_360=True)
    assert source.notes[0].endswith("taken for the whole sphere as told")


@pytest.mark.parametrize(
    "sphere",
    [
        SphericalPicture(Projection.CUBEMAP),
        SphericalPicture(yaw_rad=0.5),
        SphericalPicture(bounds=(0.0, 0.0, 0.25, 0.25)),
        SphericalPicture(stereo=StereoMode.RIGHT_LEFT),
    ],
)
def test_other_spheres_are_refused(tmp_path, sphere):
    film(tmp_path / "x.mp4")
    inject_spatial_metadata(tmp_path / "x.mp4", tmp_path / "s.mp4", sphere)
    with pytest.raises(MediaError, match="make it equirectangular, all round"):
        open_field_source(tmp_path / "s.mp4", assume_360=True)


@pytest.mark.parametrize(
    ("channels", "advice"),
    [
        (3, "W, X and Y are a sound field without Z: give W alone"),
        (4, "if it is a sound field already, give its first channel"),
        (5, "mix it down first"),
        (6, "mix it down first"),
    ],
)
def test_many_channels_are_refused(tmp_path, channels, advice):
    path = tmp_path / "x.wav"
    write_wav(path, np.zeros((channels, 800), np.float32), RATE_HZ)
    with pytest.raises(MediaError, match=f"has {channels} channels, expected 1 or 2; "):
        open_field_source(path, is_seen=False)
    with pytest.raises(MediaError, match=advice):
        open_field_source(path, is_seen=False)


def test_a_picture_that_nobody_sees_is_refused(tmp_path):
    with pytest.raises(MediaError, match=r"room.png would be seen by nobody"):
        open_field_source(film(tmp_path / "x.mp4"), "room.png", is_seen=False)


def test_what_is_missing_is_told(tmp_path):
    write_sound(tmp_path / "s.wav", np.zeros(800), RATE_HZ)
    mute = tmp_path / "mute.mp4"
    write_video(mute, [np.zeros((32, 64, 3), np.uint8)] * 4, 8)
    (tmp_path / "text.mp4").write_text("no film")
    for path, image, message in [
        ("s.wav", None, "s.wav has no pictures; name a 360 degree film or a still"),
        ("s.wav", "s.wav", "s.wav has no pictures"),
        ("s.wav", "none.png", "none.png does not exist"),
        ("s.wav", "text.mp4", "text.mp4 cannot be read"),
        ("mute.mp4", None, "has no sound stream"),
        ("none.mp4", None, "does not exist"),
    ]:
        with pytest.raises(MediaError, match=message):
            open_field_source(tmp_path / path, image and tmp_path / image)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_exif_of_a_camera_does_not_matter(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    Image.new("RGB", (64, 32)).save(tmp_path / f"still{suffix}", exif=exif)
    write_sound(tmp_path / "s.wav", np.zeros(100, np.float32), RATE_HZ)
    source = open_field_source(tmp_path / "s.wav", tmp_path / f"still{suffix}")
    assert source.sphere == SphericalPicture()
