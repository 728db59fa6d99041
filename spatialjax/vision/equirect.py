"""Equirectangular pictures: the whole sphere in rows of elevation, columns of azimuth.

The middle is the front, the left edge is behind (azimuth +pi), and columns run to the
right. The first column follows the last one, and beyond the top row lies the top row
again, half a turn away.
"""

from dataclasses import dataclass

import numpy as np

from spatialjax.ambisonics.directions import angles_to_direction, direction_to_angles
from spatialjax.ambisonics.grids import angles_to_pixel, pixel_to_angles
from spatialjax.errors import ShapeError, check_shape
from spatialjax.typing import HostArray
from spatialjax.vision.sampling import AnyArray, Taps, bilinear_corners


@dataclass(frozen=True, eq=False)
class Equirect:
    """The equirectangular projection, in a pose."""

    rotation: AnyArray | None = None
    tiles = (1, 1)

    def directions(self, height: int, width: int) -> HostArray:
        """Unit vectors [height, width, 3] of the centres of the pixels, float64."""
        azimuth_rad, elevation_rad = pixel_to_angles(
            np.arange(height)[:, None], np.arange(width)[None, :], height, width
        )
        return np.asarray(angles_to_direction(azimuth_rad, elevation_rad))

    def taps(self, direction: AnyArray, height: int, width: int) -> Taps:
        """Taps [4, ...] of directions [..., 3], around the seam and over the poles."""
        row, column = angles_to_pixel(*direction_to_angles(direction), height, width)
        corners = bilinear_corners(row, column)
        xp = corners.row.__array_namespace__()
        over = (corners.row < 0) | (corners.row >= height)
        rows = xp.where(corners.row < 0, -1 - corners.row, corners.row)
        rows = xp.where(rows >= height, 2 * height - 1 - rows, rows)
        columns = (corners.column + xp.where(over, width // 2, 0)) % width
        return Taps((rows * width + columns).astype("int32"), corners.weight)

    def density(self, height: int, width: int) -> tuple[float, float]:
        """Rows and columns per radian at the horizon."""
        return height / np.pi, width / (2 * np.pi)


ASPECT_TOLERANCE = 0.02
"""Relative; sizes of videos are even numbers, often multiples of 16."""


def has_sphere_aspect(height: int, width: int) -> bool:
    """Whether a picture has the shape of an equirectangular one: twice as wide."""
    return abs(width / (2 * height) - 1) <= ASPECT_TOLERANCE


def latitude_weights(height: int) -> HostArray:
    """Weight of each row by its area on the sphere, float32 [height], of mean 1."""
    edges = np.sin(np.pi / 2 - np.pi * np.arange(height + 1) / height)
    return (height / 2 * (edges[:-1] - edges[1:])).astype(np.float32)


def pad_circular(images: AnyArray, rows: int, columns: int) -> AnyArray:
    """Pictures [..., h + 2 rows, w + 2 columns, c] that go on as the sphere does.

    Beyond a pole come the rows of the other side of it, so w must be even where rows
    are asked for.

    Raises:
      ShapeError: more is asked for than there is, or w is odd.
    """
    sizes = check_shape("images", images, "... h w c")
    height, width = sizes["h"], sizes["w"]
    if not (0 <= rows <= height and 0 <= columns <= width) or (rows and width % 2):
        raise ShapeError(
            f"a picture of {height} x {width} pixels cannot be padded by {rows} rows "
            f"and {columns} columns: at most its own size, and rows if its width is "
            "even"
        )
    xp = images.__array_namespace__()
    if rows:
        turned = xp.flip(xp.roll(images, width // 2, axis=-2), axis=-3)
        above, below = turned[..., height - rows :, :, :], turned[..., :rows, :, :]
        images = xp.concatenate([above, images, below], axis=-3)
    left = images[..., width - columns :, :]
    return xp.concatenate([left, images, images[..., :columns, :]], axis=-2)


def yaw_image(images: AnyArray, columns: AnyArray | int) -> AnyArray:
    """Pictures [..., h, w, c] of a scene that is turned by 2 pi columns / w.

    The scene turns to the left (its azimuths rise) and the content moves to the left by
    whole columns, which is exact; `columns` is a number, traced or not.
    """
    check_shape("images", images, "... h w c")
    return images.__array_namespace__().roll(images, -columns, axis=-2)


def mirror_image(images: AnyArray) -> AnyArray:
    """Pictures [..., h, w, c] of a scene whose left and right are exchanged."""
    check_shape("images", images, "... h w c")
    return images[..., ::-1, :]
