import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from spatialjax.ambisonics.grids import equirect_grid
from tfds_builders.instruments import CLASSES, Paints
from tfds_builders.toy_sphere import picture as drawing
from tfds_builders.toy_sphere.motion import SEPARATION_RAD, Path
from tfds_builders.toy_sphere.picture import render_pictures
from tfds_builders.toy_sphere.world import SIZES_DEG, Backdrop, Plan, Player, World

WORLD = World(seconds=1.0, image_rate_hz=1.0)
BLACK = Backdrop((0, 0, 0), (0, 0, 0), 0.0, 0.0, 0.0)
WHITE = Paints((255, 255, 255), (255, 255, 255), (255, 255, 255))
FIGURE = Paints((0, 0, 0), (255, 255, 255), (255, 255, 255))


def show(name, azimuth_rad=0.0, elevation_rad=0.0, height=64, **changes):
    """How much of each pixel [h, w] a player at rest covers, 0 to 1."""
    path = Path(azimuth_rad, elevation_rad, 0.0, 0.0, 5.0, 0.0)
    player = Player(CLASSES.index(name), (), 0, WHITE, np.radians(30.0), 1, path, True)
    plan = Plan("x", (dataclasses.replace(player, **changes),), BLACK)
    world = dataclasses.replace(WORLD, image_height=height)
    return render_pictures(plan, world)[0, ..., 0] / 255.0


def centre(cover):
    """The mean direction of what is painted, by area."""
    grid = equirect_grid(*cover.shape)
    found = (cover.ravel() * grid.weight) @ grid.direction
    return found / np.linalg.norm(found)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(
    ("azimuth_rad", "elevation_rad"),
    [(0.0, 0.0), (3.1, 0.2), (-np.pi, -0.5), (1.0, 1.2), (2.0, np.pi / 2)],
)
def test_the_centre_of_a_badge_lies_in_its_direction(name, azimuth_rad, elevation_rad):
    cosine = np.cos(elevation_rad)
    x, y = np.cos(azimuth_rad) * cosine, np.sin(azimuth_rad) * cosine
    found = centre(show(name, azimuth_rad, elevation_rad))
    expected = np.array([x, y, np.sin(elevation_rad)])
    assert np.degrees(np.arccos(min(found @ expected, 1.0))) < 1.0


@pytest.mark.parametrize("name", ["drum", "flute"])
def test_the_seam_is_a_place_like_any_other(name):
    front, behind = show(name), show(name, np.pi)
    np.testing.assert_allclose(behind, np.roll(front, 64, axis=1), atol=0.2)
    assert np.abs(behind - np.roll(front, 64, axis=1)).mean() < 1e-4
    assert behind[:, 0].any()
    assert behind[:, -1].any()


def tangent_view(cover, azimuth_rad, elevation_rad, size=41):
    """What an eye with a field of view of 60 degrees sees in that direction."""
    path = Path(azimuth_rad, elevation_rad, 0.0, 0.0, 5.0, 0.0)
    frame = path.frames(np.zeros(1))[0]
    up, left = np.meshgrid(*2 * [np.linspace(0.6, -0.6, size)], indexing="ij")
    x, y, z = frame @ np.stack([np.ones(up.size), left.ravel(), up.ravel()])
    height, width = cover.shape
    row = (0.5 - np.arctan2(z, np.hypot(x, y)) / np.pi) * height - 0.5
    column = (0.5 - np.arctan2(y, x) / (2 * np.pi)) * width - 0.5
    view = ndimage.map_coordinates(cover, [row, column], order=1, mode="grid-wrap")
    return view.reshape(size, size)


@pytest.mark.parametrize("elevation_rad", [-1.4, 1.2, 1.45])
@pytest.mark.parametrize("name", CLASSES)
def test_a_silhouette_near_a_pole_has_its_shape_and_its_area(name, elevation_rad):
    level, high = (
        show(name, 0.3, place_rad, 128, paints=FIGURE)
        for place_rad in (0.0, elevation_rad)
    )
    views = tangent_view(level, 0.3, 0.0), tangent_view(high, 0.3, elevation_rad)
    assert np.corrcoef(views[0].ravel(), views[1].ravel())[0, 1] > 0.95
    weight = equirect_grid(128, 256).weight
    discs = show(name, 0.3, 0.0, 128), show(name, 0.3, elevation_rad, 128)
    areas = [cover.ravel() @ weight for cover in discs]
    assert areas[1] == pytest.approx(areas[0], rel=0.02)


def test_a_bell_stands_upright_and_a_horn_faces_either_side():
    bell = (show("bell", height=128, paints=FIGURE) > 0.5).sum(1)
    rows = np.flatnonzero(bell)
    assert bell[rows[-3]] > 2 * bell[rows[1]]
    horn, mirrored = (
        show("horn", height=128, paints=FIGURE, facing=facing) for facing in (1, -1)
    )
    np.testing.assert_allclose(mirrored, horn[:, ::-1], atol=0.35)
    right, left = horn[:, 128:], horn[:, :128]
    tall = [(half > 0.3).any(1).sum() for half in (right, left)]
    assert tall[0] > tall[1] + 1  # the wide mouth is on the right


@pytest.mark.parametrize("name", CLASSES)
def test_a_silhouette_lies_within_its_disc(name):
    disc, figure = show(name, height=128), show(name, height=128, paints=FIGURE)
    assert (figure <= disc + 1e-6).all()
    assert 0.1 < figure.sum() / disc.sum() < 0.6


def test_badges_never_touch_at_the_least_separation():
    half = np.tan(np.radians(SIZES_DEG[1] / 2))
    radii = []
    for name in CLASSES:
        rows, columns = np.nonzero(drawing._sprite(name))
        middle = (drawing.SPRITE - 1) / 2
        radius = np.hypot(rows - middle, columns - middle).max() * 2 * drawing.EXTENT
        radii.append(radius / drawing.SPRITE)
    assert max(radii) < drawing.EXTENT
    assert np.arctan(half * np.sort(radii)[-2:]).sum() < SEPARATION_RAD


def test_a_badge_has_the_size_and_the_smooth_rim_it_should():
    wide = show("drum", height=256, size_rad=np.radians(24.0)).max(0)
    across = wide.sum() * 360 / 512
    assert across == pytest.approx(24.0, abs=1.0)
    drum = show("drum")
    assert ((drum > 0.05) & (drum < 0.95)).sum() > 10


def test_the_backdrop_is_seamless_and_lit_from_its_side():
    backdrop = Backdrop((90, 100, 110), (60, 50, 40), np.pi / 2, 0.0, 0.2)
    wall = render_pictures(Plan("x", (), backdrop), WORLD)[0].astype(int)
    assert np.abs(wall[:, 0] - wall[:, -1]).max() <= 1
    assert np.ptp(wall[[0, -1]], axis=1).max() <= 1
    assert wall[32].sum(-1).argmax() == pytest.approx(31.5, abs=1.5)  # left
    assert (wall[2] > wall[-3]).all()


def test_shape_tells_the_class():
    """Nearest mean of what is seen in the tangent plane, over places and sizes."""
    rng = np.random.default_rng(0)
    ids, views = np.tile(np.arange(8), 24), []
    for class_id in ids:
        place = rng.uniform(-3.0, 3.0), rng.uniform(-1.0, 1.0)
        size_rad = np.radians(rng.uniform(*SIZES_DEG))
        cover = show(CLASSES[class_id], *place, size_rad=size_rad, paints=FIGURE)
        view = tangent_view(cover, *place).ravel()
        views.append(view / np.linalg.norm(view))
    views = np.array(views)
    means = np.stack([views[:96][ids[:96] == c].mean(0) for c in range(8)])
    assert np.mean((views[96:] @ means.T).argmax(1) == ids[96:]) > 0.9
