"""What of the energies a picture shows."""

import json

import numpy as np

from spatialjax.inference.regions import Region
from spatialjax.inference.scene import Levels, Scene, shown_range

DB = 255 / 120  # bytes of a decibel


def test_a_picture_shows_where_it_is_louder_than_in_half_of_the_places():
    maps = np.full((50, 4, 4), 180, np.uint8)
    maps[:, 0] = 200
    assert shown_range(maps) == (180, 200)


def test_silence_does_not_count_and_30_db_are_the_most():
    maps = np.full((50, 4, 4), 40, np.uint8)
    maps[:, 0] = 200
    maps[25:] = 0
    assert shown_range(maps) == (200 - 30 * DB, 200)


def test_a_rare_flash_does_not_count():
    maps = np.full((100, 10, 10), 150, np.uint8)
    maps[0, 0, :5] = 250
    assert shown_range(maps) == (150 - 3 * DB, 150)


def test_a_silent_film_has_a_range_too():
    assert shown_range(np.zeros((3, 2, 2), np.uint8)) == (0, 30 * DB)


def test_a_source_is_a_line_of_the_file():
    places = np.eye(2, dtype=bool)
    scene = Scene(
        sample_rate_hz=8000,
        channels=1,
        duration_s=2.5,
        start_s=0.0,
        picture_size=(48, 64),
        regions=(Region('a"\n', places), Region("b", ~places)),
        files=("sources/1_a.wav", "sources/2_b.wav"),
        levels_db=np.full((10, 2), -20.04),
        map_s=0.1,
        maps_db=np.zeros((25, 2, 2), np.uint8),
        colours=np.zeros((2, 2, 3), np.uint8),
    )
    lines = scene.to_json().splitlines()
    told = json.loads(scene.to_json())
    assert [source["name"] for source in told["sources"]] == ['a"\n', "b"]
    assert told["sources"][1]["levels_db"] == [-20.0] * 10
    assert told["sources"][0]["level_db"] == -20.0
    assert sum('"levels_db"' in line for line in lines) == 2
    assert len(lines) < 20


def test_levels_do_not_depend_on_the_pieces():
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, (2, 2, 3001))
    one, pieces = Levels(2, 1000), Levels(2, 1000)
    one.add(samples)
    for piece in np.split(samples, [1, 249, 250, 1200], axis=2):
        pieces.add(piece)
    found = one.finish()
    np.testing.assert_allclose(pieces.finish(), found)
    expected = 10 * np.log10(np.square(samples[:, :, :250]).mean((1, 2)))
    np.testing.assert_allclose(found[0], expected)
    assert found.shape == (13, 2)
