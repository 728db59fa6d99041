"""WAVs written as their samples come."""

import errno

import numpy as np
import pytest
import soundfile

from spatialjax.errors import MediaError
from spatialjax.media import wav_writer
from spatialjax.media.wav_writer import write_wav_stream


def test_samples_come_back_as_they_were_written(tmp_path):
    rng = np.random.default_rng(0)
    samples = 3 * rng.normal(size=(2, 1000)).astype(np.float32)  # beyond full scale
    with write_wav_stream(tmp_path / "x.wav", 11025, 2, 1000) as write:
        for chunk in np.split(samples, [1, 1, 600], axis=1):
            write(chunk)
    found, rate_hz = soundfile.read(tmp_path / "x.wav", dtype="float32")
    assert rate_hz == 11025
    np.testing.assert_array_equal(found.T, samples)
    assert soundfile.info(tmp_path / "x.wav").format == "WAV"


def test_more_than_a_wav_can_hold_is_written_as_rf64(tmp_path):
    with write_wav_stream(tmp_path / "x.wav", 48000, 2, 2**30) as write:
        write(np.ones((2, 5), np.float32))
    info = soundfile.info(tmp_path / "x.wav")
    assert (info.format, info.frames) == ("RF64", 5)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with (
        pytest.raises(MediaError, match=r"none/x.wav cannot be written"),
        write_wav_stream(tmp_path / "none" / "x.wav", 8000, 1, 10),
    ):
        pass


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    class Full(soundfile.SoundFile):
        def write(self, data):
            raise soundfile.LibsndfileError(errno.ENOSPC)

    monkeypatch.setattr(wav_writer.soundfile, "SoundFile", Full)
    with (
        pytest.raises(MediaError, match=r"x.wav cannot be written any further"),
        write_wav_stream(tmp_path / "x.wav", 8000, 1, 10) as write,
    ):
        write(np.zeros((1, 4), np.float32))
