import io

import numpy as np
import pytest
from PIL import Image

from spatialjax.errors import ConfigError, DataError, MediaError
from tests.media.make import (
    number_picture,
    read_number,
    tone,
    write_images,
    write_sound,
    write_video,
)
from tfds_builders.av_clips.clip import AvClip, Settings

RATE_HZ = 11025


def clip(audio, images, num_images=None, **settings):
    settings = Settings(sample_rate_hz=RATE_HZ, **settings)
    return AvClip("a/1", "a", str(audio), str(images), num_images, settings)


def numbers(media):
    return [read_number(Image.open(io.BytesIO(image))) for image in media.images]


def onset_s(media, source=0):
    samples = np.abs(media.audio[source, 0].astype(int))
    return np.flatnonzero(samples > 1500)[0] / media.sample_rate_hz


class TestFolderOfImages:
    @pytest.mark.parametrize(("suffix", "exact"), [(".wav", True), (".mp3", False)])
    def test_sound_and_pictures(self, tmp_path, suffix, exact):
        seconds = 3.0
        samples = tone(seconds, RATE_HZ, onset_s=1.0)
        write_sound(tmp_path / f"a{suffix}", samples, RATE_HZ)
        write_images(tmp_path / "a.mp4", [number_picture(i) for i in range(24)])
        media = clip(tmp_path / f"a{suffix}", tmp_path / "a.mp4", 24).load()
        assert media.image_rate_hz == 8.0
        assert numbers(media) == list(range(24))
        assert media.audio.shape == (1, 1, 33075)
        assert onset_s(media) == pytest.approx(1.0, abs=0.005)
        assert media.class_names == ("a",)
        if exact:
            expected = np.rint(samples * 32768)
            assert np.abs(media.audio[0, 0] - expected).max() <= 1

    def test_rate_is_taken_from_the_data(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(4.0, RATE_HZ), RATE_HZ)
        write_images(tmp_path / "f", [number_picture(i) for i in range(4)])
        media = clip(tmp_path / "a.wav", tmp_path / "f", 4, image_rate_hz=8.0).load()
        assert media.image_rate_hz == 1.0
        assert numbers(media) == [0, 1, 2, 3]

    def test_more_images_than_wanted(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(4.0, RATE_HZ), RATE_HZ)
        write_images(tmp_path / "f", [number_picture(i) for i in range(32)])
        media = clip(tmp_path / "a.wav", tmp_path / "f", 32, image_rate_hz=1.0).load()
        assert media.image_rate_hz == 1.0
        assert numbers(media) == [4, 12, 20, 28]

    def test_ends_where_the_shorter_ends(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(3.0, RATE_HZ), RATE_HZ)
        write_images(tmp_path / "f", [number_picture(i) for i in range(22)])
        media = clip(tmp_path / "a.wav", tmp_path / "f").load()
        assert media.audio.shape[2] == round(22 / 8 * RATE_HZ)
        write_images(tmp_path / "g", [number_picture(i) for i in range(26)])
        media = clip(tmp_path / "a.wav", tmp_path / "g").load()
        assert (len(media.images), media.audio.shape[2]) == (24, 3 * RATE_HZ)

    def test_pictures_of_another_recording(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(1.0, RATE_HZ), RATE_HZ)
        write_images(tmp_path / "f", [number_picture(i) for i in range(170)])
        with pytest.raises(MediaError, match=r"170 images for 1\.000 s of sound"):
            clip(tmp_path / "a.wav", tmp_path / "f").load()

    def test_known_rate(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(3.0, RATE_HZ), RATE_HZ)
        write_images(tmp_path / "f", [number_picture(i) for i in range(24)])
        media = clip(tmp_path / "a.wav", tmp_path / "f", frames_rate_hz=8.0).load()
        assert media.image_rate_hz == 8.0
        with pytest.raises(MediaError, match="are not 30 per second"):
            clip(tmp_path / "a.wav", tmp_path / "f", frames_rate_hz=30.0).load()

    def test_large_pictures_are_reduced(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(1.0, RATE_HZ), RATE_HZ)
        pictures = [number_picture(i, 96, 160) for i in range(8)]
        write_images(tmp_path / "f", pictures)
        media = clip(tmp_path / "a.wav", tmp_path / "f", short_side=48).load()
        assert Image.open(io.BytesIO(media.images[0])).size == (80, 48)
        assert numbers(media) == list(range(8))

    def test_silence(self, tmp_path):
        write_images(tmp_path / "f", [number_picture(i) for i in range(20)])
        media = clip("", tmp_path / "f", 20).load()
        assert media.audio.shape == (1, 1, round(20 / 8 * RATE_HZ))
        assert not media.audio.any()
        assert numbers(media) == list(range(20))


class TestVideo:
    def test_video_with_its_sound(self, tmp_path):
        path = tmp_path / "a.mp4"
        pictures = [number_picture(i) for i in range(75)]
        write_video(path, pictures, 25, tone(3.0, 44100, onset_s=1.5), 44100)
        media = clip(path, path).load()
        assert media.image_rate_hz == 8.0
        assert numbers(media) == [int((i + 0.5) / 8 * 25) for i in range(24)]
        assert onset_s(media) == pytest.approx(1.5, abs=0.01)

    def test_sound_that_starts_later_moves_the_pictures(self, tmp_path):
        path = tmp_path / "a.mkv"
        pictures = [number_picture(i) for i in range(16)]
        sound = tone(1.0, 48000)
        write_video(path, pictures, 8, sound, 48000, sound_start_s=0.75)
        assert numbers(clip(path, path).load()) == [6, 7, 8, 9, 10, 11, 12, 13]

    def test_video_beside_a_sound(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(2.0, 22050, onset_s=0.5), 22050)
        pictures = [number_picture(i) for i in range(20)]
        write_video(tmp_path / "a.mp4", pictures, 10)
        media = clip(tmp_path / "a.wav", tmp_path / "a.mp4", 20).load()
        assert numbers(media) == [int((i + 0.5) / 8 * 10) for i in range(16)]
        assert onset_s(media) == pytest.approx(0.5, abs=0.005)

    def test_slower_video_keeps_its_rate(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(2.0, RATE_HZ), RATE_HZ)
        write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(8)], 4)
        media = clip(tmp_path / "a.wav", tmp_path / "a.mp4").load()
        assert media.image_rate_hz == 4.0
        assert numbers(media) == list(range(8))

    def test_silence(self, tmp_path):
        write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(16)], 8)
        media = clip("", tmp_path / "a.mp4", 16).load()
        assert not media.audio.any()
        assert media.audio.shape[2] == 2 * RATE_HZ

    def test_stereo_is_kept_if_asked_for(self, tmp_path):
        sound = np.stack([tone(1.0, RATE_HZ), np.zeros(RATE_HZ)], 1)
        write_sound(tmp_path / "a.wav", sound, RATE_HZ)
        write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(8)], 8)
        media = clip(tmp_path / "a.wav", tmp_path / "a.mp4", channels=2).load()
        assert media.audio.shape == (1, 2, RATE_HZ)
        assert media.audio[0, 0].any()
        assert not media.audio[0, 1].any()


class TestBroken:
    @pytest.fixture
    def sound(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(1.0, RATE_HZ), RATE_HZ)
        return tmp_path / "a.wav"

    @pytest.fixture
    def frames(self, tmp_path):
        write_images(tmp_path / "f", [number_picture(i) for i in range(8)])
        return tmp_path / "f"

    def test_missing_sound(self, tmp_path, frames):
        with pytest.raises(MediaError, match=r"b\.mp3 does not exist"):
            clip(tmp_path / "b.mp3", frames, 8).load()

    def test_missing_pictures(self, tmp_path, sound):
        with pytest.raises(MediaError, match="none does not exist"):
            clip(sound, tmp_path / "none", 8).load()

    def test_no_frames_by_the_index(self, sound, frames):
        with pytest.raises(DataError, match="NUMBER_FRAMES is 0"):
            clip(sound, frames, 0).load()

    def test_fewer_images_than_stated(self, sound, frames):
        with pytest.raises(MediaError, match="has 8 of 9 images"):
            clip(sound, frames, 9).load()

    def test_undecodable_image(self, sound, frames):
        (frames / "000004.jpg").write_bytes(b"no picture")
        with pytest.raises(MediaError, match=r"000004\.jpg cannot be decoded"):
            clip(sound, frames, 8).load()

    def test_images_of_two_sizes(self, sound, frames):
        Image.new("RGB", (32, 32)).save(frames / "000005.jpg")
        with pytest.raises(MediaError, match=r"000005\.jpg is \(32, 32\)"):
            clip(sound, frames, 8).load()

    def test_video_without_sound(self, tmp_path):
        path = tmp_path / "a.mp4"
        write_video(path, [number_picture(i) for i in range(8)], 8)
        with pytest.raises(MediaError, match="has no sound stream"):
            clip(path, path).load()

    def test_sound_without_pictures(self, sound):
        with pytest.raises(MediaError, match="has no picture stream"):
            clip(sound, sound).load()

    def test_sound_of_a_few_samples(self, tmp_path):
        write_sound(tmp_path / "a.wav", np.zeros(100), RATE_HZ)
        write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(8)], 8)
        with pytest.raises(
            DataError, match=r"a\.wav is too short for one image at 8 per second"
        ):
            clip(tmp_path / "a.wav", tmp_path / "a.mp4").load()


@pytest.mark.parametrize(
    "values",
    [
        {"sample_rate_hz": 0},
        {"image_rate_hz": -1.0},
        {"frames_rate_hz": 0.0},
        {"jpeg_quality": 96},
    ],
)
def test_settings_are_in_range(values):
    with pytest.raises(ConfigError, match="expected a positive number"):
        Settings(**values).validate()
