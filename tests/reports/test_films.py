"""The films of a page: as long as the sound, bright where it sounds."""

import dataclasses

import numpy as np
import pytest

from spatialjax.media import probe, read_audio, sample_images, write_wav
from spatialjax.reports import write_films
from tests.media.make import number_picture, read_number, write_video
from tests.reports.separated_folder import RATE_HZ, scene_of, tone, two_halves

DURATION_S = 8.0


def films_of(folder, pictures, scene, image_rate_hz=8, **options):
    """The scene's films; its sound is a tone."""
    sound = tone(440, scene.duration_s)
    write_video(folder / "x.mp4", pictures, image_rate_hz, sound[0], RATE_HZ, **options)
    write_wav(folder / "mixture.wav", sound, RATE_HZ)
    size = pictures[0].shape[:2]
    write_films(
        str(folder / "x.mp4"), folder, dataclasses.replace(scene, picture_size=size)
    )
    return [list(sample_images(folder / f"{n}.mp4", 8)) for n in ("film", "energy")]


def test_the_plain_film_has_the_pictures_of_the_sound(tmp_path):
    """From the first sample on: pictures before it, and after its end, are left out."""
    pictures = [number_picture(number, 64, 128) for number in range(100)]
    scene = dataclasses.replace(scene_of(two_halves(), DURATION_S), start_s=2.0)
    plain, energy = films_of(tmp_path, pictures, scene, sound_start_s=2.0)
    expected = list(range(16, 16 + 64))
    assert [read_number(image) for image in plain] == expected
    assert len(energy) == 64
    for name in ("film", "energy"):
        info = probe(tmp_path / f"{name}.mp4")
        assert info.duration_s == pytest.approx(DURATION_S, abs=0.2)
        samples = read_audio(tmp_path / f"{name}.mp4").samples[0] / 32768
        level = np.sqrt(2 * np.mean(samples[RATE_HZ : 3 * RATE_HZ] ** 2))
        assert level == pytest.approx(0.25, abs=0.02)


def test_energy_is_bright_where_and_when_it_sounds(tmp_path):
    """The left half of the scene is loud for six seconds of eight."""
    grey = np.full((64, 128, 3), 100, np.uint8)
    plain, energy = films_of(tmp_path, [grey] * 64, scene_of(two_halves(), DURATION_S))
    plain = np.array([np.asarray(image, float) for image in plain])
    energy = np.array([np.asarray(image, float) for image in energy])
    change = np.abs(energy - plain).mean(-1)
    assert change[4:44, :, 8:48].min() > 30
    assert change[:, :, 88:].max() < 10
    assert change[50:].max() < 10


def test_large_pictures_become_small_and_fast_films_slower(tmp_path):
    picture = np.zeros((720, 1280, 3), np.uint8)
    scene = scene_of(two_halves(), 1.0)
    films_of(tmp_path, [picture] * 60, scene, image_rate_hz=60)
    (video,) = probe(tmp_path / "film.mp4").video
    assert (video.height, video.width) == (360, 640)
    assert video.image_rate_hz == pytest.approx(25, abs=0.1)


@pytest.mark.parametrize("image_rate_hz", [8, 25])
def test_a_single_picture_stays_and_the_energy_moves_on_it(tmp_path, image_rate_hz):
    grey = np.full((64, 128, 3), 100, np.uint8)
    scene = scene_of(two_halves(), DURATION_S)
    plain, energy = films_of(tmp_path, [grey], scene, image_rate_hz)
    assert len(plain) == len(energy) == 64
    change = [np.abs(np.asarray(e, float) - 100).mean() for e in energy]
    assert min(change[4:44]) > 10 > max(change[50:])
