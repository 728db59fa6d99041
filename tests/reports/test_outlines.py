import re

import numpy as np
import pytest

from spatialjax.reports.outlines import outline_path


def lines_of(path):
    """Each line of a path, as its two ends."""
    found = re.findall(r"M(\d+) (\d+)([HV])(\d+)", path)
    assert "".join(f"M{x} {y}{way}{to}" for x, y, way, to in found) == path
    for x, y, way, to in found:
        start = int(x), int(y)
        yield start, (int(to), start[1]) if way == "H" else (start[0], int(to))


def borders_of(places):
    """Every border between a place inside and one outside, one place long."""
    padded = np.pad(places, 1)
    for y, x in np.ndindex(places.shape[0] + 1, places.shape[1] + 1):
        if padded[y, x + 1] != padded[y + 1, x + 1]:
            yield (x, y), (x + 1, y)
        if padded[y + 1, x] != padded[y + 1, x + 1]:
            yield (x, y), (x, y + 1)


def pieces_of(line):
    (x0, y0), (x1, y1) = line
    if y0 == y1:
        return {((x, y0), (x + 1, y0)) for x in range(x0, x1)}
    return {((x0, y), (x0, y + 1)) for y in range(y0, y1)}


@pytest.mark.parametrize("seed", range(4))
def test_goes_along_every_border_once(seed):
    places = np.random.default_rng(seed).random((5, 7)) < 0.5
    pieces = [
        piece for line in lines_of(outline_path(places)) for piece in pieces_of(line)
    ]
    assert len(pieces) == len(set(pieces))
    assert set(pieces) == set(borders_of(places))


def test_a_box_has_four_lines():
    places = np.zeros((6, 6), bool)
    places[1:4, 2:6] = True
    assert outline_path(places) == "M2 1H6M2 4H6M2 1V4M6 1V4"


def test_nothing_has_no_outline():
    assert outline_path(np.zeros((3, 3), bool)) == ""
