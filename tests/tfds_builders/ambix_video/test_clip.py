import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from spatialjax.errors import DataError, MediaError
from spatialjax.media.flow import decode_flow, encode_packed_flow
from tests.media.make import number_picture, read_number, write_video
from tests.tfds_builders.ambix_video.recordings import (
    HEIGHT,
    RATE_HZ,
    field,
    write_published,
    write_sphere,
)
from tfds_builders.ambix_video import PublishedClip, Settings, VideoClip

MASK = (True, True, False, True)


def published(folder, **settings):
    settings = {"sample_rate_hz": RATE_HZ, "short_side": HEIGHT, **settings}
    return PublishedClip("a", str(folder), MASK, Settings(**settings)).load()


def video(path, sound=None, **settings):
    settings = {"sample_rate_hz": RATE_HZ, "short_side": HEIGHT, **settings}
    sound = path.with_suffix(".wav") if sound is None else sound
    stored = Settings(**settings)
    mask = (*MASK, *(True,) * 5)[: stored.num_channels]
    return VideoClip("a", str(path), str(sound), mask, stored).load()


def pictures(media):
    return [Image.open(io.BytesIO(image)) for image in media.images]


def numbers(media):
    return [read_number(picture) for picture in pictures(media)]


class TestPublished:
    def test_sound_and_pictures(self, tmp_path):
        media = published(write_published(tmp_path / "a", 3))
        assert media.audio.shape == (1, 4, 3 * RATE_HZ)
        error = media.audio[0] - np.rint(field(3).T * 32768)
        assert np.abs(error).max() <= 1
        assert numbers(media) == list(range(30))
        assert media.image_rate_hz == 10
        assert media.channel_mask == MASK
        assert media.flow is None
        stored = (tmp_path / "a/video/000007.jpg").read_bytes()
        assert media.images[7] == stored

    def test_another_rate_has_no_edges_between_seconds(self, tmp_path):
        media = published(write_published(tmp_path / "a", 2), sample_rate_hz=8000)
        assert media.audio.shape == (1, 4, 16000)
        expected = field(2, rate_hz=8000).T
        error = media.audio[0, :, 100:-100] / 32768 - expected[:, 100:-100]
        assert np.abs(error).max() < 2e-3

    def test_fewer_and_smaller_pictures(self, tmp_path):
        folder = write_published(tmp_path / "a", 2, height=64)
        media = published(folder, image_rate_hz=2.0)
        assert numbers(media) == [2, 7, 12, 17]
        assert {picture.size for picture in pictures(media)} == {(64, 32)}

    def test_published_flow_is_taken(self, tmp_path):
        folder = write_published(tmp_path / "a", 1)
        (folder / "flow").mkdir()
        limits = []
        for index in range(10):
            flow = np.full((HEIGHT, 2 * HEIGHT, 2), 2.0 + index)
            content, limit = encode_packed_flow(flow)
            (folder / f"flow/{index:06d}.jpg").write_bytes(content)
            limits.append(limit)
        np.save(folder / "flow/flow_limits.npy", np.array(limits))
        media = published(folder, flow=True)
        for index, content in enumerate(media.flow):
            expected = np.full((HEIGHT, 2 * HEIGHT, 2), 2.0 + index)
            np.testing.assert_allclose(decode_flow(content), expected, rtol=0.03)
        np.save(folder / "flow/flow_limits.npy", np.array(limits) * np.nan)
        with pytest.raises(MediaError, match="limits that are not finite"):
            published(folder, flow=True)
        np.save(folder / "flow/flow_limits.npy", np.array(limits))
        (folder / "flow/000009.jpg").unlink()
        with pytest.raises(DataError, match="has 9 flows for 10 images"):
            published(folder, flow=True)
        (folder / "flow/000000.jpg").unlink()
        with pytest.raises(DataError, match=r"has no 000000\.jpg, but 000001\.jpg"):
            published(folder, flow=True)
        (folder / "flow/000001.jpg").rename(folder / "flow/000000.jpg")
        for index in range(2, 9):
            (folder / f"flow/{index:06d}.jpg").unlink()
        (folder / "flow/flow_limits.npy").write_bytes(b"x")
        with pytest.raises(MediaError, match="flow cannot be read"):
            published(folder, flow=True)

    def test_flow_is_estimated_where_it_lacks(self, tmp_path):
        media = published(write_published(tmp_path / "a", 1), flow=True)
        assert len(media.flow) == 10
        assert not decode_flow(media.flow[0]).any()
        assert decode_flow(media.flow[1]).shape == (HEIGHT, 2 * HEIGHT, 2)

    def test_what_is_gone_or_missing(self, tmp_path):
        with pytest.raises(DataError, match="none/ambix does not exist"):
            published(tmp_path / "none")
        folder = write_published(tmp_path / "a", 3)
        (folder / "video/000004.jpg").unlink()
        Image.new("RGB", (64, 32)).save(folder / "video/x.jpg")
        with pytest.raises(DataError, match=r"has no 000004\.jpg, but 000005\.jpg"):
            published(folder)
        (folder / "video/000000.jpg").unlink()
        with pytest.raises(DataError, match=r"has no 000000\.jpg, but 000001\.jpg"):
            published(folder)
        (folder / "ambix/000001.wav").unlink()
        with pytest.raises(DataError, match=r"has no 000001\.wav, but 000002\.wav"):
            published(folder)

    def test_a_second_that_was_cut_off(self, tmp_path):
        folder = write_published(tmp_path / "a", 3)
        path = folder / "ambix/000001.wav"
        path.write_bytes(path.read_bytes()[: 8 * 3600])
        with pytest.raises(
            MediaError, match=r"000001\.wav has 3\d\d\d samples, expected"
        ):
            published(folder)

    def test_the_last_second_may_be_shorter_and_not_longer(self, tmp_path):
        folder = write_published(tmp_path / "a", 2)
        path = folder / "ambix/000001.wav"
        soundfile.write(path, field(0.5), RATE_HZ)
        assert published(folder).audio.shape[-1] == 1.5 * RATE_HZ
        soundfile.write(path, field(1.5), RATE_HZ)
        with pytest.raises(MediaError, match=r"000001\.wav has 6000 samples, expected"):
            published(folder)

    def test_seconds_that_differ(self, tmp_path):
        folder = write_published(tmp_path / "a", 2)
        soundfile.write(folder / "ambix/000001.wav", field(1, 5), RATE_HZ)
        with pytest.raises(MediaError, match="has 5 channels at 4000 Hz, the files"):
            published(folder)

    def test_pictures_that_are_no_sphere(self, tmp_path):
        folder = write_published(tmp_path / "a", 1)
        flat = number_picture(0, 36, 64)
        Image.fromarray(flat).save(folder / "video/000003.jpg")
        with pytest.raises(
            MediaError, match=r"000003\.jpg: 64 x 36 pixels are no equi"
        ):
            published(folder)


class TestVideo:
    def test_a_pair(self, tmp_path):
        media = video(write_sphere(tmp_path / "a.mp4", 1.5, size=(64, 128)))
        assert media.audio.shape == (1, 4, 6000)
        assert np.abs(media.audio[0] - np.rint(field(1.5).T * 32768)).max() <= 1
        assert numbers(media) == list(range(15))
        assert {picture.size for picture in pictures(media)} == {(64, 32)}

    def test_one_file(self, tmp_path):
        path = tmp_path / "a.mkv"
        images = [number_picture(i, HEIGHT, 2 * HEIGHT) for i in range(10)]
        write_video(path, images, 10, field(1), RATE_HZ, sound_codec="pcm_s16le")
        media = video(path, sound=path)
        assert np.abs(media.audio[0] - np.rint(field(1).T * 32768)).max() <= 1
        assert numbers(media) == list(range(10))

    def test_a_wrong_rate_is_resampled(self, tmp_path):
        media = video(write_sphere(tmp_path / "a.mp4"), sample_rate_hz=8000)
        assert media.audio.shape == (1, 4, 8000)
        expected = field(1, rate_hz=8000).T
        error = media.audio[0, :, 200:-200] / 32768 - expected[:, 200:-200]
        assert np.abs(error).max() < 0.01

    @pytest.mark.parametrize("rate_hz", [RATE_HZ, 8000])
    @pytest.mark.parametrize("order", [1, 2])
    def test_channels_beyond_the_order_are_left_out(self, tmp_path, order, rate_hz):
        path = write_sphere(tmp_path / "a.mp4", channels=9)
        media = video(path, order=order, sample_rate_hz=rate_hz)
        assert media.audio.shape == (1, (order + 1) ** 2, rate_hz)
        expected = field(1, 9, rate_hz).T[: (order + 1) ** 2, 200:-200]
        error = media.audio[0, :, 200:-200] / 32768 - expected
        assert np.abs(error).max() < 2e-3

    def test_an_order_that_is_not_there(self, tmp_path):
        path = write_sphere(tmp_path / "a.mp4")
        with pytest.raises(DataError, match="expected 9 of order 2, or more"):
            video(path, order=2)

    @pytest.mark.parametrize(
        ("channels", "words"),
        [
            (3, "3 channels are no ambi"),
            (5, "5 channels are no ambi"),
            (1, "expected 4"),
        ],
    )
    def test_no_sound_field(self, tmp_path, channels, words):
        path = write_sphere(tmp_path / "a.mp4", channels=channels)
        with pytest.raises(DataError, match=rf"a\.wav.*{words}"):
            video(path)

    def test_no_sphere(self, tmp_path):
        path = write_sphere(tmp_path / "a.mp4", size=(36, 64))
        with pytest.raises(MediaError, match=r"a\.mp4: 64 x 36 pixels .* --kind=ambi"):
            video(path)

    def test_sizes_a_little_off(self, tmp_path):
        path = write_sphere(tmp_path / "a.mp4", size=(158, 320))
        media = video(path)
        assert {picture.size for picture in pictures(media)} == {(64, 32)}

    def test_a_sound_that_was_cut_off(self, tmp_path):
        path = write_sphere(tmp_path / "a.mp4", 3.0)
        wav = path.with_suffix(".wav")
        wav.write_bytes(wav.read_bytes()[: 8 * RATE_HZ])
        with pytest.raises(
            MediaError, match=r"a\.wav is cut off: 32000 of 960\d\d bytes"
        ):
            video(path)

    def test_too_short(self, tmp_path):
        path = write_sphere(tmp_path / "a.mp4")
        soundfile.write(path.with_suffix(".wav"), field(0.02), RATE_HZ)
        with pytest.raises(DataError, match="too short for one image at 10"):
            video(path)
