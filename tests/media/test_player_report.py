"""What is told of a film before it is sent to players."""

import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media.player_report import WARNING, describe_for_players
from spatialjax.media.spatial_boxes import (
    Projection,
    SoundField,
    SphericalPicture,
    StereoMode,
)
from spatialjax.media.spatial_film import write_spatial_film
from spatialjax.media.spatial_metadata import inject_spatial_metadata
from tests.media.make_spatial import RATE_HZ, tones, write_pictures, write_sound

SPHERE = SphericalPicture()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "p.mp4"
    write_pictures(path, 12)
    return path


def film(path, pictures, channels=4, seconds=0.48, rate_hz=RATE_HZ, **options):
    samples = np.tile(tones(4, seconds, rate_hz), (5, 1))[:channels]
    write_spatial_film(path, pictures, [samples], rate_hz, **options)
    return path


def warnings(path):
    lines = describe_for_players(path)
    return [line for line in lines if line.startswith(WARNING)]


def test_a_film_for_youtube_is_described_without_a_warning(tmp_path, pictures):
    assert describe_for_players(film(tmp_path / "x.mp4", pictures, sphere=SPHERE)) == [
        "pictures: h264 128x64, 25.000 a second, 0.480 s, equirectangular, mono",
        "sound: aac 48000 Hz, 0.480 s, ambisonics of order 1, ACN, SN3D",
    ]
    path = film(tmp_path / "x.mov", pictures, 6, sphere=SPHERE)
    assert describe_for_players(path)[1] == (
        "sound: pcm_s24le 48000 Hz, 0.480 s, ambisonics of order 1 and head-locked "
        "stereo, ACN, SN3D"
    )
    assert warnings(path) == []


def test_matroska_is_described_by_its_tags(tmp_path, pictures):
    path = film(tmp_path / "x.mkv", pictures, sphere=SPHERE)
    picture, sound = describe_for_players(path)
    assert picture.endswith("0.480 s, equirectangular, mono")
    assert "opus 48000 Hz, 0.4" in sound


def set_channel_map(path, pictures):
    film(path.with_suffix(".mov"), pictures, sphere=SPHERE)
    field = SoundField(1, channel_map=(0, 3, 1, 2))
    inject_spatial_metadata(path.with_suffix(".mov"), path, sound=field)


def set_mesh(path, pictures):
    film(path, pictures, sphere=SphericalPicture(Projection.CUBEMAP))
    path.write_bytes(path.read_bytes().replace(b"cbmp", b"mshp"))


def rename_sound_field(path, pictures):
    film(path, pictures, sphere=SPHERE)
    path.write_bytes(path.read_bytes().replace(b"SA3D", b"free"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path, pictures: film(path, pictures), "no sphere is stated"),
        (rename_sound_field, "no sound field is stated"),
        (set_channel_map, "the channels are no AmbiX"),
        (set_mesh, "few players know pictures on a sphere as mesh"),
        (
            lambda path, pictures: film(path, pictures, 9, sphere=SPHERE),
            "YouTube plays order 1 only, this is 2",
        ),
        (
            lambda path, pictures: film(path, pictures, rate_hz=32000, sphere=SPHERE),
            "YouTube asks for 48000 Hz, this is 32000",
        ),
        (
            lambda path, pictures: film(path, pictures, seconds=1.0, sphere=SPHERE),
            "pictures and sound last 0.480 and 1.000 s",
        ),
    ],
)
def test_each_thing_in_the_way_is_told(tmp_path, pictures, make, message):
    make(tmp_path / "x.mp4", pictures)
    (warning,) = warnings(tmp_path / "x.mp4")
    assert warning.startswith(WARNING + message)


def test_pictures_of_another_shape_are_told(tmp_path):
    write_pictures(tmp_path / "p.mp4", 12, size=(64, 64))
    (warning,) = warnings(film(tmp_path / "x.mp4", tmp_path / "p.mp4", sphere=SPHERE))
    assert "64x64 pixels are not 2:1" in warning
    eyes = SphericalPicture(stereo=StereoMode.TOP_BOTTOM)
    assert not warnings(film(tmp_path / "x.mp4", tmp_path / "p.mp4", sphere=eyes))


def test_quad_sound_is_told(tmp_path, pictures, monkeypatch):
    from spatialjax.media import spatial_film

    def as_quad(target, codec, field, rate_hz):
        return target.add_stream("aac", rate=rate_hz, layout="quad")

    monkeypatch.setattr(spatial_film, "_add_sound", as_quad)
    (warning,) = warnings(film(tmp_path / "x.mp4", pictures, sphere=SPHERE))
    assert "layout 'quad' is refused by YouTube" in warning


def test_what_is_no_film_is_told(tmp_path):
    write_sound(tmp_path / "x.mp4", "aac", "4.0", tones(4))
    write_pictures(tmp_path / "y.mp4", 2)
    with pytest.raises(MediaError, match=r"x.mp4 has no picture stream"):
        describe_for_players(tmp_path / "x.mp4")
    with pytest.raises(MediaError, match=r"y.mp4 has no sound stream"):
        describe_for_players(tmp_path / "y.mp4")
