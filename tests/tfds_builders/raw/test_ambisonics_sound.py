import numpy as np
import pytest
import soundfile

from spatialjax.errors import DataError, MediaError
from spatialjax.media import AudioStream, SoundField, inject_spatial_metadata
from tests.media.make import number_picture, write_video
from tests.media.make_spatial import write_sound
from tfds_builders.raw.ambisonics_sound import (
    first_order_channels,
    read_field,
    sound_stream,
)


def stream(codec, channels, layout=""):
    return AudioStream(0, codec, 48000, channels, layout, None)


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


@pytest.mark.parametrize("layout", ["5.1", "5.1(side)"])
def test_loudspeakers_are_no_sound_field_unless_told(layout):
    given = stream("ac3", 6, layout)
    with pytest.raises(DataError, match=r"for the loudspeakers of 5\.1.* channel map"):
        first_order_channels(given, None, "a.mkv")
    assert first_order_channels(given, (2, 1, 4, 0), "a.mkv") == (2, 1, 4, 0)


@pytest.mark.parametrize("channels", [9, 16])
def test_fields_of_higher_orders_are_read(tmp_path, channels):
    samples = np.random.default_rng(0).integers(-999, 999, (100, channels), np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    found = read_field(tmp_path / "a.wav", 8000)
    np.testing.assert_array_equal(found.samples, samples.T)


def test_channels_that_are_stated_to_lie_otherwise(tmp_path):
    path = tmp_path / "a.mov"
    write_sound(path, "pcm_s16le", "4.0", np.zeros((4, 100), np.float32))
    fuma = SoundField(channel_map=(0, 3, 1, 2))
    inject_spatial_metadata(path, path, sound=fuma)
    with pytest.raises(MediaError, match=r"map \(0, 3, 1, 2\), .* bring them to AmbiX"):
        sound_stream(path)
    inject_spatial_metadata(path, path, sound=SoundField())
    assert sound_stream(path).channels == 4


def test_a_channel_map():
    theta = (0, 2, 3, 1)
    assert first_order_channels(stream("pcm_s16le", 5), theta, "a") == theta
    for wrong in ((0, 1, 2), (0, 1, 2, 5), (0, -1, 2, 3), (0, 1, 1, 3)):
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
    write_video(tmp_path / "a.mp4", [number_picture(0)] * 2, 10)
    with pytest.raises(MediaError, match="has no sound stream"):
        sound_stream(tmp_path / "a.mp4")
