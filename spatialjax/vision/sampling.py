"""Pictures read between their pixels, and made smaller without false patterns.

Functions take NumPy or JAX arrays and give the same kind. Rows and columns are counted
from 0 at the centre of the first pixel, so a picture of h rows covers -1/2 to h - 1/2.
"""

import functools
import math
import operator
from typing import Any, NamedTuple

import numpy as np

from spatialjax.errors import ShapeError, check_shape

AnyArray = Any
"""An array of NumPy, or of JAX, perhaps traced."""


class Taps(NamedTuple):
    """The pixels that each place of a new picture is mixed from.

    `pixel` int32 ``[k, ...]`` counts along the rows of the old picture, `weight` float
    ``[k, ...]`` adds up to 1 over k, or is 0 where nothing is to be seen.
    """

    pixel: AnyArray
    weight: AnyArray


class Corners(NamedTuple):
    """The four pixels around a place: `row` and `column` int32, `weight`; [4, ...].

    They may lie one pixel outside the picture.
    """

    row: AnyArray
    column: AnyArray
    weight: AnyArray


def bilinear_corners(row: AnyArray, column: AnyArray) -> Corners:
    """The pixels around places [...] and their bilinear weights, each [4, ...]."""
    xp = row.__array_namespace__()
    top, left = xp.floor(row), xp.floor(column)
    down, right = row - top, column - left
    top, left = top.astype("int32"), left.astype("int32")
    return Corners(
        xp.stack([top, top, top + 1, top + 1]),
        xp.stack([left, left + 1, left, left + 1]),
        xp.stack(
            [
                (1 - down) * (1 - right),
                (1 - down) * right,
                down * (1 - right),
                down * right,
            ]
        ),
    )


def sample(images: AnyArray, taps: Taps) -> AnyArray:
    """Pictures [..., *places, c], float32, of pictures [..., h, w, c].

    Args:
      images: of any type.
      taps: pixel and weight of shape [k, *places].
    """
    sizes = check_shape("images", images, "... h w c")
    lead = images.shape[:-3]
    pixels = images.reshape((*lead, sizes["h"] * sizes["w"], sizes["c"]))
    weight = taps.weight.astype("float32")
    weight = weight.reshape((len(weight), *(1,) * len(lead), *weight.shape[1:], 1))
    parts = (
        pixels[..., pixel, :].astype("float32") * share
        for pixel, share in zip(taps.pixel, weight, strict=True)
    )
    return functools.reduce(operator.add, parts)


def shrink_by_area(images: AnyArray, height: int, width: int) -> AnyArray:
    """Pictures [..., height, width, c], float32, of larger ones [..., h, w, c].

    Each new pixel is the mean over its area, with the parts of pixels that it cuts, so
    that patterns finer than the new pixels become grey instead of coarse ones.

    Raises:
      ShapeError: the new picture is larger than the old one, or empty.
    """
    sizes = check_shape("images", images, "... h w c")
    if not (0 < height <= sizes["h"] and 0 < width <= sizes["w"]):
        raise ShapeError(
            f"a picture of {sizes['h']} x {sizes['w']} pixels cannot shrink to "
            f"{height} x {width}"
        )
    return _shrink_axis(_shrink_axis(images.astype("float32"), height, -3), width, -2)


def _shrink_axis(images: AnyArray, length: int, axis: int) -> AnyArray:
    """Means over `length` equal parts of one axis."""
    xp, old = images.__array_namespace__(), images.shape[axis]
    if length == old:
        return images
    if old % length == 0:
        shape = list(images.shape)
        shape[axis:axis] = [length]
        shape[axis] = old // length
        return images.reshape(shape).mean(axis)
    step = old / length
    begin = np.arange(length) * step
    parts = []
    for offset in range(math.ceil(step) + 1):
        index = begin.astype(np.int32) + offset
        overlap = np.minimum(begin + step, index + 1) - np.maximum(begin, index)
        share = (np.maximum(overlap, 0) / step).astype(np.float32)
        share = share.reshape((1,) * (images.ndim + axis) + (-1,) + (1,) * (-axis - 1))
        parts.append(share * xp.take(images, np.minimum(index, old - 1), axis=axis))
    return functools.reduce(operator.add, parts)
