"""Which pictures the windows of a sound field see, and when these are shown."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from spatialjax.inference.field_model import FieldModel
from spatialjax.inference.field_pictures import look_at
from spatialjax.inference.field_source import open_field_source
from spatialjax.inference.recent import Recent
from spatialjax.media import SphericalPicture, StereoMode, inject_spatial_metadata
from tests.inference.fakes import halves
from tests.inference.field_fakes import RATE_HZ, directional, model_of
from tests.media.make import number_picture, read_number, write_sound, write_video

SIZE = (64, 64)


def geometry(size=SIZE, **fields):
    model = model_of(directional())
    return dataclasses.replace(model.geometry, image_size=size, **fields)


def numbers_of(seen):
    return [read_number(image.repeat(1, 0)) for image in seen.shown["images"]]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Ten numbered pictures a second for two seconds; the sound begins 0.3 s later."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    pictures = [number_picture(i, 64, 64) for i in range(20)]
    sound = np.zeros(2 * RATE_HZ, np.float32)
    options = {"sound_start_s": 0.3, "sound_codec": "pcm_f32le"}
    write_video(path, pictures, 10, sound, RATE_HZ, **options)
    return path


def test_pictures_are_those_of_the_time_on_the_clock_of_the_sound(film):
    source = open_field_source(film, assume_360=True)
    with look_at(source, geometry(), 0.3) as look:
        for times_s in ([-1.0, 0.05], [0.0, 0.1], [0.25, 0.449], [0.5, 0.7]):
            seen = look(np.array(times_s))
            expected = np.maximum(np.floor(np.array(times_s) * 10 + 1e-6), 0)
            assert numbers_of(seen) == (expected + 3).tolist()
            np.testing.assert_allclose(seen.times_s, expected / 10 + 0.05)
        seen = look(np.array([1.6, 9.0]))
        assert numbers_of(seen) == [19, 19]
        np.testing.assert_allclose(seen.times_s, [1.65, 1.65])


def test_a_film_beside_the_sound_begins_with_it(film, tmp_path):
    write_sound(tmp_path / "s.wav", np.zeros(800), RATE_HZ)
    source = open_field_source(tmp_path / "s.wav", film, assume_360=True)
    with look_at(source, geometry(), 0.0) as look:
        assert numbers_of(look(np.array([0.0, 0.4]))) == [0, 4]


@pytest.mark.parametrize("size", [(64, 128), (33, 67), (7, 14)])
def test_a_still_picture_of_any_size_is_seen_at_all_times(tmp_path, size):
    Image.fromarray(halves(height=size[0], width=size[1])).save(tmp_path / "room.png")
    write_sound(tmp_path / "s.wav", np.zeros(800), RATE_HZ)
    source = open_field_source(tmp_path / "s.wav", tmp_path / "room.png")
    with look_at(source, geometry((16, 32)), 0.0) as look:
        for times_s in ([0.0, 0.1], [70.0, 70.1]):
            (first, second) = look(np.array(times_s)).shown["images"]
            np.testing.assert_array_equal(first, second)
            assert np.abs(first[:, :14] - [255.0, 0, 0]).max() < 10
            assert np.abs(first[:, 18:] - [0, 0, 255.0]).max() < 10


@pytest.mark.parametrize("stereo", [StereoMode.TOP_BOTTOM, StereoMode.LEFT_RIGHT])
def test_only_the_left_eye_is_seen(tmp_path, stereo):
    axis = 0 if stereo is StereoMode.TOP_BOTTOM else 1
    eyes = [np.full((32, 64, 3), level, np.uint8) for level in (200, 30)]
    picture = np.concatenate(eyes, axis)
    write_video(tmp_path / "x.mp4", [picture] * 4, 10, np.zeros(4000), RATE_HZ)
    path = tmp_path / "film.mp4"
    inject_spatial_metadata(tmp_path / "x.mp4", path, SphericalPicture(stereo=stereo))
    source = open_field_source(path)
    with look_at(source, geometry((16, 32)), 0.0) as look:
        images = look(np.array([0.0, 0.1])).shown["images"]
    assert images.shape == (2, 16, 32, 3)
    np.testing.assert_allclose(images, 200, atol=3)


def test_flow_is_from_each_picture_to_the_one_before(tmp_path):
    """A texture that goes three columns to the right with each picture."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (8, 16, 3), np.uint8)
    texture = coarse.repeat(8, 0).repeat(8, 1)
    pictures = [np.roll(texture, 3 * i, axis=1) for i in range(8)]
    path = tmp_path / "film.mp4"
    write_video(path, pictures, 10, np.zeros(RATE_HZ), RATE_HZ)
    source = open_field_source(path)
    with look_at(source, geometry(has_flow=True), 0.0) as look:
        still = look(np.array([0.0, 0.0])).shown["flow"]
        moving = look(np.array([0.3, 0.4])).shown["flow"]
    assert moving.dtype == np.float16
    assert moving.shape == (2, 64, 64, 2)
    assert np.abs(still).max() == 0
    # The picture is twice as wide as what is seen of it, and columns count half.
    assert np.median(moving[..., 0]) == pytest.approx(-1.5, abs=0.2)
    assert np.abs(np.median(moving[..., 1])) < 0.2


def test_a_model_that_does_not_see_reads_no_pictures(film):
    source = open_field_source(film, is_seen=False)
    assert source.pictures is None
    with look_at(source, geometry(), 0.0) as look:
        assert look is None
    seen = open_field_source(film, assume_360=True)
    with look_at(seen, geometry(num_images=0), 0.0) as look:
        assert look is None


def test_items_are_found_by_their_number():
    recent = Recent(iter("abcdefgh"), 3)
    assert recent.at(-2) == (0, "a")
    assert recent.at(4) == (4, "e")
    assert recent.at(2) == (2, "c")
    assert recent.at(0) == (2, "c")  # "a" is forgotten
    assert recent.at(99) == (7, "h")


def test_the_model_asks_for_pictures_around_the_middle_of_what_it_hears():
    model = model_of(directional())
    assert isinstance(model, FieldModel)
    found = model.geometry.picture_times_s(3)
    middle_s = (3 * 8 + 7.5) * 64 / RATE_HZ
    np.testing.assert_allclose(found, [middle_s - 0.1, middle_s])
