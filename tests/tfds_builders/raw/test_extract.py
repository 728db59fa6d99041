import io
import itertools
import tracemalloc

import numpy as np
import pytest
import soundfile
from PIL import Image

from spatialjax.errors import ConfigError, MediaError
from spatialjax.media import read_audio
from tests.media.make import (
    number_picture,
    read_number,
    tone,
    without_decoder,
    write_sound,
    write_video,
)
from tests.tfds_builders.raw.videos import files_of
from tfds_builders.av_clips import clip as av_clip
from tfds_builders.raw import extract as extract_module
from tfds_builders.raw.extract import Settings, extract
from tfds_builders.raw.remux import Address, remux
from tfds_builders.raw.sources import RawClip

PICTURES = [number_picture(i, 64, 96) for i in range(24)]


@pytest.fixture
def workplace(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    yield folder
    assert not list(folder.iterdir())


def raw_clip(source, output):
    return RawClip(
        "a/1", source, output / "audio" / "a" / "1.wav", output / "frames/a/1.mp4"
    )


def made(source, workplace, **settings):
    """The clip of a source that can be used."""
    clip = raw_clip(source, workplace.parent / "out")
    assert extract(clip, Settings(**settings), workplace) is None
    assert clip.is_whole
    return clip


def reason(source, workplace, **settings):
    """Why a source cannot be used."""
    clip = raw_clip(source, workplace.parent / "out")
    text = extract(clip, Settings(**settings), workplace)
    assert not clip.sound.exists()
    assert not clip.images.exists()
    return text


def numbers(clip):
    paths = sorted(clip.images.iterdir())
    assert [path.name for path in paths] == [
        f"{i:06d}.jpg" for i in range(1, len(paths) + 1)
    ]
    return [read_number(Image.open(io.BytesIO(path.read_bytes()))) for path in paths]


def loaded(audio, images):
    """What the dataset builder makes of a sound and its pictures."""
    settings = av_clip.Settings()
    return av_clip.AvClip("a/1", "a", str(audio), str(images), None, settings).load()


@pytest.mark.parametrize(
    "kwargs",
    [
        {"sound": tone(3.0, 44100), "sound_rate_hz": 44100},
        {"sound": np.stack([tone(3.0, 22050), 0 * tone(3.0, 22050)], 1)},
        {"sound": tone(2.2, 22050)},
        {"sound": tone(5.0, 22050)},
        {"sound": tone(2.0, 22050), "sound_start_s": 0.5},
        {"sound": tone(3.0, 22050), "rotation": 90},
        {"sound": tone(3.0, 22050), "aspect": 2},
        {"sound": tone(1.8, 22050), "times_s": np.cumsum([0.05, 0.1] * 12)},
    ],
)
@pytest.mark.parametrize("rate_hz", [8, 30])
def test_a_dataset_of_the_clip_is_that_of_the_video(
    tmp_path, workplace, rate_hz, kwargs
):
    """Bit for bit: sound, pictures, and where both end."""
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, rate_hz, **kwargs)
    clip = made(source, workplace)
    of_video, of_clip = loaded(source, source), loaded(clip.sound, clip.images)
    np.testing.assert_array_equal(of_clip.audio, of_video.audio)
    assert of_clip.images == of_video.images
    assert of_clip.image_rate_hz == of_video.image_rate_hz == 8
    with soundfile.SoundFile(clip.sound) as file:
        assert (file.samplerate, file.channels, file.subtype) == (11025, 1, "PCM_16")
        assert file.frames == of_clip.audio.shape[2]


def test_settings_are_kept(tmp_path, workplace):
    source = tmp_path / "raw.mkv"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    clip = made(source, workplace, image_rate_hz=4, sample_rate_hz=8000, short_side=32)
    assert soundfile.info(clip.sound).samplerate == 8000
    assert len(numbers(clip)) == 12
    with Image.open(clip.images / "000001.jpg") as image:
        assert image.size == (48, 32)


def test_a_slow_video_repeats_its_pictures(tmp_path, workplace):
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES[:6], 2, tone(3.0, 22050))
    assert numbers(made(source, workplace)) == list(np.repeat(range(6), 4))


def test_a_wav_is_that_of_the_reader(tmp_path, workplace):
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    clip = made(source, workplace)
    samples, rate_hz = soundfile.read(clip.sound, dtype="int16")
    expected = read_audio(source, 11025, 1).samples[0, : len(samples)]
    assert (rate_hz, len(samples)) == (11025, 33075)
    np.testing.assert_array_equal(samples, expected)


def test_what_cannot_be_used(tmp_path, workplace):
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, 8)
    assert reason(source, workplace).endswith("raw.mp4 has no sound stream")
    write_sound(source, tone(3.0, 22050), 22050, "aac")
    assert reason(source, workplace).endswith("raw.mp4 has no picture stream")
    source.write_text("not a video")
    assert "cannot be read" in reason(source, workplace)
    source.unlink()
    assert "does not exist" in reason(source, workplace)
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    assert "cannot be read" in reason(source, workplace)


def test_streams_that_cannot_be_used(tmp_path, workplace):
    source = tmp_path / "raw.mkv"
    for codec, kind in (("aac", "sound"), ("h264", "picture")):
        write_video(source, PICTURES, 8, tone(3.0, 22050))
        without_decoder(source, codec)
        assert f"there is no decoder for {kind} stream" in reason(source, workplace)
    pictures, sound = tmp_path / "pictures.mp4", tmp_path / "sound.wav"
    write_video(pictures, PICTURES, 8)
    soundfile.write(sound, np.where(tone(3.0, 8000) > 0.4, np.nan, 0), 8000, "FLOAT")
    remux([Address(str(pictures)), Address(str(sound))], source)
    assert "holds samples that are not finite" in reason(source, workplace)


def test_too_short_for_a_picture(tmp_path, workplace):
    source = tmp_path / "raw.mkv"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    text = reason(source, workplace, image_rate_hz=0.1)
    assert text.endswith("raw.mkv is too short for one image at 0.1 per second")


def test_longer_than_a_wav_file(tmp_path, workplace, monkeypatch):
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    monkeypatch.setattr(extract_module, "_MAX_SAMPLES", 11025)
    assert "is longer than a WAV file" in reason(source, workplace)


def test_a_picture_that_is_no_jpeg(tmp_path, workplace, monkeypatch):
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    wide = itertools.repeat(Image.new("RGB", (70000, 1)))
    monkeypatch.setattr(extract_module, "sample_images", lambda *_: wide)
    assert "a picture of 70000 x 1 pixels is no JPEG" in reason(source, workplace)


def test_parts_that_are_there_are_replaced(tmp_path, workplace):
    """Images without a sound are what a killed run left."""
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    clip = made(source, workplace)
    whole = files_of(tmp_path / "out")
    for part in (clip.sound, clip.images / "000003.jpg"):
        part.unlink()
    (clip.images / "other.jpg").touch()
    assert not clip.is_whole
    assert files_of(made(source, workplace).images.parents[2]) == whole


def test_a_folder_that_cannot_be_written(tmp_path, workplace):
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    (tmp_path / "out").touch()
    with pytest.raises(MediaError, match=r"1\.wav cannot be written: Not a directory"):
        extract(raw_clip(source, tmp_path / "out"), Settings(), workplace)


@pytest.mark.parametrize(
    "settings",
    [{"image_rate_hz": 0.0}, {"sample_rate_hz": -1}, {"image_rate_hz": np.inf}],
)
def test_settings_out_of_range(settings):
    with pytest.raises(ConfigError, match="expected a positive number"):
        Settings(**settings).validate()


def test_memory_does_not_grow_with_length(tmp_path, workplace):
    peaks = []
    for seconds in (5, 50):
        source = tmp_path / f"{seconds}.mkv"
        pictures = [number_picture(i % 256) for i in range(8 * seconds)]
        write_video(source, pictures, 8, tone(seconds, 22050))
        tracemalloc.start()
        made(source, workplace, sample_rate_hz=22050)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_jpegs_have_the_quality_of_the_builders(tmp_path, workplace):
    """So that the builder takes them over byte for byte."""
    assert Settings().jpeg_quality == av_clip.Settings().jpeg_quality
    source = tmp_path / "raw.mp4"
    write_video(source, PICTURES, 8, tone(3.0, 22050))
    clip = made(source, workplace)
    content = (clip.images / "000001.jpg").read_bytes()
    assert loaded(clip.sound, clip.images).images[0] == content
    assert Image.open(io.BytesIO(content)).format == "JPEG"
