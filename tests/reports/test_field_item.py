import io
import math
import pathlib

import numpy as np
import pytest
import soundfile
from PIL import Image

from spatialjax.ambisonics import angles_to_direction, spherical_harmonics
from spatialjax.reports import FieldItem, Gallery
from spatialjax.reports.shown_item import ItemFiles
from spatialjax.tasks import Scores

RATE_HZ = 8000
CLASSES = ()


def plane_wave(azimuth_deg, elevation_deg=0.0, level=0.25, num_samples=800):
    """A field ``[4, t]`` of noise from one direction."""
    noise = np.random.default_rng(0).uniform(-1, 1, num_samples)
    angles = np.deg2rad([azimuth_deg, elevation_deg])
    gains = spherical_harmonics(angles_to_direction(*angles), 1)
    return (level * gains[:, None] * noise).astype(np.float32)


def item_of(true, estimate, **changed):
    scores = {"direction_deg": 4.0, "stft": 0.2, "mono_stft": 0.8, "lsd": 1.0}
    values = {
        "image": np.full((8, 16, 3), 90, np.uint8),
        "attention": None,
        "scores": scores,
    }
    return FieldItem(index=0, true=true, estimate=estimate, **{**values, **changed})


@pytest.fixture
def files(tmp_path):
    return ItemFiles(tmp_path, pathlib.PurePosixPath(), RATE_HZ)


def show(item, files):
    shown = item.show(files, CLASSES)
    return shown, dict(zip(("mono", "true", "estimate"), shown["views"], strict=True))


def pixels(files, link):
    return np.asarray(Image.open(io.BytesIO((files.page / link).read_bytes())), float)


def heard(files, link):
    return soundfile.read(files.page / link)[0].T


def test_directions_are_marked_where_the_picture_shows_them(files):
    item = item_of(plane_wave(90, 30), plane_wave(-45, -60))
    _, views = show(item, files)
    assert views["mono"]["marks"] == {}
    assert set(views["true"]["marks"]) == {"true"}
    marks = views["estimate"]["marks"]
    np.testing.assert_allclose(marks["true"], (90, 60), atol=1e-3)
    np.testing.assert_allclose(marks["estimate"], (225, 150), atol=1e-3)


def test_what_has_no_direction_is_not_marked(files):
    mono = plane_wave(0) * np.array([[1], [0], [0], [0]], np.float32)
    _, views = show(item_of(plane_wave(10), mono), files)
    assert set(views["estimate"]["marks"]) == {"true"}
    diffuse = item_of(plane_wave(10), mono, scores={"direction_deg": math.nan})
    _, views = show(diffuse, files)
    assert views["estimate"]["marks"] == {}


def test_energy_is_brightest_where_it_comes_from_and_on_one_scale(files):
    item = item_of(plane_wave(90, level=0.4), plane_wave(-90, level=0.2))
    _, views = show(item, files)
    true, estimate = (
        pixels(files, views[name]["picture"]).sum(-1) for name in ("true", "estimate")
    )
    row, column = np.unravel_index(true.argmax(), true.shape)
    assert abs(row - 120) <= 4
    assert abs(column - 120) <= 4
    assert true.max() > 1.5 * estimate.max()
    assert estimate[120, 360] > 1.1 * estimate[120, 120]


def test_ears_hear_the_side(files):
    _, views = show(item_of(plane_wave(90), plane_wave(-90)), files)
    power = {n: np.square(heard(files, v["sound"])).sum(-1) for n, v in views.items()}
    assert power["true"][0] > 2 * power["true"][1]
    np.testing.assert_allclose(power["estimate"], power["true"][::-1], rtol=1e-2)
    left, right = heard(files, views["mono"]["sound"])
    np.testing.assert_array_equal(left, right)
    assert np.abs(left).max() > 0.05


def test_loud_sounds_are_turned_down_together(files, tmp_path):
    quiet, loud = (
        item_of(plane_wave(90, level=level), plane_wave(-30, level=level))
        for level in (0.05, 1.6)
    )
    _, views = show(quiet, files)
    expected = [heard(files, view["sound"]) for view in views.values()]
    _, views = show(loud, files)
    found = [heard(files, view["sound"]) for view in views.values()]
    peak = max(np.abs(sound).max() for sound in found)
    assert 0.999 < peak <= 1
    factor = peak / max(np.abs(sound).max() for sound in expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, factor * theirs, atol=1e-3)


def test_scores_and_their_shares(files):
    shown, _ = show(item_of(plane_wave(0), plane_wave(0)), files)
    assert shown["scores"] == {"direction_deg": 4.0, "stft": 0.2}
    assert shown["shares"] == {"stft": pytest.approx(0.25)}
    silent = {"stft": 0.0, "mono_stft": 0.0}
    shown, _ = show(item_of(plane_wave(0), plane_wave(0), scores=silent), files)
    assert math.isnan(shown["shares"]["stft"])


def test_attention_is_bright_where_the_sound_is_placed(files):
    attention = np.zeros((4, 8), np.float32)
    attention[1, 2], attention[2, 7] = 0.1, 0.8
    item = item_of(plane_wave(0), plane_wave(0), attention=attention)
    shown, _ = show(item, files)
    assert shown["attention"]["share"] == pytest.approx(0.9)
    bright = pixels(files, shown["attention"]["picture"]).sum(-1)
    row, column = np.unravel_index(bright.argmax(), bright.shape)
    assert 120 <= row < 180
    assert 420 <= column < 480


def test_silence_without_a_picture(files):
    silent = np.zeros((4, 800), np.float32)
    shown, views = show(item_of(silent, silent, image=None, scores={}), files)
    assert not pixels(files, views["true"]["picture"]).any()
    assert shown["attention"] is None
    assert not heard(files, views["true"]["sound"]).any()


class TestGallery:
    def collect(self, outputs):
        images = np.zeros((2, 1, 3, 4, 8, 3), np.uint8)
        images[:, 0, 1] = 7
        batch = {
            "example_id": np.arange(2, dtype=np.int32),
            "valid": np.array([False, True]),
            "images": images,
        }
        scores = {
            "stft": Scores(np.array([1.0, 2.0]), np.array([1.0, 1.0])),
            "direction_deg": Scores(np.array([1.0, 2.0]), np.array([1.0, 0.0])),
        }
        gallery = Gallery(3)
        gallery("scene", outputs, batch, scores)
        return gallery.items["scene"]

    def outputs(self):
        fields = np.stack([plane_wave(0), plane_wave(20)])
        return {
            "mono": fields[:, 0],
            "targets": fields[:, 1:],
            "estimates": 0.5 * fields[:, 1:],
            "channel_mask": np.array([[1, 1, 1], [1, 0, 1]], np.float32),
            "attention": np.arange(4.0).reshape(2, 1, 2),
        }

    def test_knows_a_sound_field_by_its_outputs(self):
        (item,) = self.collect(self.outputs())
        field = plane_wave(20)
        field[2] = 0
        np.testing.assert_array_equal(item.true, field)
        np.testing.assert_array_equal(item.estimate[1:], 0.5 * field[1:])
        assert (item.image == 7).all()
        np.testing.assert_array_equal(item.attention, [[2, 3]])
        assert item.scores["stft"] == 2
        assert math.isnan(item.scores["direction_deg"])

    def test_keeps_nothing_of_outputs_that_it_does_not_know(self):
        assert self.collect({"estimates": np.zeros((2, 4))}) == []
