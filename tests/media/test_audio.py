import fractions
import tracemalloc

import av
import numpy as np
import pytest
import soundfile

from spatialjax.errors import MediaError
from spatialjax.media import float_to_int16, read_audio, stream_audio, write_wav
from tests.media.make import (
    number_picture,
    tone,
    without_decoder,
    write_sound,
    write_video,
)


def level_and_frequency(samples, rate_hz):
    """Amplitude and frequency of a sine, away from the ends."""
    middle = samples[len(samples) // 4 : -len(samples) // 4] / 32768
    window = np.hanning(len(middle))
    spectrum = np.abs(np.fft.rfft(middle * window, 1 << 18))
    peak = spectrum.argmax()
    return 2 * spectrum[peak] / window.sum(), peak * rate_hz / (1 << 18)


def test_pcm_at_its_own_rate_is_exact(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32768, 4001).astype(np.int16)
    write_sound(tmp_path / "a.wav", samples, 11025)
    sound = read_audio(tmp_path / "a.wav", 11025, channels=1)
    assert sound.samples.dtype == np.int16
    assert sound.sample_rate_hz == 11025
    assert sound.start_s == 0
    np.testing.assert_array_equal(sound.samples, samples[None])


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_channels_are_kept_in_order(tmp_path, name):
    samples = np.arange(4000, dtype=np.int16).reshape(1000, 4)
    write_sound(tmp_path / name, samples, 8000)
    sound = read_audio(tmp_path / name)
    np.testing.assert_array_equal(sound.samples, samples.T)


@pytest.mark.parametrize("channels", [8, 9, 16])
def test_sound_fields_of_many_channels_are_exact(tmp_path, channels):
    rng = np.random.default_rng(2)
    samples = rng.integers(-32768, 32768, (5000, channels)).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000, format="WAVEX")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav").samples, samples.T)
    with stream_audio(tmp_path / "a.wav", 4000) as reader:
        chunks = list(reader.chunks)
    assert reader.channels == channels
    assert {chunk.shape[0] for chunk in chunks} == {channels}
    assert sum(chunk.shape[1] for chunk in chunks) == pytest.approx(2500, abs=20)


def test_mono_is_the_mean_of_the_channels(tmp_path):
    rng = np.random.default_rng(1)
    samples = rng.integers(-8000, 8000, (500, 2)).astype(np.int16) * 2
    write_sound(tmp_path / "a.wav", samples, 8000)
    sound = read_audio(tmp_path / "a.wav", channels=1)
    np.testing.assert_array_equal(sound.samples[0], samples.sum(1) // 2)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("a.wav", None, 44100),
        ("a.flac", None, 8000),
        ("a.mp3", None, 44100),
        ("a.m4a", "aac", 48000),
        ("a.mka", "libopus", 48000),
    ],
)
def test_resampled_sine_keeps_frequency_level_and_place(tmp_path, name, codec, rate_hz):
    onset_s = 0.5
    write_sound(
        tmp_path / name, tone(2.0, rate_hz, 441.0, onset_s, level=0.4), rate_hz, codec
    )
    sound = read_audio(tmp_path / name, 11025, channels=1)
    samples = sound.samples[0]
    assert len(samples) == pytest.approx(2 * 11025, abs=0.06 * 11025)
    level, frequency_hz = level_and_frequency(samples, 11025)
    assert level == pytest.approx(0.4, rel=0.02)
    assert frequency_hz == pytest.approx(441.0, abs=0.2)
    first = np.flatnonzero(np.abs(samples) > 0.05 * 32768)[0]
    assert first / 11025 == pytest.approx(onset_s, abs=0.003)


def test_what_lies_above_the_new_nyquist_rate_is_removed(tmp_path):
    write_sound(tmp_path / "a.wav", tone(1.0, 44100, 9000.0), 44100)
    samples = read_audio(tmp_path / "a.wav", 11025).samples[0, 500:-500]
    assert np.abs(samples).max() < 0.01 * 32768


def test_float_beyond_full_scale_is_clipped(tmp_path):
    samples = np.array([0.0, 1.5, -1.5, 0.25])
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    found = read_audio(tmp_path / "a.wav").samples[0]
    np.testing.assert_array_equal(found, [0, 32767, -32768, 8192])
    np.testing.assert_array_equal(float_to_int16(samples), found)


def test_sound_of_a_video(tmp_path):
    pictures = [number_picture(i) for i in range(8)]
    write_video(tmp_path / "a.mp4", pictures, 8, tone(1.0, 22050), 22050)
    sound = read_audio(tmp_path / "a.mp4", 11025, channels=1)
    assert sound.samples.shape[1] == pytest.approx(11025, abs=1200)
    assert level_and_frequency(sound.samples[0], 11025)[1] == pytest.approx(440, abs=1)


def test_sound_that_starts_later_says_so(tmp_path):
    pictures = [number_picture(i) for i in range(16)]
    path = tmp_path / "a.mkv"
    write_video(path, pictures, 8, tone(1.0, 48000), 48000, sound_start_s=0.75)
    assert read_audio(path, 11025).start_s == pytest.approx(0.75, abs=0.03)


class TestStream:
    @pytest.mark.parametrize("rate_hz", [None, 11025])
    @pytest.mark.parametrize("name", ["a.wav", "a.mp3"])
    def test_chunks_are_what_read_audio_gives(self, tmp_path, name, rate_hz):
        write_sound(tmp_path / name, tone(2.0, 44100), 44100)
        whole = read_audio(tmp_path / name, rate_hz)
        with stream_audio(tmp_path / name, rate_hz) as reader:
            chunks = list(reader.chunks)
        assert reader.sample_rate_hz == whole.sample_rate_hz == (rate_hz or 44100)
        assert reader.channels == 1
        assert reader.layout == ("1 channels" if name == "a.wav" else "mono")
        assert reader.start_s == whole.start_s
        assert {(chunk.dtype.name, chunk.ndim) for chunk in chunks} == {("float32", 2)}
        np.testing.assert_array_equal(
            float_to_int16(np.concatenate(chunks, 1)), whole.samples
        )

    def test_five_point_one(self, tmp_path):
        """Left, right, centre, low, back left, back right, as the file holds them."""
        path = tmp_path / "a.wav"
        levels = np.arange(1, 7, dtype=np.int16) * 1000
        frame = av.AudioFrame.from_ndarray(
            np.tile(levels, (1, 9000)), format="s16", layout="5.1"
        )
        frame.sample_rate = 8000
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000, layout="5.1")
            container.mux(stream.encode(frame))
        with stream_audio(path) as reader:
            assert (reader.channels, reader.layout) == (6, "5.1")
            samples = np.concatenate(list(reader.chunks), 1)
        np.testing.assert_array_equal(samples * 32768, np.tile(levels, (9000, 1)).T)

    def test_nothing_is_decoded_before_it_is_asked_for(self, tmp_path):
        """What is wrong with the end of a file does not keep its beginning back."""
        path = tmp_path / "a.aiff"
        write_sound(path, tone(9.0, 8000), 8000)
        path.write_bytes(path.read_bytes()[:100000])
        with stream_audio(path) as reader:
            assert next(reader.chunks).shape[1] < 8000
        with (
            stream_audio(path) as reader,
            pytest.raises(MediaError, match="is cut off after 6"),
        ):
            list(reader.chunks)

    def test_memory_does_not_grow_with_the_file(self, tmp_path):
        peaks = []
        for seconds in (4, 40):
            path = tmp_path / f"{seconds}.wav"
            write_sound(path, tone(seconds, 16000), 16000)
            with stream_audio(path, 8000) as reader:
                next(reader.chunks)
                tracemalloc.start()
                num_samples = sum(chunk.shape[1] for chunk in reader.chunks)
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
            assert num_samples > 0.9 * 8000 * seconds
        assert peaks[1] < 1.5 * peaks[0]

    def test_nothing_comes_after_the_context(self, tmp_path):
        write_sound(tmp_path / "a.wav", tone(4.0, 8000), 8000)
        with stream_audio(tmp_path / "a.wav") as reader:
            next(reader.chunks)
        assert list(reader.chunks) == []

    def test_failures_of_the_reader_keep_their_name(self, tmp_path):
        """Nobody may take another file that fails for this one."""
        write_sound(tmp_path / "a.wav", tone(1.0, 8000), 8000)
        with (
            pytest.raises(av.error.FileNotFoundError),
            stream_audio(tmp_path / "a.wav"),
        ):
            av.open(str(tmp_path / "another.wav"))

    def test_start_is_that_of_the_first_frame(self, tmp_path):
        """Even where the resampler keeps the first ones back."""
        path = tmp_path / "a.mka"
        samples = np.zeros((1, 8), np.int16)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
            for index in range(1000):
                frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
                frame.sample_rate, frame.pts = 8000, 4000 + 8 * index
                frame.time_base = fractions.Fraction(1, 8000)
                container.mux(stream.encode(frame))
        with stream_audio(path, 100) as reader:
            assert reader.start_s == pytest.approx(0.5, abs=1e-6)


class TestBadInput:
    def message(self, path, **kwargs):
        with pytest.raises(MediaError) as caught:
            read_audio(path, **kwargs)
        text = str(caught.value)
        assert "\n" not in text
        assert str(path) in text
        return text

    def test_missing(self, tmp_path):
        assert "does not exist" in self.message(tmp_path / "none.mp3")

    def test_folder(self, tmp_path):
        assert "is a folder" in self.message(tmp_path)

    def test_no_media(self, tmp_path):
        (tmp_path / "a.mp3").write_text("this is text" * 100)
        assert "cannot be" in self.message(tmp_path / "a.mp3")

    def test_empty_file(self, tmp_path):
        (tmp_path / "a.wav").touch()
        assert "cannot be read" in self.message(tmp_path / "a.wav")

    def test_no_sound_stream(self, tmp_path):
        write_video(tmp_path / "a.mp4", [number_picture(0)] * 3, 8)
        assert "no sound stream" in self.message(tmp_path / "a.mp4")

    def test_no_decoder(self, tmp_path):
        path = tmp_path / "a.mkv"
        write_video(path, [number_picture(0)] * 8, 8, tone(1.0, 22050))
        without_decoder(path, "aac")
        assert "no decoder for sound stream 1" in self.message(path)

    def test_no_permission(self, tmp_path, monkeypatch):
        def refuse(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("pathlib.Path.is_file", refuse)
        assert "cannot be read: Permission denied" in self.message(tmp_path / "a.wav")

    def test_no_samples(self, tmp_path):
        write_sound(tmp_path / "a.wav", np.zeros(0), 8000)
        text = self.message(tmp_path / "a.wav")
        assert "sound stream 0 (pcm_s16le), has no samples" in text

    def test_not_finite(self, tmp_path):
        samples = np.array([0.0, np.nan, 0.5])
        soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
        assert "not finite" in self.message(tmp_path / "a.wav")

    def test_matroska_cut_off(self, tmp_path):
        path = tmp_path / "a.mkv"
        write_video(path, [number_picture(0, 32)], 1, tone(9.0, 22050), 22050)
        assert read_audio(path).samples.shape[1] >= 9 * 22050
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "is cut off after 4." in self.message(path)

    def test_cut_off(self, tmp_path):
        path = tmp_path / "a.aiff"
        write_sound(path, tone(4.0, 8000), 8000)
        path.write_bytes(path.read_bytes()[:20000])
        assert "cut off after 1.24" in self.message(path)

    def test_number_of_channels(self, tmp_path):
        write_sound(tmp_path / "a.wav", np.zeros((10, 2)), 8000)
        text = self.message(tmp_path / "a.wav", channels=4)
        assert "2 channels, expected 4 or 1" in text

    def test_broken_packets(self, tmp_path):
        path = tmp_path / "a.flac"
        write_sound(path, np.random.default_rng(0).uniform(-1, 1, 50000), 8000)
        content = bytearray(path.read_bytes())
        content[4000:] = bytes(len(content) - 4000)
        path.write_bytes(content)
        self.message(path)

    def test_rate_that_changes(self, tmp_path):
        parts = []
        for rate_hz in (8000, 16000):
            name = tmp_path / f"{rate_hz}.ts"
            with av.open(str(name), "w", format="adts") as container:
                stream = container.add_stream("aac", rate=rate_hz, layout="mono")
                frame = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
                )
                frame.sample_rate, frame.pts = rate_hz, 0
                frame.time_base = fractions.Fraction(1, rate_hz)
                container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            parts.append(name.read_bytes())
        (tmp_path / "a.aac").write_bytes(parts[0] * 8 + parts[1] * 8)
        assert "changes its rate" in self.message(tmp_path / "a.aac")


class TestWriteWav:
    @pytest.mark.parametrize("dtype", [np.int16, np.float32])
    def test_round_trip(self, tmp_path, dtype):
        samples = (np.arange(-300, 300).reshape(3, 200) * 100).astype(dtype)
        samples = samples if dtype == np.int16 else samples / np.float32(32768)
        write_wav(tmp_path / "new" / "a.wav", samples, 16000)
        found, rate_hz = soundfile.read(tmp_path / "new" / "a.wav", dtype=dtype)
        np.testing.assert_array_equal(found.T, samples)
        assert rate_hz == 16000
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.wav"]

    @pytest.mark.parametrize("samples", [np.zeros(4), np.zeros((1, 4), np.int32)])
    def test_wrong_samples(self, tmp_path, samples):
        with pytest.raises(MediaError, match="expected int16 or floating point"):
            write_wav(tmp_path / "a.wav", samples, 8000)
        assert not list(tmp_path.iterdir())

    def test_below_a_regular_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(MediaError, match="cannot be written"):
            write_wav(tmp_path / "file" / "a.wav", np.zeros((1, 4)), 8000)


@pytest.mark.parametrize("rate_hz", [None, 11025])
def test_a_gap_in_the_sound_is_silence(tmp_path, rate_hz):
    path = tmp_path / "gap.mkv"
    write_gap(path, 2.0)
    sound = read_audio(path, rate_hz)
    level = np.abs(sound.samples[0].astype(float)) / 32768
    rate_hz = sound.sample_rate_hz
    assert len(level) == pytest.approx(4 * rate_hz, abs=rate_hz * 0.01)
    for begin_s, end_s, expected in ((0.1, 0.9, 0.5), (1.1, 2.9, 0), (3.1, 3.9, 0.5)):
        part = level[int(begin_s * rate_hz) : int(end_s * rate_hz)]
        assert part.max() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("codec", ["aac", "pcm_u8"])
def test_a_gap_in_eight_channels_is_silence(tmp_path, codec):
    path = tmp_path / "gap.mkv"
    write_gap(path, 2.0, 48000, codec, "7.1")
    level = np.abs(read_audio(path).samples.astype(float)) / 32768
    assert level.shape == (8, pytest.approx(4 * 48000, rel=0.02))
    assert level[:, 60000:130000].max() == 0
    assert level[:, 5000:40000].max(1) == pytest.approx(0.5, abs=0.1)
    assert level[:, 155000:180000].max(1) == pytest.approx(0.5, abs=0.1)


def test_a_gap_too_long_to_be_true_is_told(tmp_path):
    path = tmp_path / "gap.mkv"
    write_gap(path, 4000.0)
    with pytest.raises(MediaError, match=r"has nothing from 1\.0\d\d to 4001\.0"):
        read_audio(path)


def write_gap(path, gap_s, rate_hz=8000, codec="pcm_f32le", layout="mono"):
    """A second of tone, a gap in the time stamps, and a second of tone."""
    samples = tone(1.0, rate_hz, 100).astype(np.float32)
    step = 1024 if codec == "aac" else rate_hz // 10
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        to_form = av.AudioResampler(stream.format, layout, rate_hz)
        for number in range(2):
            for start in range(0, rate_hz - step + 1, step):
                chunk = samples[None, start : start + step]
                packed = np.repeat(chunk, stream.layout.nb_channels, 1)
                frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
                frame.sample_rate = rate_hz
                frame.time_base = fractions.Fraction(1, rate_hz)
                frame.pts = round((number * (1 + gap_s)) * rate_hz) + start
                for part in to_form.resample(frame):
                    container.mux(stream.encode(part))
        container.mux(stream.encode(None))
