"""Pictures of the sphere from one projection into another, in one bilinear step.

A pixel of the new picture looks into a direction; there the old picture is read between
its pixels. Directions are unit vectors, x front, y left, z up. Each picture has a pose,
a rotation ``[3, 3]`` from its own axes to those of the world, whose columns are the
front, the left and the top of the picture, seen from the world.
"""

import math
from typing import Protocol

from spatialjax.errors import check_shape
from spatialjax.vision.sampling import AnyArray, Taps, sample, shrink_by_area


class Projection(Protocol):
    """How a picture shows the directions around it."""

    @property
    def rotation(self) -> AnyArray | None:
        """From the axes of the picture to those of the world; None where equal."""

    @property
    def tiles(self) -> tuple[int, int]:
        """Rows and columns of tiles, for pictures made up of several."""

    def directions(self, height: int, width: int) -> AnyArray:
        """Unit vectors [height, width, 3], in the axes of the picture."""

    def taps(self, direction: AnyArray, height: int, width: int) -> Taps:
        """The pixels that show directions [..., 3], in the axes of the picture."""

    def density(self, height: int, width: int) -> tuple[float, float]:
        """Rows and columns per radian where the picture is coarsest."""


def reproject(
    images: AnyArray, source: Projection, target: Projection, height: int, width: int
) -> AnyArray:
    """Pictures [..., height, width, c], float32, of pictures [..., h, w, c].

    Where the new picture is coarser, the old one is first made smaller by areas, so
    that nothing aliases. What the old picture does not show is 0.

    Args:
      images: of any type, NumPy or JAX.
      source: projection of the images.
      target: projection of the result.
      height: rows of the result.
      width: columns of the result.
    """
    sizes = check_shape("images", images, "... h w c")
    size = shrunk_size(source, target, (sizes["h"], sizes["w"]), (height, width))
    taps = resampling_taps(source, target, size, (height, width))
    return sample(shrink_by_area(images, *size), taps)


def resampling_taps(
    source: Projection,
    target: Projection,
    source_size: tuple[int, int],
    target_size: tuple[int, int],
) -> Taps:
    """Taps [4, height, width] from pictures of a size (rows, columns) to another size.

    They are the same for all pictures: whoever converts many computes them once.
    """
    direction = target.directions(*target_size)
    for rotation in (target.rotation, _transposed(source.rotation)):
        if rotation is not None:
            # No matrix product, which some devices round to three digits.
            direction = (direction[..., None, :] * rotation[None, None]).sum(-1)
    return source.taps(direction, *source_size)


def shrunk_size(
    source: Projection,
    target: Projection,
    source_size: tuple[int, int],
    target_size: tuple[int, int],
) -> tuple[int, int]:
    """Size, at most that of the source, at which its pixels are no finer than needed.

    It is a whole number of pixels a tile, also where that of the source is none, and at
    least two where there are several tiles.
    """
    wanted = max(target.density(*target_size))
    size = []
    for length, density, tiles in zip(
        source_size, source.density(*source_size), source.tiles, strict=True
    ):
        # A ratio that is whole but for rounding stays whole.
        per_tile = math.ceil(length * wanted / density / tiles - 1e-6)
        per_tile = max(per_tile, 1 if max(source.tiles) == 1 else 2)
        size.append(min(length // tiles, per_tile) * tiles)
    return size[0], size[1]


def _transposed(rotation: AnyArray | None) -> AnyArray | None:
    return None if rotation is None else rotation.T
