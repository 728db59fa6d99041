"""Films of all kinds, from file to files."""

import contextlib
import json
import os
import re

import numpy as np
import pytest
import soundfile

from spatialjax.audio import PostFilter
from spatialjax.errors import ConfigError, DataError, MediaError
from spatialjax.inference import SeparationOptions, separate_film, writer
from tests.inference.fakes import (
    BLACK,
    HIGH_HZ,
    LOW_HZ,
    RATE_HZ,
    halves,
    separator,
    two_tones,
    write_duet,
)
from tests.media.make import tone, write_sound, write_video

HALVES = [
    {"name": "red one", "box": [0, 0, 0.5, 1]},
    {"name": "../blue", "box": [0.5, 0, 1, 1]},
]
POINTS = "0.25,0.5;0.75,0.5"


def separate(path, folder, options=None, model=None, **fields):
    """The scene, and the sounds of the folder by name, ``[c, t]``."""
    folder.mkdir()
    options = options or SeparationOptions(**fields)
    scene = separate_film(model or separator(), str(path), folder, options)
    files = sorted(folder.rglob("*.wav"))
    names = [file.relative_to(folder).as_posix() for file in files]
    return scene, {
        name: soundfile.read(file, always_2d=True)[0].T
        for name, file in zip(names, files, strict=True)
    }


def sources_of(scene, sounds):
    return np.stack([sounds[file] for file in scene.files])


def boxes(folder):
    path = folder / "boxes.json"
    path.write_text(json.dumps(HALVES))
    return str(path)


def test_each_half_gets_its_tone(tmp_path):
    mixture = write_duet(tmp_path / "duet.mkv")
    scene, sounds = separate(
        tmp_path / "duet.mkv", tmp_path / "out", boxes=boxes(tmp_path)
    )
    assert scene.files == ("sources/1_red_one.wav", "sources/2_blue.wav")
    np.testing.assert_allclose(sounds["mixture.wav"], mixture, atol=1e-6)
    inner = slice(200, -200)
    tones = two_tones(3.0)[:, None]
    found = sources_of(scene, sounds)
    np.testing.assert_allclose(found[..., inner], tones[..., inner], atol=5e-3)
    np.testing.assert_allclose(found.sum(0), mixture, atol=1e-5)


def test_the_scene_tells_where_when_and_how_loud(tmp_path):
    silence_then_tone = tone(4.0, RATE_HZ, LOW_HZ, onset_s=2.0, level=0.5)
    write_duet(tmp_path / "duet.mkv", 4.0, silence_then_tone)
    scene, _ = separate(tmp_path / "duet.mkv", tmp_path / "out", points=POINTS)
    told = json.loads((tmp_path / "out" / "scene.json").read_text())
    assert told["picture"] == {"height": 64, "width": 128}
    assert told["duration_s"] == 4.0
    red, blue = told["sources"]
    assert (red["name"], red["file"]) == ("point_1", "sources/1_point_1.wav")
    assert red["box"] == [0.25, 0.5, 0.5, 1.0]
    assert red["centre"] == [0.375, 0.75]
    # A sine of amplitude a has the power a² / 2.
    expected_db = 10 * np.log10(0.5**2 / 2)
    levels_db = np.array(red["levels_db"])
    assert levels_db.shape == (16,)
    assert (levels_db[:7] == -120).all()
    np.testing.assert_allclose(levels_db[9:], expected_db, atol=0.1)
    assert red["level_db"] == pytest.approx(expected_db - 3.0, abs=0.1)
    assert blue["level_db"] < -60

    per_s = 1 / scene.map_s
    assert scene.maps_db.shape == (np.ceil((4 * RATE_HZ / 16 + 1) / 16), 2, 4)
    sounding = scene.maps_db[int(2.5 * per_s) : int(3.5 * per_s)]
    level_db = -120 + sounding / 255 * 120
    np.testing.assert_allclose(level_db[:, :, 0], 20 * np.log10(0.5), atol=0.5)
    assert level_db[:, :, 3].max() < -60
    assert scene.maps_db[: int(1.5 * per_s)].max() == 0
    assert tuple(scene.colours[0, 0]) == tuple(scene.colours[1, 1])
    assert tuple(scene.colours[0, 0]) != tuple(scene.colours[0, 3])


def test_objects_are_found_without_boxes(tmp_path):
    write_duet(tmp_path / "duet.mkv", 6.0)
    scene, sounds = separate(tmp_path / "duet.mkv", tmp_path / "out", num_objects=2)
    found = sources_of(scene, sounds)[:, 0, 200:-200]
    tones = two_tones(6.0)[:, 200:-200]
    errors = [np.abs(found[list(order)] - tones).max() for order in ((0, 1), (1, 0))]
    assert min(errors) < 5e-3


def test_a_grid_gives_every_place(tmp_path):
    write_duet(tmp_path / "duet.mkv")
    scene, sounds = separate(tmp_path / "duet.mkv", tmp_path / "out", is_grid=True)
    assert scene.files[0] == "sources/1_place_0_0.wav"
    found = sources_of(scene, sounds)[:, 0, 200:-200].reshape(2, 4, -1)
    low, high = two_tones(3.0)[:, 200:-200]
    for column, expected in enumerate((low, low, high, high)):
        np.testing.assert_allclose(found[:, column], [expected] * 2, atol=5e-3)


@pytest.mark.parametrize("total", [1, 40, 800, 4000, 24000 + 7])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_masks_of_ones_return_the_film(tmp_path, total, channels):
    rng = np.random.default_rng(total)
    sound = rng.normal(0, 0.1, (channels, total))
    expected = write_duet(tmp_path / "film.mkv", total / RATE_HZ, sound)
    _, sounds = separate(
        tmp_path / "film.mkv",
        tmp_path / "out",
        model=separator(is_open=True),
        points="0,0",
    )
    assert set(sounds) == {"mixture.wav", "sources/1_point_1.wav"}
    for found in sounds.values():
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_stereo_keeps_its_image(tmp_path):
    low, high = two_tones(3.0)
    stereo = np.stack([0.9 * low + 0.2 * high, 0.1 * low + 0.8 * high])
    write_duet(tmp_path / "duet.mkv", 3.0, stereo)
    _, sounds = separate(tmp_path / "duet.mkv", tmp_path / "out", boxes=boxes(tmp_path))
    levels = {
        name: np.sqrt(2 * np.mean(sound[:, 400:-400] ** 2, -1)) / 0.25
        for name, sound in sounds.items()
    }
    np.testing.assert_allclose(levels["sources/1_red_one.wav"], [0.9, 0.1], atol=0.02)
    np.testing.assert_allclose(levels["sources/2_blue.wav"], [0.2, 0.8], atol=0.02)


def test_a_silent_film_gives_silent_sources(tmp_path):
    write_duet(tmp_path / "film.mkv", 3.0, np.zeros(24000))
    scene, sounds = separate(tmp_path / "film.mkv", tmp_path / "out", num_objects=1)
    assert all(np.abs(sound).max() == 0 for sound in sounds.values())
    assert (scene.levels_db == -120).all()
    assert scene.maps_db.max() == 0


def test_a_portrait_film_turned_by_its_metadata(tmp_path):
    """Coded wide with red on the left; on display it is tall, with red above."""
    write_duet(tmp_path / "film.mkv", 3.0)
    sound = two_tones(3.0).sum(0)
    pictures = [halves()] * 24
    write_video(tmp_path / "film.mp4", pictures, 8, sound, RATE_HZ, rotation=-90)
    scene, sounds = separate(
        tmp_path / "film.mp4", tmp_path / "out", points="0.5,0.1;0.5,0.9"
    )
    assert scene.picture_size == (128, 64)
    assert scene.maps_db.shape[1:] == (4, 2)
    above, below = sources_of(scene, sounds)[:, 0]
    assert frequency_of(above) == pytest.approx(LOW_HZ, abs=2)
    assert frequency_of(below) == pytest.approx(HIGH_HZ, abs=2)


def frequency_of(signal):
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)))) ** 2
    return power.argmax() * RATE_HZ / len(signal)


def test_pictures_at_uneven_times_are_taken_when_they_are_shown(tmp_path):
    """The halves change sides at 2 s, after pictures that come in a rush."""
    times_s = [*np.linspace(0, 0.2, 10), 1.0, 2.0, *np.linspace(3.9, 4.0, 5)]
    pictures = [
        halves() if t < 2 else halves((0, 0, 255), (255, 0, 0)) for t in times_s
    ]
    write_video(
        tmp_path / "film.mkv",
        pictures,
        8,
        two_tones(4.0).sum(0),
        RATE_HZ,
        times_s=times_s,
        sound_codec="pcm_f32le",
    )
    _, sounds = separate(tmp_path / "film.mkv", tmp_path / "out", points=POINTS)
    left = sounds["sources/1_point_1.wav"][0]
    assert frequency_of(left[: int(1.4 * RATE_HZ)]) == pytest.approx(LOW_HZ, abs=2)
    assert frequency_of(left[int(2.6 * RATE_HZ) :]) == pytest.approx(HIGH_HZ, abs=2)


def test_a_sound_that_begins_late_meets_the_pictures_of_its_time(tmp_path):
    pictures = [halves(BLACK, BLACK)] * 16 + [halves()] * 24
    write_video(
        tmp_path / "film.mkv",
        pictures,
        8,
        two_tones(3.0).sum(0),
        RATE_HZ,
        sound_start_s=2.0,
        sound_codec="pcm_f32le",
    )
    scene, sounds = separate(tmp_path / "film.mkv", tmp_path / "out", points=POINTS)
    assert scene.start_s == pytest.approx(2.0, abs=0.01)
    left = sounds["sources/1_point_1.wav"][0]
    assert np.sqrt(2 * np.mean(left[8000:16000] ** 2)) == pytest.approx(0.25, abs=0.01)


def test_at_the_rate_of_the_film_sources_and_residual_are_the_film(tmp_path):
    rate_hz = 22050
    high = tone(3.0, rate_hz, 7000.0, level=0.1)  # above half the model's rate
    sound = two_tones(3.0, rate_hz).sum(0) + high
    film = write_duet(tmp_path / "film.mkv", 3.0, sound, rate_hz)
    scene, sounds = separate(
        tmp_path / "film.mkv", tmp_path / "out", boxes=boxes(tmp_path), keeps_rate=True
    )
    assert set(sounds) == {*scene.files, "mixture.wav", "residual.wav"}
    found = sources_of(scene, sounds)
    np.testing.assert_array_equal(sounds["mixture.wav"], film)
    np.testing.assert_allclose(found.sum(0) + sounds["residual.wav"], film, atol=1e-6)
    inner = slice(2000, -2000)
    residual = sounds["residual.wav"][0, inner]
    np.testing.assert_allclose(residual, high[inner], atol=5e-3)
    expected = two_tones(3.0, rate_hz)[:, None, inner]
    np.testing.assert_allclose(found[..., inner], expected, atol=1e-2)
    assert soundfile.info(tmp_path / "out" / scene.files[0]).samplerate == rate_hz
    told = json.loads((tmp_path / "out" / "scene.json").read_text())
    assert told["sample_rate_hz"] == rate_hz


def test_a_second_microphone_takes_its_noise_away(tmp_path):
    rng = np.random.default_rng(0)
    seconds = 6.0
    hum = rng.normal(0, 0.2, round(seconds * RATE_HZ))
    way = rng.normal(0, 0.4, 8)
    noise = np.convolve(hum, way)[: len(hum)]
    wanted = two_tones(seconds, level=0.05).sum(0)
    film = write_duet(tmp_path / "film.mkv", seconds, wanted + noise)
    write_sound(tmp_path / "second.wav", hum, RATE_HZ)
    scene, sounds = separate(
        tmp_path / "film.mkv",
        tmp_path / "out",
        boxes=boxes(tmp_path),
        reference=str(tmp_path / "second.wav"),
    )
    late = slice(RATE_HZ * 2, -200)
    cleaned = sounds["mixture.wav"]
    np.testing.assert_allclose(cleaned + sounds["removed.wav"], film, atol=1e-5)
    before = np.mean(noise[late] ** 2)
    after = np.mean((cleaned[0] - wanted)[late] ** 2)
    assert 10 * np.log10(before / after) > 15
    np.testing.assert_allclose(sources_of(scene, sounds).sum(0), cleaned, atol=1e-5)


@pytest.mark.parametrize("kind", list(PostFilter))
def test_every_filter_runs(tmp_path, kind):
    mixture = write_duet(tmp_path / "duet.mkv")
    scene, sounds = separate(
        tmp_path / "duet.mkv", tmp_path / "out", boxes=boxes(tmp_path), postfilter=kind
    )
    found = sources_of(scene, sounds)
    assert np.isfinite(found).all()
    assert found.shape == (2, *mixture.shape)
    levels = np.sqrt(2 * np.mean(found[:, 0, 4000:-4000] ** 2, -1))
    if kind.is_adaptive:  # each tone's leak foretells it: see docs/postfilters.md
        assert (levels < 0.26).all()
    else:
        np.testing.assert_allclose(levels, 0.25, atol=0.01)


def test_a_step_of_fewer_windows_fits_into_less_memory(tmp_path):
    write_duet(tmp_path / "duet.mkv")
    told = []
    most_gb = None
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        options = SeparationOptions(points=POINTS, max_memory_gb=most_gb)
        separate_film(
            separator(), str(tmp_path / "duet.mkv"), folder, options, told.append
        )
        most_gb = 0.7 * float(re.search(r"([0-9.]+) MB", told[0])[1]) / 1000
    windows = [int(line.split()[1]) for line in told]
    assert windows[0] > windows[1] >= 8  # eight devices
    for file in ("sources/1_point_1.wav", "sources/2_point_2.wav"):
        one, other = (soundfile.read(tmp_path / n / file)[0] for n in "01")
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "0 of grid, boxes, points and num_objects"),
        ({"is_grid": True, "num_objects": 2}, "2 of grid"),
        ({"num_objects": 0}, "num_objects is 0, expected 1 or more"),
        ({"num_objects": 2, "max_memory_gb": -1.0}, "max_memory_gb is -1.0"),
        (
            {"num_objects": 1, "postfilter": PostFilter.MIXTURE_CONSISTENCY},
            "one source would get all of it",
        ),
        ({"points": POINTS, "max_memory_gb": 1e-9}, "a single window needs"),
    ],
)
def test_bad_options_are_told(tmp_path, fields, message):
    write_duet(tmp_path / "duet.mkv", 1.0)
    with pytest.raises(ConfigError, match=message):
        separate(tmp_path / "duet.mkv", tmp_path / "out", **fields)


def test_bad_films_are_told(tmp_path):
    write_sound(tmp_path / "sound.wav", np.zeros(800), RATE_HZ)
    write_video(tmp_path / "mute.mp4", [halves()] * 8, 8)
    strip = np.zeros((16, 400, 3), np.uint8)
    write_video(tmp_path / "strip.mp4", [strip] * 4, 8, np.zeros(8000), RATE_HZ)
    (tmp_path / "text.mp4").write_text("no film")
    nan = np.zeros(8000)
    nan[4000] = np.nan
    write_duet(tmp_path / "nan.mkv", 1.0, nan)
    for name, message in {
        "sound.wav": "has no picture stream",
        "mute.mp4": "has no sound stream",
        "strip.mp4": "pictures of 400x16 pixels, expected at most 8 times",
        "text.mp4": "cannot be read",
        "none.mp4": "does not exist",
        "nan.mkv": "samples that are not finite",
    }.items():
        with pytest.raises(MediaError, match=message):
            separate(tmp_path / name, tmp_path / f"out_{name}", points=POINTS)


def test_points_outside_are_told(tmp_path):
    write_duet(tmp_path / "duet.mkv", 1.0)
    with pytest.raises(DataError, match="outside the picture of 128x64"):
        separate(tmp_path / "duet.mkv", tmp_path / "out", points="500,2")


def test_more_sources_than_files_can_be_open_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(writer.resource, "getrlimit", lambda _: (100, 120))
    write_duet(tmp_path / "duet.mkv", 1.0)
    with pytest.raises(DataError, match="8 sources are asked for, but a process may"):
        separate(tmp_path / "duet.mkv", tmp_path / "out", is_grid=True)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_sound_with_a_single_picture(tmp_path, suffix):
    """A song with a cover: one frame of 0.04 s, and 3 s of sound."""
    path = tmp_path / f"song.{suffix}"
    write_video(path, [halves()], 25, two_tones(3.0).sum(0), RATE_HZ)
    scene, sounds = separate(path, tmp_path / "out", points=POINTS)
    assert scene.duration_s == pytest.approx(3.0, abs=0.3)
    left = sounds["sources/1_point_1.wav"][0]
    assert frequency_of(left) == pytest.approx(LOW_HZ, abs=2)


def test_a_sound_that_begins_after_the_pictures_meets_the_last_one(tmp_path):
    pictures = [halves(BLACK, BLACK)] * 4 + [halves()] * 4
    write_video(
        tmp_path / "film.mkv",
        pictures,
        8,
        two_tones(2.0).sum(0),
        RATE_HZ,
        sound_start_s=5.0,
        sound_codec="pcm_f32le",
    )
    _, sounds = separate(tmp_path / "film.mkv", tmp_path / "out", points=POINTS)
    left = sounds["sources/1_point_1.wav"][0]
    assert np.sqrt(2 * np.mean(left[4000:12000] ** 2)) == pytest.approx(0.25, abs=0.01)


def test_the_rate_of_a_film_may_be_below_the_models(tmp_path):
    sound = tone(3.0, 4000, LOW_HZ)
    film = write_duet(tmp_path / "film.mkv", 3.0, sound, 4000)
    scene, sounds = separate(
        tmp_path / "film.mkv", tmp_path / "out", boxes=boxes(tmp_path), keeps_rate=True
    )
    assert scene.sample_rate_hz == 4000
    total = sources_of(scene, sounds).sum(0) + sounds["residual.wav"]
    np.testing.assert_allclose(total, film, atol=1e-6)
    assert np.abs(sounds["residual.wav"][0, 400:-400]).max() < 5e-3


@pytest.mark.parametrize("seconds", [0.01, 1.0, 9.0])
def test_a_reference_may_be_shorter_or_longer_and_of_more_channels(tmp_path, seconds):
    film = write_duet(tmp_path / "film.mkv", 3.0)
    hum = 0.1 * np.random.default_rng(0).normal(size=(round(seconds * RATE_HZ), 2))
    write_sound(tmp_path / "second.wav", hum, RATE_HZ)
    reference = str(tmp_path / "second.wav")
    _, sounds = separate(
        tmp_path / "film.mkv", tmp_path / "out", points=POINTS, reference=reference
    )
    total = sounds["mixture.wav"] + sounds["removed.wav"]
    np.testing.assert_allclose(total, film, atol=1e-6)


def test_a_reference_that_begins_late_makes_no_burst(tmp_path):
    """Unrelated noise, nearly silent for 2 s and then at full scale."""
    film = write_duet(tmp_path / "film.mkv", 4.0)
    hum = np.random.default_rng(0).normal(0, 1.0, 4 * RATE_HZ)
    hum[: 2 * RATE_HZ] *= 1e-4
    soundfile.write(tmp_path / "second.wav", hum, RATE_HZ, "FLOAT")
    reference = str(tmp_path / "second.wav")
    _, sounds = separate(
        tmp_path / "film.mkv", tmp_path / "out", points=POINTS, reference=reference
    )
    assert np.abs(sounds["mixture.wav"]).max() < 2 * np.abs(film).max()


def test_nothing_stays_open(tmp_path):
    write_duet(tmp_path / "duet.mkv", 1.0)
    separate(tmp_path / "duet.mkv", tmp_path / "out", num_objects=1)
    held = set()
    for handle in range(1024):
        with contextlib.suppress(OSError):  # it is not open
            held.add((os.fstat(handle).st_dev, os.fstat(handle).st_ino))
    assert held
    files = [path.stat() for path in tmp_path.rglob("*") if path.is_file()]
    assert not held & {(file.st_dev, file.st_ino) for file in files}
