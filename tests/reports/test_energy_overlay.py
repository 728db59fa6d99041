"""Films with energy over their pictures, as a player shows them."""

import tracemalloc

import jax.numpy as jnp
import numpy as np
import pytest
import soundfile
from PIL import Image

from spatialjax.ambisonics import angles_to_pixel, encode
from spatialjax.ambisonics.directions import angles_to_direction
from spatialjax.errors import ConfigError, MediaError, ShapeError
from spatialjax.media import (
    Projection,
    SphericalPicture,
    StereoMode,
    inject_spatial_metadata,
    probe,
    read_audio,
    sample_images,
    write_ambix_wav,
)
from spatialjax.reports.energy_looks import PublishedLook
from spatialjax.reports.energy_overlay import OverlayLook, write_energy_overlay
from tests.media.make import number_picture, read_number, tone, write_video

RATE_HZ = 16000
SIZE = (72, 144)
LOOKS = list(OverlayLook)


def wav(path, samples, rate_hz=RATE_HZ):
    order = round(len(samples) ** 0.5) - 1
    with write_ambix_wav(path, rate_hz, order) as write:
        write(samples.astype(np.float32))
    return path


def wave(azimuth_deg, elevation_deg, seconds, order=1, level=0.2):
    """A plane wave of noise."""
    angles_rad = np.radians([azimuth_deg, elevation_deg])
    noise = np.random.default_rng(0).normal(size=round(seconds * RATE_HZ)) * level
    direction = jnp.asarray(angles_to_direction(*angles_rad), jnp.float32)
    return np.asarray(encode(jnp.asarray(noise, jnp.float32), direction, order))


def silence(seconds, order=1):
    return np.zeros(((order + 1) ** 2, round(seconds * RATE_HZ)), np.float32)


def film(path, levels, image_rate_hz=10, size=SIZE):
    pictures = [np.full((*size, 3), level, np.uint8) for level in levels]
    write_video(path, pictures, image_rate_hz)
    return path


def images(path, rate_hz=10):
    return [np.asarray(image, float) for image in sample_images(path, rate_hz)]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "order"),
    [(62, -21, 1), (179, 33, 2), (-128, 5, 3)],
)
def test_it_is_most_hidden_where_the_sound_comes_from(
    tmp_path, look, azimuth_deg, elevation_deg, order
):
    """By black pictures and white ones, over which the colour does not matter."""
    source = film(tmp_path / "a.mp4", [0] * 10 + [255] * 10)
    sound = wav(tmp_path / "a.wav", wave(azimuth_deg, elevation_deg, 2.0, order))
    write_energy_overlay(tmp_path / "b.mp4", source, sound, look)
    found = images(tmp_path / "b.mp4")
    hidden = 1 - (np.mean(found[12:], 0) - np.mean(found[4:9], 0)).mean(-1) / 255
    assert hidden.max() > 0.6
    rows, columns = np.nonzero(hidden > hidden.max() - 0.02)
    row, column = angles_to_pixel(*np.radians([azimuth_deg, elevation_deg]), *SIZE)
    away = (columns - column + SIZE[1] / 2) % SIZE[1] - SIZE[1] / 2
    cell = SIZE[0] / 36
    assert abs(rows.mean() - row) < cell
    assert abs(away.mean()) < cell
    assert hidden.min() < 0.05


@pytest.mark.parametrize("look", LOOKS)
def test_silence_leaves_the_pictures_as_they_are(tmp_path, look):
    source = film(tmp_path / "a.mp4", range(30, 240, 10))
    write_energy_overlay(
        tmp_path / "b.mp4", source, wav(tmp_path / "a.wav", silence(2.1)), look
    )
    expected, found = images(source), images(tmp_path / "b.mp4")
    assert len(found) == len(expected) == 21
    np.testing.assert_allclose(found, expected, atol=4)


def test_uniform_fades_into_silence_and_published_does_not_tell_levels(tmp_path):
    """20 dB below the loudest nothing is shown, 10 dB below something."""
    source = film(tmp_path / "a.mp4", [100])
    parts = [wave(0, 0, 2.0, level=level) for level in (0.3, 0.09, 0.02, 0.3)]
    sound = wav(tmp_path / "a.wav", np.concatenate(parts, 1))
    change = {}
    for look in LOOKS:
        write_energy_overlay(tmp_path / "b.mp4", source, sound, look)
        whole = np.abs(np.array(images(tmp_path / "b.mp4")) - 100)
        change[look] = whole[[15, 38, 58, 78]].max((1, 2, 3))
    loud, less, quiet, again = change[OverlayLook.UNIFORM]
    assert quiet < 8 < 30 < less < loud - 15
    assert again == pytest.approx(loud, abs=10)
    assert np.ptp(change[OverlayLook.PUBLISHED]) < 15


def test_published_maps_change_evenly_from_one_to_the_next(tmp_path):
    """Half a second from the left, then from behind, ten pictures a second."""
    source = film(tmp_path / "a.mp4", [60] * 30, 30)
    parts = [wave(90, 0, 0.5), wave(180, 0, 0.5)]
    sound = wav(tmp_path / "a.wav", np.concatenate(parts, 1))
    write_energy_overlay(tmp_path / "b.mp4", source, sound, OverlayLook.PUBLISHED)
    found, look = images(tmp_path / "b.mp4"), PublishedLook(RATE_HZ)
    first, second = look.maps(parts)
    assert len(found) == 10
    picture = Image.new("RGB", SIZE[::-1], (60, 60, 60))
    for number, share in enumerate([0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1]):
        share = min(max((number + 0.5) / 5 - 0.5, 0), 1)
        expected = look.draw(picture, first + share * (second - first))
        error = np.abs(found[number] - np.asarray(expected, float))
        assert error.mean() < 3


class TestSound:
    def levels(self, tmp_path, **options):
        source = film(tmp_path / "a.mp4", [0])
        samples = encode(
            jnp.asarray(tone(2.0, RATE_HZ, level=0.1), jnp.float32),
            jnp.asarray([0.0, 1.0, 0.0]),
            1,
        )
        sound = wav(tmp_path / "a.wav", np.asarray(samples))
        write_energy_overlay(tmp_path / "b.mp4", source, sound, **options)
        heard = read_audio(tmp_path / "b.mp4").samples / 32768
        return np.sqrt(2) * heard[:, RATE_HZ // 2 : RATE_HZ].std(1)

    def test_preview_has_left_on_the_left_at_one_gain(self, tmp_path):
        left, right = self.levels(tmp_path)
        assert left == pytest.approx(0.95, abs=0.03)
        assert right < 0.01

    def test_filters_make_it_binaural(self, tmp_path):
        filters = np.zeros((2, 4, 3), np.float32)
        filters[0, 0, 2], filters[1, 1, 0] = 0.25, 1.0  # W to the left, Y to the right
        left, right = self.levels(tmp_path, filters=filters)
        assert right == pytest.approx(0.95, abs=0.03)
        assert left == pytest.approx(right / 4, rel=0.05)

    def test_filters_for_another_order(self, tmp_path):
        with pytest.raises(ShapeError, match="9"):
            self.levels(tmp_path, filters=np.zeros((2, 9, 3), np.float32))
        assert not (tmp_path / "b.mp4").exists()


class TestPictures:
    def test_time_zero_is_that_of_the_sound(self, tmp_path):
        pictures = [number_picture(number, 64, 128) for number in range(30)]
        write_video(tmp_path / "a.mp4", pictures, 10)
        sound = wav(tmp_path / "a.wav", silence(3.0))
        for look in LOOKS:
            write_energy_overlay(
                *(tmp_path / "b.mp4", tmp_path / "a.mp4", sound, look),
                start_s=1.0,
                duration_s=2.5,
            )
            numbers = [read_number(image) for image in images(tmp_path / "b.mp4")]
            assert numbers == [*range(10, 30), *[29] * 5]
            length_s = probe(tmp_path / "b.mp4").duration_s
            assert length_s == pytest.approx(2.5, abs=0.1)

    def test_a_still_picture_stays(self, tmp_path):
        picture = number_picture(77, 64, 128)
        Image.fromarray(picture).save(tmp_path / "a.jpg")
        sound = wav(tmp_path / "a.wav", silence(1.5))
        write_energy_overlay(tmp_path / "b.mp4", tmp_path / "a.jpg", sound)
        found = images(tmp_path / "b.mp4")
        assert [read_number(image) for image in found] == [77] * 15

    def test_large_pictures_become_smaller_and_even(self, tmp_path):
        source = film(tmp_path / "a.mp4", [9] * 60, 60, (250, 502))
        sound = wav(tmp_path / "a.wav", silence(0.5))
        write_energy_overlay(tmp_path / "b.mp4", source, sound, height=101)
        (video,) = probe(tmp_path / "b.mp4").video
        assert (video.height, video.width, video.image_rate_hz) == (100, 200, 30)

    def test_the_left_eye_is_shown(self, tmp_path):
        picture = np.full((128, 128, 3), 30, np.uint8)
        picture[:64] = 200
        write_video(tmp_path / "a.mp4", [picture] * 5, 10)
        above = SphericalPicture(stereo=StereoMode.TOP_BOTTOM)
        sound = wav(tmp_path / "a.wav", silence(0.5))
        inject_spatial_metadata(tmp_path / "a.mp4", tmp_path / "s.mp4", above)
        for source, sphere in (("s.mp4", None), ("a.mp4", above)):
            write_energy_overlay(
                tmp_path / "b.mp4", tmp_path / source, sound, sphere=sphere
            )
            found = images(tmp_path / "b.mp4")
            assert found[0].shape == (64, 128, 3)
            np.testing.assert_allclose(found[0], 200, atol=6)


def test_memory_does_not_grow_with_the_film(tmp_path):
    """Beyond what is read at once, 8 s here."""
    source, peaks = film(tmp_path / "a.mp4", [0], size=(16, 32)), []
    for seconds in (16, 16, 48):
        samples = np.full((4, 8000 * seconds), 0.1)
        sound = wav(tmp_path / "a.wav", samples, 8000)
        tracemalloc.start()
        write_energy_overlay(tmp_path / "b.mp4", source, sound, OverlayLook.PUBLISHED)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert probe(tmp_path / "b.mp4").duration_s == pytest.approx(48, abs=0.3)
    assert peaks[2] < 1.2 * peaks[1]


class TestBadInput:
    @pytest.fixture
    def files(self, tmp_path):
        return film(tmp_path / "a.mp4", [0] * 3), wav(tmp_path / "a.wav", silence(0.3))

    def refused(self, tmp_path, source, sound, message, error=MediaError, **options):
        for look in LOOKS:
            with pytest.raises(error, match=message) as caught:
                write_energy_overlay(tmp_path / "b.mp4", source, sound, look, **options)
            assert "\n" not in str(caught.value)
        assert not list(tmp_path.glob("b.*"))

    @pytest.mark.parametrize("channels", [1, 2, 5, 6])
    def test_no_sound_field(self, tmp_path, files, channels):
        path = tmp_path / "c.wav"
        soundfile.write(path, np.zeros((100, channels)), RATE_HZ)
        self.refused(tmp_path, files[0], path, rf"c\.wav has {channels} channels")

    def test_empty_sound_field(self, tmp_path, files):
        path = wav(tmp_path / "c.wav", silence(0))
        self.refused(tmp_path, files[0], path, r"c\.wav has no samples")

    def test_no_pictures(self, tmp_path, files):
        self.refused(tmp_path, files[1], files[1], r"a\.wav has no picture")

    def test_missing(self, tmp_path, files):
        self.refused(tmp_path, tmp_path / "x", files[1], r"x does not exist")
        self.refused(tmp_path, files[0], tmp_path / "x", r"x does not exist")

    def test_flat_pictures(self, tmp_path, files):
        source = film(tmp_path / "c.mp4", [0] * 3, size=(96, 128))
        self.refused(tmp_path, source, files[1], r"c\.mp4 has .*128x96 .*twice as wide")

    def test_cube_map(self, tmp_path, files):
        cube = SphericalPicture(Projection.CUBEMAP)
        inject_spatial_metadata(files[0], tmp_path / "c.mp4", cube)
        self.refused(tmp_path, tmp_path / "c.mp4", files[1], r"c\.mp4 .* cubemap")

    @pytest.mark.parametrize("options", [{"duration_s": 0.0}, {"height": 1}])
    def test_numbers(self, tmp_path, files, options):
        self.refused(tmp_path, *files, "is [01]", ConfigError, **options)

    def test_a_file_for_a_folder(self, files, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(MediaError, match="cannot be written"):
            write_energy_overlay(tmp_path / "file" / "b.mp4", *files)
