import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media import (
    inject_spatial_metadata,
    probe,
    read_spatial_metadata,
    stream_audio,
    write_spatial_film,
)
from spatialjax.media.spatial_boxes import SoundField
from tests.media.make import (
    number_picture,
    tone,
    without_decoder,
    write_sound,
    write_video,
)
from tests.media.make_spatial import RATE_HZ, tones, write_pictures


def test_streams_of_a_video(tmp_path):
    path = tmp_path / "a:b.mp4"
    write_video(path, [number_picture(0, 32)] * 20, 10, tone(2.0, 22050), 22050)
    info = probe(path)
    assert info.path == path
    assert info.duration_s == pytest.approx(2.0, abs=0.1)
    (video,), (audio,) = info.video, info.audio
    assert (video.codec, video.width, video.height) == ("h264", 64, 32)
    assert video.image_rate_hz == pytest.approx(10, abs=0.01)
    assert video.duration_s == pytest.approx(2.0, abs=0.01)
    assert (audio.codec, audio.sample_rate_hz, audio.channels) == ("aac", 22050, 1)
    assert audio.layout == "mono"
    assert audio.duration_s == pytest.approx(2.0, abs=0.1)


def test_matroska_tells_the_durations_of_its_streams(tmp_path):
    path = tmp_path / "a.mkv"
    pictures = [number_picture(0, 32)] * 10
    write_video(path, pictures, 10, tone(4.0, 22050), 22050)
    (video,), (audio,) = (info := probe(path)).video, info.audio
    assert video.duration_s == pytest.approx(1.0, abs=0.05)
    assert audio.duration_s == pytest.approx(4.0, abs=0.1)


def test_sound_alone(tmp_path):
    write_sound(tmp_path / "a.mp3", tone(1.0, 44100), 44100)
    info = probe(tmp_path / "a.mp3")
    assert info.video == ()
    assert info.container == "mp3"
    assert info.audio[0].sample_rate_hz == 44100


def test_no_media(tmp_path):
    (tmp_path / "a.mp4").write_bytes(bytes(5000))
    with pytest.raises(MediaError, match=r"a\.mp4 cannot be read: \w+"):
        probe(tmp_path / "a.mp4")


@pytest.mark.parametrize(("codec", "found"), [("aac", (0, 1)), ("h264", (1, 0))])
def test_streams_without_a_decoder_are_left_out(tmp_path, codec, found):
    path = tmp_path / "a.mkv"
    write_video(path, [number_picture(0)] * 8, 8, tone(1.0, 22050), 22050)
    without_decoder(path, codec)
    info = probe(path)
    assert (len(info.audio), len(info.video)) == found


@pytest.mark.parametrize(
    "field",
    [
        SoundField(1, channel_map=(0, 3, 1, 2)),
        SoundField(1, True, channel_map=(0, 3, 1, 2, 5, 4)),
        SoundField(3, channel_map=tuple(range(16))[::-1]),
    ],
)
def test_components_out_of_order_are_read_as_they_lie(tmp_path, field):
    """PyAV frees the layout of such a file twice."""
    path, samples = tmp_path / "a.mov", tones(field.num_channels)
    write_pictures(tmp_path / "p.mp4")
    write_spatial_film(path, tmp_path / "p.mp4", [samples], RATE_HZ, "pcm24")
    inject_spatial_metadata(path, path, sound=field)
    assert read_spatial_metadata(path).sound == field
    for _ in range(2):
        (audio,) = probe(path).audio
        assert audio.channels == field.num_channels
        assert audio.layout == f"{field.num_channels} channels"
        with stream_audio(path) as reader:
            found = np.concatenate(list(reader.chunks), 1)
        np.testing.assert_allclose(found, samples, atol=2**-23)
