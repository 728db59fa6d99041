"""Films as browsers play them."""

import av
import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media import probe, read_audio, sample_images
from spatialjax.media.film_writer import write_film
from tests.media.make import number_picture, read_number, tone

RATE_HZ = 11025


def sound_chunks(seconds, channels=1):
    sound = np.stack([tone(seconds, RATE_HZ)] * channels).astype(np.float32)
    return np.array_split(sound, 5, axis=1)


def test_pictures_and_sound_come_back_at_their_times(tmp_path):
    path = tmp_path / "x.mp4"
    pictures = [number_picture(number, 64, 96) for number in range(24)]
    write_film(path, iter(pictures), 8.0, sound_chunks(3.0), RATE_HZ)
    info = probe(path)
    (video,), (audio,) = info.video, info.audio
    assert (video.codec, video.width, video.height) == ("h264", 96, 64)
    assert (audio.codec, audio.channels) == ("aac", 1)
    assert info.duration_s == pytest.approx(3.0, abs=0.15)
    found = [read_number(image) for image in sample_images(path, 8.0)]
    assert found == list(range(24))
    samples = read_audio(path, RATE_HZ).samples[0] / 32768
    expected = tone(3.0, RATE_HZ)
    middle = slice(RATE_HZ, 2 * RATE_HZ)
    np.testing.assert_allclose(samples[middle], expected[middle], atol=0.05)


@pytest.mark.parametrize(("channels", "layout"), [(1, 1), (2, 2), (6, 1)])
def test_stereo_stays_and_more_channels_become_their_mean(tmp_path, channels, layout):
    picture = np.zeros((33, 47, 3), np.uint8)  # odd sides lose a pixel
    sound = sound_chunks(1.0, channels)
    write_film(tmp_path / "x.mp4", [picture] * 8, 8.0, sound, RATE_HZ)
    info = probe(tmp_path / "x.mp4")
    assert info.audio[0].channels == layout
    assert (info.video[0].width, info.video[0].height) == (46, 32)


@pytest.mark.parametrize(
    ("rate_hz", "expected_hz"), [(4000, 8000), (10000, 11025), (192000, 48000)]
)
def test_any_rate_becomes_one_that_aac_knows(tmp_path, rate_hz, expected_hz):
    picture = np.zeros((32, 32, 3), np.uint8)
    sound = tone(2.0, rate_hz)[None].astype(np.float32)
    write_film(tmp_path / "x.mp4", [picture] * 16, 8.0, [sound], rate_hz)
    (audio,) = probe(tmp_path / "x.mp4").audio
    assert audio.sample_rate_hz == expected_hz
    found = read_audio(tmp_path / "x.mp4").samples[0] / 32768
    assert len(found) == pytest.approx(2 * expected_hz, abs=2200)
    power = np.abs(np.fft.rfft(found * np.hanning(len(found))))
    assert power.argmax() * expected_hz / len(found) == pytest.approx(440, abs=2)


def test_pixels_are_of_a_form_that_every_browser_plays(tmp_path):
    pictures = [np.full((32, 32, 3), 200, np.uint8)] * 8
    write_film(tmp_path / "x.mp4", pictures, 29.97, sound_chunks(1.0), RATE_HZ)
    with av.open(str(tmp_path / "x.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.pix_fmt == "yuv420p"
        assert float(stream.average_rate) == pytest.approx(29.97, abs=0.01)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    picture = np.zeros((32, 32, 3), np.uint8)
    (tmp_path / "file").touch()
    for path, message in [
        (tmp_path / "file" / "x.mp4", "cannot be written: .*file is a file, no folder"),
        (tmp_path, "is a folder, expected the name of a file"),
    ]:
        with pytest.raises(MediaError, match=message):
            write_film(path, [picture], 8.0, sound_chunks(1.0), RATE_HZ)


def test_a_file_of_another_s_stays(tmp_path):
    (tmp_path / "x.part").write_bytes(b"mine")
    picture = np.zeros((32, 32, 3), np.uint8)
    write_film(tmp_path / "x.mp4", [picture], 8.0, sound_chunks(1.0), RATE_HZ)
    assert (tmp_path / "x.part").read_bytes() == b"mine"
