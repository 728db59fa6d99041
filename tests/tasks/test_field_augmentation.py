"""What is heard, what is seen and where it moves turn and mirror together."""

import jax
import numpy as np
import pytest

from spatialjax.tasks.field_augmentation import augment_field, mirror_shown
from tests.tasks.spatial_audio_toy import column_of, plane_wave

HEIGHT, WIDTH = 6, 48
PIXEL_RAD = 2 * np.pi / WIDTH
ROWS = 12
AZIMUTH_RAD = np.random.default_rng(0).uniform(-np.pi, np.pi, ROWS)
ELEVATION_RAD = np.random.default_rng(1).uniform(-1, 1, ROWS)
MOVED = 3
"""Columns that a source goes to the right from the first picture to the second."""

augment = jax.jit(augment_field, static_argnames=("turns", "mirrors"))


def wrap(angle_rad):
    return (np.asarray(angle_rad) + np.pi) % (2 * np.pi) - np.pi


def make_signals():
    rng = np.random.default_rng(2)
    waves = [
        plane_wave(rng.normal(size=200), azimuth_rad, elevation_rad)
        for azimuth_rad, elevation_rad in zip(AZIMUTH_RAD, ELEVATION_RAD, strict=True)
    ]
    return np.float32(waves)


def make_shown():
    """A marker at the azimuth of the source, which then moves; and its flow."""
    images = np.zeros((ROWS, 2, HEIGHT, WIDTH, 3), np.uint8)
    flow = np.zeros((ROWS, 2, HEIGHT, WIDTH, 2), np.float16)
    for row, azimuth_rad in enumerate(AZIMUTH_RAD):
        first = column_of(azimuth_rad, WIDTH)
        second = (first + MOVED) % WIDTH
        images[row, 0, 2, first] = images[row, 1, 2, second] = 255
        flow[row, 1, 2, second] = -MOVED, 0.5  # where it was before, and a little down
    return {"images": images, "flow": flow}


def directions(signals):
    """Azimuths and elevations of intensity vectors, in float64."""
    w, y, z, x = np.moveaxis(np.asarray(signals, np.float64), 1, 0)
    y, z, x = ((w * other).mean(-1) for other in (y, z, x))
    return np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))


def marked_columns(images):
    """Column of the marker [rows, v]."""
    return np.asarray(images)[:, :, 2, :, 0].argmax(-1)


def changed(key=0, rows=slice(None), signals=None, shown=None, **draws):
    signals = make_signals() if signals is None else signals
    shown = make_shown() if shown is None else shown
    draws = {"turns": False, "mirrors": False} | draws
    return augment(
        jax.random.key(key),
        np.arange(ROWS, dtype=np.int32)[rows],
        signals[rows],
        {name: array[rows] for name, array in shown.items()},
        **draws,
    )


def test_nothing_is_changed_where_nothing_is_asked_for():
    signals, shown = changed()
    np.testing.assert_array_equal(signals, make_signals())
    jax.tree.map(np.testing.assert_array_equal, shown, make_shown())


def test_b25_sound_and_pictures_turn_alike():
    signals, shown = changed(turns=True)
    azimuth_rad, elevation_rad = directions(signals)
    np.testing.assert_allclose(elevation_rad, ELEVATION_RAD, atol=1e-5)
    before, after = (marked_columns(s["images"])[:, 0] for s in (make_shown(), shown))
    turned = (before - after) % WIDTH  # to the left
    np.testing.assert_allclose(
        wrap(azimuth_rad - AZIMUTH_RAD - turned * PIXEL_RAD), 0, atol=1e-5
    )
    off = [column_of(a, WIDTH) - c for a, c in zip(azimuth_rad, after, strict=True)]
    assert np.abs((np.array(off) + 1) % WIDTH - 1).max() <= 1
    assert len(np.unique(turned)) > ROWS // 2
    assert np.ptp(turned) > WIDTH / 2


def test_sound_and_pictures_are_mirrored_alike():
    signals, shown = changed(mirrors=True)
    azimuth_rad, elevation_rad = directions(signals)
    is_mirrored = np.abs(wrap(azimuth_rad + AZIMUTH_RAD)) < 1e-5
    assert 0 < is_mirrored.sum() < ROWS
    np.testing.assert_allclose(elevation_rad, ELEVATION_RAD, atol=1e-5)
    expected = np.where(is_mirrored, -AZIMUTH_RAD, AZIMUTH_RAD)
    np.testing.assert_allclose(azimuth_rad, expected, atol=1e-5)
    before, after = (marked_columns(s["images"]) for s in (make_shown(), shown))
    mirrored = WIDTH - 1 - before
    np.testing.assert_array_equal(
        after, np.where(is_mirrored[:, None], mirrored, before)
    )


@pytest.mark.parametrize("turns", [False, True])
def test_flow_still_tells_where_the_marker_was(turns):
    _, shown = changed(turns=turns, mirrors=True)
    before, after = marked_columns(shown["images"]).T
    moved = (after - before + WIDTH // 2) % WIDTH - WIDTH // 2
    assert set(moved) == {-MOVED, MOVED}
    right, down = np.asarray(shown["flow"])[np.arange(ROWS), 1, 2, after].T
    np.testing.assert_array_equal(right, -moved)
    np.testing.assert_array_equal(down, 0.5)
    assert shown["flow"].dtype == np.float16
    assert np.count_nonzero(shown["flow"]) == 2 * ROWS


def test_the_draws_are_those_of_the_example_alone():
    whole = changed(turns=True, mirrors=True)
    part = changed(turns=True, mirrors=True, rows=slice(3, 8))
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[3:8], b), whole, part)
    other, _ = changed(key=1, turns=True, mirrors=True)
    assert np.abs(other - whole[0]).max((1, 2)).min() > 1e-3


def test_sound_turns_without_pictures():
    signals, shown = changed(turns=True, shown={})
    assert shown == {}
    azimuth_rad, _ = directions(signals)
    assert np.abs(wrap(azimuth_rad - AZIMUTH_RAD)).max() > 1
    w = make_signals()[:, 0]
    np.testing.assert_array_equal(signals[:, 0], w)


def test_a_mirror_twice_is_none():
    shown = make_shown()
    twice = mirror_shown(mirror_shown(shown))
    jax.tree.map(np.testing.assert_array_equal, twice, shown)
