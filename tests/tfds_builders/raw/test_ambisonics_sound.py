import numpy as np
import pytest
import soundfile

from spatialjax.errors import DataError, MediaError
from spatialjax.media import AudioStream
from tests.media.make import number_picture, write_video
from tfds_builders.raw.ambisonics_sound import first_order_channels, sound_stream


def stream(codec, channels):
    return AudioStream(0, codec, 48000, channels, "", None)


@pytest.mark.parametrize(
    ("codec", "channels", "expected"),
    [
        ("aac", 6, (2, 1, 4, 0)),
        ("aac", 4, (0, 1, 2, 3)),
        ("opus", 4, (0, 1, 2, 3)),
        ("vorbis", 4, (0, 1, 2, 3)),
        ("opus", 6, (0, 1, 2, 3)),
        ("pcm_s16le", 9, (0, 1, 2, 3)),
    ],
)
def test_channels_by_codec(codec, channels, expected):
    assert first_order_channels(stream(codec, channels), None, "a") == expected


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8])
def test_no_sound_field(channels):
    match = rf"a\.m4a has {channels} channels \(aac\), expected 4"
    with pytest.raises(DataError, match=match):
        first_order_channels(stream("aac", channels), None, "a.m4a")


def test_a_channel_map():
    theta = (0, 2, 3, 1)
    assert first_order_channels(stream("pcm_s16le", 5), theta, "a") == theta
    for wrong in ((0, 1, 2), (0, 1, 2, 5), (0, -1, 2, 3)):
        with pytest.raises(DataError, match="does not name 4 of its 5 channels"):
            first_order_channels(stream("pcm_s16le", 5), wrong, "a")


def test_streams_of_files(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((100, 4)), 8000)
    assert sound_stream(path).channels == 4
    content = path.read_bytes()
    path.write_bytes(content + b"note\3\0\0\0abc\0")
    assert sound_stream(path).channels == 4
    path.write_bytes(content[:-1])
    with pytest.raises(MediaError, match=r"cut off: \d+ of \d+ bytes"):
        sound_stream(path)
    soundfile.write(path, np.zeros((100, 9)), 8000)
    with pytest.raises(MediaError, match="has 9 channels, more than 8"):
        sound_stream(path)
    write_video(tmp_path / "a.mp4", [number_picture(0)] * 2, 10)
    with pytest.raises(MediaError, match="has no sound stream"):
        sound_stream(tmp_path / "a.mp4")
