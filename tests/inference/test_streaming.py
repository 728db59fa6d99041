"""Windows of a film: which samples and which pictures each one has."""

import functools

import numpy as np
import pytest

from spatialjax.inference.film import open_film
from spatialjax.inference.streaming import cut_windows, stream_windows
from spatialjax.media import stream_audio
from spatialjax.tasks.base import WindowSpec
from tests.inference.fakes import RATE_HZ, separator, write_duet
from tests.media.make import number_picture, read_number, write_video

SPEC = WindowSpec(RATE_HZ, 64, 16, 32, 3, 32)


def windows_of(total, batch_size=1):
    ramp = np.arange(1, total + 1, dtype=np.float32)[None]
    asked = []
    batches = cut_windows(
        iter([ramp]), 1, SPEC, lambda i: asked.append(i) or np.zeros(()), batch_size
    )
    return list(batches), asked


@pytest.mark.parametrize("total", [1, 200, 255, 256, 300, 511, 512, 600, 1500])
def test_windows_cover_every_sample_and_count_every_frame_once(total):
    batches, asked = windows_of(total)
    assert asked == list(range(len(batches)))
    assert batches[-1].num_samples == total
    counts = np.concatenate([batch.windows.counts[0] for batch in batches])
    assert counts.sum() == 1 + total // 16
    assert (np.diff(counts) <= 0).all()
    for index, batch in enumerate(batches):
        samples = batch.windows.samples[0, 0]
        first = index * 256 - 32
        expected = np.arange(first, first + len(samples)) + 1
        expected[(expected < 1) | (expected > total)] = 0
        np.testing.assert_array_equal(samples, expected)
        assert batch.windows.has_previous[0] == (index > 0)
    assert not batches[0].windows.is_past[0]


def test_a_batch_is_filled_up_with_windows_that_add_nothing():
    single, _ = windows_of(600)
    (batch,), _ = windows_of(600, batch_size=8)
    assert batch.windows.samples.shape[0] == 8
    assert batch.num_samples == 600
    filled = batch.windows.counts[len(single) :]
    assert (filled == 0).all()
    assert batch.windows.is_past[len(single) :].all()


def test_each_window_sees_the_pictures_of_its_time(tmp_path):
    """Picture i is shown from i / 8 s on; a window's middle one shows its middle."""
    pictures = [number_picture(i, 64, 64) for i in range(40)]
    sound = np.zeros(5 * RATE_HZ, np.float32)
    path = tmp_path / "film.mkv"
    write_video(path, pictures, 8, sound, RATE_HZ, sound_codec="pcm_f32le")
    model = separator()
    film = open_film(str(path), model.task.window_spec)
    assert film.image_size == (32, 32)
    open_sound = functools.partial(stream_audio, path, RATE_HZ)
    with stream_windows(film, open_sound, model, 1) as stream:
        seen = [
            [read_number(image.repeat(2, 0).repeat(2, 1)) for image in window]
            for window in (batch.windows.images[0] for batch in stream.batches)
        ]
    for index, numbers in enumerate(seen):
        middle_s = (index * 16 + 15.5) * 16 / RATE_HZ
        wanted_s = middle_s + 0.25 * np.arange(-1, 2)
        expected = np.clip((wanted_s * 8).astype(int), 0, 39)
        assert numbers == expected.tolist(), index


def test_pictures_end_before_the_sound(tmp_path):
    path = tmp_path / "film.mkv"
    pictures = [number_picture(i, 64, 64) for i in range(8)]
    sound = np.zeros(4 * RATE_HZ, np.float32)
    write_video(path, pictures, 8, sound, RATE_HZ, sound_codec="pcm_f32le")
    model = separator()
    film = open_film(str(path), model.task.window_spec)
    open_sound = functools.partial(stream_audio, path, RATE_HZ)
    with stream_windows(film, open_sound, model, 4) as stream:
        *_, last = (batch.windows.images for batch in stream.batches)
    assert read_number(last[-1, -1].repeat(2, 0).repeat(2, 1)) == 7


def test_sides_are_multiples_of_a_place(tmp_path):
    for height, width, expected in ((64, 128, (32, 64)), (90, 50, (64, 32))):
        picture = np.zeros((height, width, 3), np.uint8)
        write_video(tmp_path / "x.mp4", [picture] * 4, 8, np.zeros(4000), RATE_HZ)
        assert open_film(str(tmp_path / "x.mp4"), SPEC).image_size == expected


def test_the_channels_of_a_film_are_known_before_it_is_read(tmp_path):
    write_duet(tmp_path / "film.mkv", 1.0, np.zeros((6, RATE_HZ)))
    assert open_film(str(tmp_path / "film.mkv"), SPEC).channels == 6
