"""Pictures of the sphere on the faces of a cube, in the layout of YouTube.

Six faces lie in two rows: left, front, right; and bottom, back, top, each of these
turned by a quarter so that the row is one strip without a break. A face spans 90
degrees. On a plain cube its pixels divide the plane evenly, in an equi-angular cube
(EAC) the angle: what a plain cube has at u of half a face from the centre lies at
(4 / pi) atan(u) of it (Google, "Bringing pixels front and center in VR video",
2017). Faces need not be square.
"""

from dataclasses import dataclass

import numpy as np

from spatialjax.errors import ShapeError
from spatialjax.vision.sampling import AnyArray, Taps, bilinear_corners

TILES = (2, 3)
"""Rows and columns of faces."""

_X, _Y, _Z = np.eye(3)
_AXES = np.array(
    [
        [_Y, _X, -_Z],
        [_X, -_Y, -_Z],
        [-_Y, -_X, -_Z],
        [-_Z, -_X, _Y],
        [-_X, _Z, _Y],
        [_Z, _X, _Y],
    ]
)
"""Where the centre of each face, in order of the tiles, its right and its lower side
look: float64 [face, axis, 3]."""


@dataclass(frozen=True, eq=False)
class Cube:
    """The six faces of a cube in one picture, in a pose.

    Attributes:
      equi_angular: whether pixels divide angles evenly (EAC), or the plane.
      rotation: from the axes of the picture to those of the world.
    """

    equi_angular: bool
    rotation: AnyArray | None = None
    tiles = TILES

    def directions(self, height: int, width: int) -> AnyArray:
        """Unit vectors [height, width, 3] of the centres of the pixels, float64.

        Raises:
          ShapeError: the picture cannot be cut into faces.
        """
        rows, columns = _face_size(height, width)
        tile_row, row = np.divmod(np.arange(height)[:, None], rows)
        tile_column, column = np.divmod(np.arange(width)[None, :], columns)
        face = tile_row * TILES[1] + tile_column
        return self._direction(face, row, column, rows, columns)

    def taps(self, direction: AnyArray, height: int, width: int) -> Taps:
        """Taps [4, ...] of directions [..., 3], each pixel on the face that shows it.

        Raises:
          ShapeError: the picture cannot be cut into faces.
        """
        rows, columns = _face_size(height, width)
        face, row, column = self._place(direction, rows, columns)
        corners = bilinear_corners(row, column)
        # A corner beyond the edge of its face is found on the face beside it.
        row, column = (
            pixel.astype(direction.dtype) for pixel in (corners.row, corners.column)
        )
        beside = self._direction(face[None], row, column, rows, columns)
        face, row, column = self._place(beside, rows, columns)
        row = row.round().clip(0, rows - 1).astype("int32") + face // TILES[1] * rows
        column = column.round().clip(0, columns - 1).astype("int32")
        column = column + face % TILES[1] * columns
        return Taps(row * width + column, corners.weight)

    def density(self, height: int, width: int) -> tuple[float, float]:
        """Rows and columns per radian, at the centre of a face."""
        angle_rad = np.pi / 2 if self.equi_angular else 2.0
        return height / TILES[0] / angle_rad, width / TILES[1] / angle_rad

    def _direction(
        self, face: AnyArray, row: AnyArray, column: AnyArray, rows: int, columns: int
    ) -> AnyArray:
        """Unit vectors [..., 3] of places on faces, or beyond their edges."""
        xp = row.__array_namespace__()
        down, right = ((row + 0.5) / rows - 0.5, (column + 0.5) / columns - 0.5)
        if self.equi_angular:
            down, right = xp.tan(down * (np.pi / 2)), xp.tan(right * (np.pi / 2))
        else:
            down, right = 2 * down, 2 * right
        down, right = xp.broadcast_arrays(down, right)
        plane = xp.stack([xp.ones_like(right), right, down], axis=-1)
        axes = xp.asarray(_AXES, dtype=plane.dtype)[face]
        vector = (plane[..., None] * axes).sum(-2)
        return vector / xp.sqrt((vector**2).sum(-1, keepdims=True))

    def _place(
        self, direction: AnyArray, rows: int, columns: int
    ) -> tuple[AnyArray, AnyArray, AnyArray]:
        """Face int32 [...], and row and column on it, of directions [..., 3]."""
        xp = direction.__array_namespace__()
        axes = xp.asarray(_AXES, dtype=direction.dtype)
        # No matrix product, which some devices round to three digits.
        ones = (1,) * (direction.ndim - 1)
        normals = axes[:, 0].reshape(*ones, len(_AXES), 3)
        ahead = (direction[..., None, :] * normals).sum(-1)
        face = ahead.argmax(-1).astype("int32")
        ahead, right, down = xp.moveaxis(
            (direction[..., None, :] * axes[face]).sum(-1), -1, 0
        )
        if self.equi_angular:
            right, down = (xp.arctan2(u, ahead) / (np.pi / 2) for u in (right, down))
        else:
            right, down = right / ahead / 2, down / ahead / 2
        return face, (down + 0.5) * rows - 0.5, (right + 0.5) * columns - 0.5


def _face_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a face.

    Raises:
      ShapeError: the picture cannot be cut into faces of two pixels or more.
    """
    rows, columns = height // TILES[0], width // TILES[1]
    if height % TILES[0] or width % TILES[1] or min(rows, columns) < 2:
        raise ShapeError(
            f"a picture of {height} x {width} pixels is no cube: it has two rows and "
            "three columns of faces, each of two pixels or more"
        )
    return rows, columns
