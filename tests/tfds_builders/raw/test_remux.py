import itertools

import av
import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media import probe, read_audio, sample_images
from tests.media.make import number_picture, read_number, tone, write_sound, write_video
from tfds_builders.raw.remux import Address, remux

RATE_HZ = 22050
NUM_PICTURES = 64  # 8 s


def chirp(seconds):
    """A sound whose every part is another."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return 0.5 * np.sin(2 * np.pi * (200 + 100 * time_s) * time_s)


@pytest.fixture(scope="module", params=["mp4", "mkv"])
def film(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / f"film.{request.param}"
    pictures = [number_picture(i) for i in range(NUM_PICTURES)]
    write_video(path, pictures, 8, chirp(8.0), RATE_HZ)
    return path


def numbers(path, start_s=None):
    return [read_number(image) for image in sample_images(path, 8, start_s)]


def test_a_part_has_the_sound_and_the_pictures_of_its_times(film, tmp_path):
    path = tmp_path / "part.mkv"
    remux([Address(str(film))], path, 3.0, 6.0)
    part, whole = read_audio(path), read_audio(film)
    zero_s = numbers(path)[0] / 8  # the time of its first picture in the whole
    first_s = zero_s + part.start_s
    assert 3.0 - 2048 / RATE_HZ < first_s <= 3.0
    assert first_s + part.samples.shape[1] / RATE_HZ == pytest.approx(6.0, abs=0.05)
    settled = part.samples[0, 2048:-2048].astype(float)
    first = round((first_s - whole.start_s) * RATE_HZ) + 2048
    misfits = [
        np.abs(whole.samples[0, k : k + settled.size] - settled).mean()
        for k in range(first - 100, first + 101)
    ]
    lag = int(np.argmin(misfits)) - 100
    assert abs(lag) / RATE_HZ < 0.002  # times in Matroska are whole milliseconds
    assert misfits[lag + 100] < 1
    shown = list(itertools.islice(numbers(path, part.start_s), 24))
    assert shown == [int(8 * first_s + i + 0.5) for i in range(24)]


def test_two_files_become_one(film, tmp_path):
    """As where a site has sound and pictures apart."""
    pictures, sound = tmp_path / "pictures.mp4", tmp_path / "sound.m4a"
    write_video(pictures, [number_picture(i) for i in range(16)], 8)
    write_sound(sound, tone(2.0, RATE_HZ), RATE_HZ, "aac")
    path = tmp_path / "both.mkv"
    remux([Address(str(pictures)), Address(str(sound))], path)
    assert numbers(path) == list(range(16))
    found, expected = read_audio(path, None, 1), read_audio(sound, None, 1)
    num_samples = expected.samples.shape[1]
    np.testing.assert_array_equal(found.samples[:, -num_samples:], expected.samples)
    num_before = found.samples.shape[1] - num_samples  # they belong to the codec
    assert num_before in (0, 1024)
    assert numbers(path, found.start_s + num_before / RATE_HZ) == list(range(16))
    info = probe(path)
    assert (len(info.audio), len(info.video)) == (1, 1)


def test_a_whole_file(film, tmp_path):
    remux([Address(str(film))], tmp_path / "copy.mkv")
    assert numbers(tmp_path / "copy.mkv") == list(range(NUM_PICTURES))
    with av.open(str(tmp_path / "copy.mkv")) as copy:
        assert copy.duration / av.time_base == pytest.approx(8.0, abs=0.15)


def test_what_cannot_be_copied(film, tmp_path):
    path = tmp_path / "part.mkv"
    with pytest.raises(MediaError, match="ends before 9 s"):
        remux([Address(str(film))], path, 9.0, 10.0)
    with pytest.raises(MediaError, match=r"none\.mp4 cannot be read: No such file"):
        remux([Address(str(tmp_path / "none.mp4"))], path)
    silent = tmp_path / "silent.mp4"
    write_video(silent, [number_picture(1)], 8)
    with pytest.raises(MediaError, match=r"silent.mp4 has no sound stream"):
        remux([Address(str(silent))], path)


def test_a_codec_that_matroska_cannot_hold(tmp_path):
    path = tmp_path / "old.avi"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("adpcm_ms", RATE_HZ, layout="mono")
        picture = container.add_stream("mpeg4", 8, width=64, height=64)
        picture.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(number_picture(1), format="rgb24")
        samples = np.zeros((1, sound.codec_context.frame_size or 1012), np.int16)
        heard = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        heard.sample_rate = RATE_HZ
        for stream, content in ((picture, frame), (sound, heard)):
            container.mux(stream.encode(content))
            container.mux(stream.encode(None))
    with pytest.raises(MediaError, match=r"codec adpcm_ms, which cannot be copied"):
        remux([Address(str(path))], tmp_path / "part.mkv")


def test_a_file_that_is_cut_off(film, tmp_path):
    content = film.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(MediaError, match=r"is cut off|cannot be read|ends before"):
        remux([Address(str(cut))], tmp_path / "part.mkv", 4.0, 7.9)
