"""Points on the sphere with the solid angle that each stands for.

A mean over the sphere is a sum over a grid: ``sum(weight * f(direction)) / (4 pi)``.
All grids are float64 on the host, from the top downwards.
"""

import math
from typing import NamedTuple, TypeVar

import numpy as np

from spatialjax.ambisonics.directions import angles_to_direction
from spatialjax.errors import ConfigError
from spatialjax.typing import Array, HostArray

Coordinates = TypeVar("Coordinates", Array, HostArray, float)
"""Floats of one kind, in and out."""


class Grid(NamedTuple):
    """Unit vectors `direction` [q, 3] and solid angles `weight` [q], 4 pi in all."""

    direction: HostArray
    weight: HostArray


def pixel_to_angles(
    row: Coordinates, column: Coordinates, height: int, width: int
) -> tuple[Coordinates, Coordinates]:
    """Azimuth and elevation in radians at places in an equirectangular picture.

    Pixel centres have whole numbers. The middle of the picture is the front, and its
    left half shows what is to the left: the azimuth falls from pi at the left edge,
    column -1/2, to -pi at the right edge, the elevation from pi/2 to -pi/2.

    Args:
      row: floats of any shape, from the top; centres from 0 to height - 1.
      column: likewise, from the left; outside the picture the azimuth just goes on.
      height: of the picture in pixels.
      width: likewise.
    """
    azimuth_rad = math.pi - 2 * math.pi / width * (column + 0.5)
    return azimuth_rad, math.pi / 2 - math.pi / height * (row + 0.5)


def angles_to_pixel(
    azimuth_rad: Coordinates, elevation_rad: Coordinates, height: int, width: int
) -> tuple[Coordinates, Coordinates]:
    """Row and column, floats, of directions: the inverse of `pixel_to_angles`.

    For azimuths in [-pi, pi) the columns lie in (-1/2, width - 1/2].
    """
    row = (math.pi / 2 - elevation_rad) * (height / math.pi) - 0.5
    return row, (math.pi - azimuth_rad) * (width / (2 * math.pi)) - 0.5


def equirect_grid(height: int, width: int) -> Grid:
    """The pixels of an equirectangular picture, row by row, with exact solid angles.

    Values [..., q] on this grid become a picture by a reshape to [..., height, width].
    """
    _check_least(1, height=height, width=width)
    row, column = np.divmod(np.arange(height * width, dtype=np.float64), width)
    azimuth_rad, elevation_rad = pixel_to_angles(row, column, height, width)
    # sin(top edge) - sin(bottom edge), as a product that does not cancel.
    band = 2 * np.cos(elevation_rad) * math.sin(math.pi / (2 * height))
    direction = angles_to_direction(azimuth_rad, elevation_rad)
    return Grid(direction, 2 * math.pi / width * band)


def fibonacci_grid(num_points: int) -> Grid:
    """Nearly uniform points of equal weight, a golden angle of azimuth apart."""
    _check_least(1, num_points=num_points)
    point = np.arange(num_points)
    elevation_rad = np.arcsin(1 - (2 * point + 1) / num_points)
    azimuth_rad = point * (math.pi * (3 - math.sqrt(5)))
    weight = np.full(num_points, 4 * math.pi / num_points)
    return Grid(angles_to_direction(azimuth_rad, elevation_rad), weight)


def gauss_legendre_grid(degree: int) -> Grid:
    """The grid whose weighted sum is exact for polynomials up to a degree.

    Gauss nodes in height times equal steps in azimuth: degree // 2 + 1 rows of degree +
    1 points. Products of two harmonics of order N have the degree 2N.
    """
    _check_least(0, degree=degree)
    node, node_weight = np.polynomial.legendre.leggauss(degree // 2 + 1)
    width = degree + 1
    azimuth_rad = np.tile(2 * math.pi / width * np.arange(width), node.size)
    elevation_rad = np.repeat(np.arcsin(node[::-1]), width)
    weight = np.repeat(node_weight[::-1] * (2 * math.pi / width), width)
    return Grid(angles_to_direction(azimuth_rad, elevation_rad), weight)


def _check_least(least: int, **counts: int) -> None:
    for name, count in counts.items():
        if count < least:
            raise ConfigError(f"{name} is {count}; a grid needs at least {least}")
