"""Pictures of a camera: a plane in front of the eye."""

from dataclasses import dataclass

import numpy as np

from spatialjax.errors import ConfigError
from spatialjax.typing import HostArray
from spatialjax.vision.sampling import AnyArray, Taps, bilinear_corners


@dataclass(frozen=True, eq=False)
class Perspective:
    """The view of a camera with square pixels, in a pose.

    Attributes:
      field_of_view_rad: angle between the left and the right edge, below pi.
      rotation: from the axes of the camera (x ahead, y left, z up) to those of the
        world, as `ambisonics.rotation_from_angles` gives it; None looks to the front.

    Raises:
      ConfigError: no such field of view.
    """

    field_of_view_rad: float
    rotation: AnyArray | None = None
    tiles = (1, 1)

    def __post_init__(self) -> None:
        if not 0 < self.field_of_view_rad < np.pi:
            raise ConfigError(
                f"field_of_view_rad is {self.field_of_view_rad}, expected more than 0 "
                "and less than pi"
            )

    def directions(self, height: int, width: int) -> HostArray:
        """Unit vectors [height, width, 3] of the centres of the pixels, float64."""
        focal = self._focal(width)
        left = (width / 2 - 0.5 - np.arange(width)) / focal
        up = (height / 2 - 0.5 - np.arange(height)) / focal
        up, left = np.meshgrid(up, left, indexing="ij")
        vector = np.stack([np.ones_like(left), left, up], axis=-1)
        return vector / np.linalg.norm(vector, axis=-1, keepdims=True)

    def taps(self, direction: AnyArray, height: int, width: int) -> Taps:
        """Taps [4, ...] of directions [..., 3]; weights are 0 beside the picture."""
        xp = direction.__array_namespace__()
        ahead, left, up = xp.moveaxis(direction, -1, 0)
        is_ahead = ahead > 0
        scale = self._focal(width) / xp.where(is_ahead, ahead, 1)
        row, column = height / 2 - 0.5 - up * scale, width / 2 - 0.5 - left * scale
        is_seen = is_ahead & (abs(row + 0.5 - height / 2) <= height / 2)
        is_seen = is_seen & (abs(column + 0.5 - width / 2) <= width / 2)
        row, column = xp.where(is_seen, row, 0), xp.where(is_seen, column, 0)
        corners = bilinear_corners(row, column)
        rows = corners.row.clip(0, height - 1)
        columns = corners.column.clip(0, width - 1)
        return Taps(rows * width + columns, xp.where(is_seen[None], corners.weight, 0))

    def density(self, height: int, width: int) -> tuple[float, float]:
        """Rows and columns per radian in the middle of the picture."""
        return self._focal(width), self._focal(width)

    def _focal(self, width: int) -> float:
        """Distance of the plane from the eye, in pixels."""
        return width / 2 / float(np.tan(self.field_of_view_rad / 2))
