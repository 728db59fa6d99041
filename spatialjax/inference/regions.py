"""Which places of a picture make up each source that is asked for."""

import json
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatialjax.errors import DataError
from spatialjax.typing import HostArray

Size = tuple[int, int]
"""Height and width."""

ONE = 1.001
"""What still counts as the whole of a picture: sums of fractions are not exact."""


@dataclass(frozen=True)
class Region:
    """A source: its name, and the places ``[h', w']`` (bool) where it is seen."""

    name: str
    places: HostArray


def grid_regions(grid: Size) -> list[Region]:
    """Every place by itself, named by its row and column."""
    regions = []
    for row, column in np.ndindex(grid):
        places = np.zeros(grid, bool)
        places[row, column] = True
        regions.append(Region(f"place_{row}_{column}", places))
    return regions


def point_regions(text: str, grid: Size, picture: Size) -> list[Region]:
    """The places at the points of a text such as ``120,80;300,90``.

    A point is x,y from the upper left: in pixels of the upright picture, or in
    fractions of it where all numbers are at most 1.

    Raises:
      DataError: the text has another form, or a point lies outside.
    """
    try:
        points = [[float(v) for v in point.split(",")] for point in text.split(";")]
    except ValueError:
        points = [[]]
    if any(len(point) != 2 for point in points):
        raise DataError(f"points are {text!r}, expected x,y;x,y as in 120,80;300,90")
    height, width = picture
    regions = []
    for number, (x, y) in enumerate(_fractions(points, (width, height)), 1):
        if not (0 <= x <= ONE and 0 <= y <= ONE):
            raise DataError(
                f"point {number} of {text!r} lies outside the picture of "
                f"{width}x{height} pixels"
            )
        places = np.zeros(grid, bool)
        row, column = (
            min(int(v * n), n - 1) for v, n in zip((y, x), grid, strict=True)
        )
        places[row, column] = True
        regions.append(Region(f"point_{number}", places))
    return regions


def box_regions(file: str, grid: Size, picture: Size) -> list[Region]:
    """The places within the boxes of a JSON file.

    The file holds a list of ``{"name": "cello", "box": [left, top, right, bottom]}``,
    in pixels of the upright picture or, where all numbers are at most 1, in fractions.
    A place belongs to a box that holds its middle; a small box takes the nearest.

    Raises:
      DataError: the file is missing, has another form, or a box lies outside.
    """
    entries = _read_boxes(file)
    height, width = picture
    boxes = _fractions([box for _, box in entries], (width, height, width, height))
    rows, columns = ((np.arange(n) + 0.5) / n for n in grid)
    regions = []
    for (name, given), (left, top, right, bottom) in zip(entries, boxes, strict=True):
        if not (0 <= left < right <= ONE and 0 <= top < bottom <= ONE):
            raise DataError(
                f"{file}: box {given} of {name!r} is no [left, top, right, bottom] "
                f"within a picture of {width}x{height} pixels"
            )
        places = np.outer(
            (top <= rows) & (rows <= bottom), (left <= columns) & (columns <= right)
        )
        if not places.any():
            row = np.abs(rows - (top + bottom) / 2).argmin()
            column = np.abs(columns - (left + right) / 2).argmin()
            places[row, column] = True
        regions.append(Region(name, places))
    return regions


def _read_boxes(file: str) -> list[tuple[str, list[float]]]:
    try:
        content = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{file} is no JSON: {error}") from None
    try:
        found = [
            (str(entry.get("name", f"box_{n}")), [float(v) for v in entry["box"]])
            for n, entry in enumerate(content, 1)
            if not isinstance(entry["box"], str)
        ]
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        found = []
    if not found or any(len(box) != 4 for _, box in found):
        raise DataError(
            f'{file} holds no boxes, expected [{{"name": "cello", "box": [left, top, '
            "right, bottom]}, ...]"
        )
    return found


def _fractions(
    rows: Sequence[Sequence[float]], sizes: Sequence[int]
) -> list[list[float]]:
    """Rows of coordinates as fractions of the picture."""
    if max(max(row) for row in rows) <= ONE:
        return [[min(value, 1.0) for value in row] for row in rows]
    return [
        [value / size for value, size in zip(row, sizes, strict=True)] for row in rows
    ]
