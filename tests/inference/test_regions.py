"""Which places belong to a grid, to points and to boxes."""

import json

import numpy as np
import pytest

from spatialjax.errors import DataError
from spatialjax.inference.regions import box_regions, grid_regions, point_regions

GRID, PICTURE = (4, 8), (240, 480)


def write_boxes(folder, content):
    path = folder / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_grid_has_every_place_once():
    regions = grid_regions(GRID)
    assert len(regions) == 32
    assert (
        sum(region.places.astype(int) for region in regions).tolist() == [[1] * 8] * 4
    )
    assert regions[9].name == "place_1_1"
    assert regions[9].places[1, 1]


@pytest.mark.parametrize("text", ["120,90;479.5,239.5", "0.25,0.375;1,1"])
def test_points_are_pixels_or_fractions(text):
    first, last = point_regions(text, GRID, PICTURE)
    assert np.argwhere(first.places).tolist() == [[1, 2]]
    assert np.argwhere(last.places).tolist() == [[3, 7]]
    assert (first.name, last.name) == ("point_1", "point_2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("120", "expected x,y;x,y"),
        ("1,2,3", "expected x,y;x,y"),
        ("a,b", "expected x,y;x,y"),
        ("", "expected x,y;x,y"),
        ("10,20;500,20", "point 2 .* outside the picture of 480x240"),
        ("-3,20", "outside"),
        ("nan,20", "outside"),
        ("inf,20", "outside"),
    ],
)
def test_bad_points_are_told(text, message):
    with pytest.raises(DataError, match=message):
        point_regions(text, GRID, PICTURE)


def test_boxes_hold_the_places_whose_middles_they_hold(tmp_path):
    boxes = [
        {"name": "cello", "box": [0, 0, 240, 240]},
        {"box": [241, 121, 479, 239]},
        {"name": "speck", "box": [300, 10, 302, 12]},
    ]
    left, lower, speck = box_regions(write_boxes(tmp_path, boxes), GRID, PICTURE)
    assert left.places.tolist() == [[True] * 4 + [False] * 4] * 4
    assert np.argwhere(lower.places).min(0).tolist() == [2, 4]
    assert lower.places.sum() == 8
    assert np.argwhere(speck.places).tolist() == [[0, 5]]
    assert [r.name for r in (left, lower, speck)] == ["cello", "box_2", "speck"]


def test_fractions_may_miss_one_by_a_rounding(tmp_path):
    file = write_boxes(tmp_path, [{"box": [0.5, 0, 0.7 + 0.3000000000000003, 1]}])
    (region,) = box_regions(file, GRID, PICTURE)
    assert region.places.sum() == 16
    (region,) = point_regions("1.0000000000000002,0.1", GRID, PICTURE)
    assert np.argwhere(region.places).tolist() == [[0, 7]]


def test_boxes_may_be_fractions(tmp_path):
    file = write_boxes(tmp_path, [{"name": "a", "box": [0, 0, 0.5, 1]}])
    (region,) = box_regions(file, GRID, PICTURE)
    assert region.places.sum() == 16


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no boxes"),
        ("3", "holds no boxes"),
        ([{"box": [1, 2, 3]}], "holds no boxes"),
        ([{"name": "a"}], "holds no boxes"),
        ([{"box": [1, 2, 3, "x"]}], "holds no boxes"),
        ([{"box": "1234"}], "holds no boxes"),
        ([{"box": [0, 0, 10**400, 5]}], "holds no boxes"),
        ([{"box": [20, 0, 10, 40]}], "box_1.*within a picture of 480x240"),
        ([{"box": [0, 0, 900, 40]}], "within a picture"),
        ([{"box": [0, 0, float("nan"), 40]}], "within a picture"),
    ],
)
def test_bad_boxes_are_told(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        box_regions(write_boxes(tmp_path, content), GRID, PICTURE)


def test_a_missing_file_of_boxes_is_told(tmp_path):
    with pytest.raises(DataError, match=r"none.json cannot be read: No such file"):
        box_regions(str(tmp_path / "none.json"), GRID, PICTURE)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is no JSON"):
        box_regions(str(tmp_path / "bytes.json"), GRID, PICTURE)
