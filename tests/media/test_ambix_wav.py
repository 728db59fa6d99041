"""AmbiX files, against libsndfile, FFmpeg and the bytes of the formats."""

import os
import struct

import numpy as np
import pytest
import soundfile

from spatialjax.errors import MediaError, ShapeError
from spatialjax.media import ambix_wav
from spatialjax.media.ambix_wav import stream_ambix, write_ambix_wav
from tests.media.make_spatial import read_sound


def noise(channels, num_samples=1000, level=0.2):
    rng = np.random.default_rng(channels)
    return (level * rng.normal(size=(channels, num_samples))).astype(np.float32)


def write(path, samples, bits=32, order=None):
    order = int(len(samples) ** 0.5) - 1 if order is None else order
    with write_ambix_wav(path, 48000, order, bits) as append:
        for chunk in np.split(samples, [1, 1, 300], axis=1):
            append(chunk)


@pytest.mark.parametrize("channels", [1, 4, 9, 16, 64])
def test_floats_come_back_bit_for_bit(tmp_path, channels):
    samples = noise(channels, level=3.0)  # beyond full scale
    write(tmp_path / "x.wav", samples)
    found, rate_hz = soundfile.read(tmp_path / "x.wav", dtype="float32", always_2d=True)
    assert rate_hz == 48000
    np.testing.assert_array_equal(found.T, samples)


@pytest.mark.parametrize("channels", [4, 9])
@pytest.mark.parametrize("num_samples", [1000, 1001])
def test_24_bits_are_rounded_and_clipped(tmp_path, channels, num_samples):
    samples = noise(channels, num_samples)
    samples[0, :5] = [1.0, -1.0, 2.0, -2.0, 2.0**-24]
    write(tmp_path / "x.wav", samples, bits=24)
    info = soundfile.info(tmp_path / "x.wav")
    assert (info.subtype, info.frames) == ("PCM_24", num_samples)
    found = soundfile.read(tmp_path / "x.wav", dtype="int32")[0].T >> 8
    expected = np.clip(np.rint(samples.astype(np.float64) * 2**23), -(2**23), 2**23 - 1)
    np.testing.assert_array_equal(found, expected)
    assert (tmp_path / "x.wav").stat().st_size % 2 == 0


@pytest.mark.parametrize("bits", [24, 32])
def test_the_header_names_no_loudspeakers(tmp_path, bits):
    write(tmp_path / "x.wav", noise(4), bits)
    content = (tmp_path / "x.wav").read_bytes()
    num = 1000 * 4 * bits // 8
    assert content[:12] == b"RIFF" + struct.pack("<I", len(content) - 8) + b"WAVE"
    form = content[content.index(b"fmt ") + 4 :][:44]
    assert form[:16] == struct.pack("<IHHII", 40, 0xFFFE, 4, 48000, 48000 * bits // 2)
    assert form[16:28] == struct.pack("<HHHHI", bits // 2, bits, 22, bits, 0)
    code = "03" if bits == 32 else "01"
    assert form[28:].hex() == code + "00000000001000800000aa00389b71"
    assert content[108:116] == b"data" + struct.pack("<I", num)
    assert len(content) == 116 + num
    layout, _, _ = read_sound(tmp_path / "x.wav")
    assert layout == "4 channels"


def test_libsndfile_would_name_loudspeakers(tmp_path):
    # The reason for a header of our own; where this fails, it can go.
    soundfile.write(tmp_path / "x.wav", noise(4).T, 48000, "FLOAT", format="WAVEX")
    content = (tmp_path / "x.wav").read_bytes()
    assert struct.unpack_from("<I", content, content.index(b"fmt ") + 28) == (0x33,)


def test_more_than_a_wav_can_count_is_rf64(tmp_path, monkeypatch):
    samples = noise(4)
    monkeypatch.setattr(ambix_wav, "LARGEST_RIFF", 16107)  # one byte too few
    write(tmp_path / "x.wav", samples)
    content = (tmp_path / "x.wav").read_bytes()
    assert content[:16] == b"RF64" + b"\xff" * 4 + b"WAVEds64"
    assert struct.unpack_from("<IQQQI", content, 16) == (28, 16108, 16000, 1000, 0)
    assert content[108:116] == b"data" + b"\xff" * 4
    assert soundfile.info(tmp_path / "x.wav").format == "RF64"
    found = soundfile.read(tmp_path / "x.wav", dtype="float32")[0].T
    np.testing.assert_array_equal(found, samples)
    np.testing.assert_array_equal(read_sound(tmp_path / "x.wav")[1], samples)
    monkeypatch.setattr(ambix_wav, "LARGEST_RIFF", 16108)
    write(tmp_path / "x.wav", samples)
    assert soundfile.info(tmp_path / "x.wav").format == "WAVEX"


def test_beyond_4_gb_the_sizes_are_of_64_bits():
    # 2^32 samples, more than are written in a test
    header = ambix_wav._header(48000, 16, 24, 2**32)
    sizes = struct.unpack_from("<QQQ", header, 20)
    assert sizes == (108 + 48 * 2**32, 48 * 2**32, 2**32)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_file_is_read_chunk_by_chunk(tmp_path, monkeypatch, order):
    monkeypatch.setattr(ambix_wav, "_READ_SAMPLES", 300)
    samples = noise((order + 1) ** 2)
    write(tmp_path / "x.wav", samples)
    with stream_ambix(tmp_path / "x.wav") as reader:
        assert (reader.channels, reader.sample_rate_hz) == (len(samples), 48000)
        assert (reader.layout, reader.start_s) == (f"ambisonic {order}", 0.0)
        chunks = list(reader.chunks)
    assert [chunk.shape[1] for chunk in chunks] == [300, 300, 300, 100]
    np.testing.assert_array_equal(np.concatenate(chunks, 1), samples)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6, 8])
def test_other_numbers_of_channels_are_told(tmp_path, channels):
    soundfile.write(tmp_path / "x.wav", noise(channels).T, 48000)
    with (
        pytest.raises(
            MediaError,
            match=rf"x.wav has {channels} channels, expected .* as 4, 9 or 16",
        ),
        stream_ambix(tmp_path / "x.wav"),
    ):
        pass


def spoil(path):
    path.write_bytes(path.read_bytes()[:9000])


def replace(path):
    path.write_bytes(b"no sound at all")


def set_infinite(path):
    infinite = struct.pack("<f", float("inf"))
    path.write_bytes(path.read_bytes()[:-4] + infinite)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (spoil, "is cut off after 555 samples"),
        (replace, "cannot be read: Format not recognised"),
        (set_infinite, "holds samples that are not finite"),
        (os.unlink, "does not exist"),
    ],
)
def test_files_that_are_not_whole_are_told_in_one_line(tmp_path, damage, message):
    write(tmp_path / "x.wav", noise(4))
    damage(tmp_path / "x.wav")

    def read():
        with stream_ambix(tmp_path / "x.wav") as reader:
            list(reader.chunks)

    with pytest.raises(MediaError, match=rf"x.wav {message}") as caught:
        read()
    assert "\n" not in str(caught.value)


def test_nothing_is_left_after_an_error(tmp_path):
    with pytest.raises(ShapeError, match=r"samples has shape \[5, 1\]"):
        write(tmp_path / "x.wav", noise(5), order=1)
    with pytest.raises(MediaError, match="with 16 bits, expected 24 or 32"):
        write(tmp_path / "x.wav", noise(4), bits=16)
    with pytest.raises(MediaError, match="cannot hold order -1"):
        write(tmp_path / "x.wav", noise(4), order=-1)
    with pytest.raises(MediaError, match=r"x.wav is given samples that are not finite"):
        write(tmp_path / "x.wav", noise(4) * np.nan)
    assert not os.listdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match=r"x.wav cannot be written"):
        write(tmp_path / "file" / "x.wav", noise(4))
