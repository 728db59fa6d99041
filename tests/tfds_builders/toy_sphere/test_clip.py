import io

import numpy as np
import pytest
from PIL import Image

from spatialjax.ambisonics.grids import equirect_grid
from tfds_builders.toy_sphere.clip import SphereClip, render_clip, source_directions
from tfds_builders.toy_sphere.picture import draw_backdrop, make_lattice
from tfds_builders.toy_sphere.world import World, plan_clip

WORLD = World(seconds=2.0)


def angles_to_vector(angles_rad):
    azimuth, elevation = np.moveaxis(np.asarray(angles_rad, float), -1, 0)
    flat = np.cos(elevation)
    return np.stack(
        [np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)], -1
    )


def between_deg(a, b):
    return np.degrees(np.arccos(np.clip(np.sum(a * b, -1), -1.0, 1.0)))


def seen_directions(clip, plan, player):
    """Centre of a player in each stored picture, [v, 3].

    The pixels most like its colours tell where it is; its centre is that of all within
    24 degrees that differs from the wall.
    """
    grid = equirect_grid(WORLD.image_height, 2 * WORLD.image_height)
    lattice = make_lattice(WORLD.image_height)
    wall = draw_backdrop(plan.backdrop, lattice.centre).reshape(-1, 3)
    found = []
    for image in clip.images:
        pixels = np.asarray(Image.open(io.BytesIO(image)), float).reshape(-1, 3)
        off = np.linalg.norm(pixels - np.array(player.paints.body), axis=-1)
        place = grid.direction[np.argsort(off)[:5]].mean(0)
        near = grid.direction @ (place / np.linalg.norm(place)) > np.cos(np.radians(24))
        cover = np.clip(np.linalg.norm(pixels - wall, axis=-1) / 60.0 - 0.2, 0.0, 1.0)
        mean = (near * cover * grid.weight) @ grid.direction
        found.append(mean / np.linalg.norm(mean))
    return np.array(found)


def heard_directions(clip):
    """Direction of the intensity around each picture, [v, 3]."""
    w, y, z, x = clip.audio[0].astype(float)
    middle = np.round(WORLD.image_times_s * WORLD.sample_rate_hz).astype(int)
    found = []
    for sample in middle:
        near = slice(max(sample - 800, 0), sample + 800)
        intensity = np.array([np.mean(w[near] * c[near]) for c in (x, y, z)])
        found.append(intensity / np.linalg.norm(intensity))
    return np.array(found)


@pytest.mark.parametrize("index", range(8))
def test_a_source_is_heard_where_it_is_seen_and_where_it_is_said_to_be(index):
    plan, clip = plan_clip(WORLD, "test_1", index), render_clip(WORLD, "test_1", index)
    (source,) = plan.sources
    true = angles_to_vector(clip.source_directions[0])
    heard, seen = heard_directions(clip), seen_directions(clip, plan, source)
    assert between_deg(heard, true).max() < 1.0
    assert between_deg(seen, true).max() < 360 / 128
    assert between_deg(seen, heard).max() < 360 / 128
    decoy = seen_directions(clip, plan, plan.players[1])
    assert between_deg(decoy, heard).min() > 40.0


def test_directions_are_those_of_the_sources_alone():
    plan = plan_clip(WORLD, "test_2", 0)
    assert len(plan.players) > 2
    found = source_directions(plan, WORLD)
    assert found.shape == (2, 20, 2)
    assert found.dtype == np.float32
    for source, angles in zip(plan.sources, found, strict=True):
        expected = source.path.directions((np.arange(20) + 0.5) / 10.0)
        np.testing.assert_allclose(angles_to_vector(angles), expected, atol=1e-6)


def test_a_clip_is_ready_to_store_and_the_same_in_any_order():
    forth = [render_clip(WORLD, "train", i) for i in (0, 1)]
    back = [render_clip(WORLD, "train", i) for i in (1, 0)]
    for clip, again in zip(forth, back[::-1], strict=True):
        assert clip.images == again.images
        assert clip.audio.tobytes() == again.audio.tobytes()
        assert clip.source_directions.tobytes() == again.source_directions.tobytes()
        assert clip.class_names == ("",)
        assert clip.audio.shape == (1, 4, 32000)
        assert Image.open(io.BytesIO(clip.images[0])).size == (128, 64)
    assert forth[0].clip_id != forth[1].clip_id


def test_a_clip_names_itself_before_it_is_rendered():
    clip = SphereClip(WORLD, "test_1", 2)
    assert clip.clip_id == clip.load().clip_id == "test_1-00002-drum"
