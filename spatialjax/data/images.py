"""Files of pictures and of optical flow, made into what an example shows."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from spatialjax.errors import DataError, MediaError
from spatialjax.media import decode_flow

Box = tuple[float, float, float, float]
"""Top, left, height and width of a part, as fractions of the picture."""

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Crop:
    """How a picture is cut.

    Attributes:
      row: place of the cut from the top, 0 up to 1; None for the middle.
      column: the same from the left.
      scale: size before the cut over the size after.
      is_flipped: whether left and right are exchanged.
      box: the part of the picture that is looked at.
    """

    row: float | None = None
    column: float | None = None
    scale: float = 1.0
    is_flipped: bool = False
    box: Box = WHOLE

    @property
    def is_whole(self) -> bool:
        """Whether all of a picture is seen, as it is."""
        return self.scale == 1 and not self.is_flipped and self.box == WHOLE


def decode_images(files: Sequence[bytes], crop: Crop, out: np.ndarray) -> None:
    """Fill `out` ``[v, h, w, 3]`` uint8 with pictures that are all cut alike.

    A picture is resized (bicubic, antialiased) to the least size that covers
    int(h scale) by int(w scale), then cut to h by w.

    Raises:
      DataError: a file is no picture, or a damaged one.
    """
    height, width = out.shape[1:3]
    for file, place in zip(files, out, strict=True):
        try:
            with Image.open(io.BytesIO(file)) as picture:
                place[:] = np.asarray(_cut(picture, crop, height, width))
        except (
            OSError,
            SyntaxError,
            ValueError,
            Image.DecompressionBombError,
        ) as error:
            raise DataError(f"a picture cannot be decoded: {error}") from error


def decode_flows(files: Sequence[bytes], out: np.ndarray) -> None:
    """Fill `out` ``[v, h, w, 2]`` float16 with the flow of whole pictures.

    A flow, as `encode_flow` stores it, is resized (bilinear, antialiased); it is then
    counted in pixels of the new size.

    Raises:
      DataError: a file is no flow, or its picture has another shape and would be cut.
    """
    height, width = out.shape[1:3]
    for file, place in zip(files, out, strict=True):
        try:
            flow = decode_flow(file)
        except MediaError as error:
            raise DataError(f"a flow cannot be decoded: {error}") from error
        rows, columns = flow.shape[:2]
        if rows * width != columns * height:
            raise DataError(
                f"flow of {columns} x {rows} pixels does not fill {width} x {height}: "
                "it is of whole pictures; give the task a size of the same shape"
            )
        if rows == height:
            place[:] = flow
            continue
        for axis in range(2):
            component = Image.fromarray(flow[..., axis].astype(np.float32))
            small = component.resize((width, height), Image.Resampling.BILINEAR)
            place[..., axis] = np.asarray(small) * (height / rows)


def _cut(picture: Image.Image, crop: Crop, height: int, width: int) -> Image.Image:
    """One picture, resized, cut, flipped; only the part that is kept is resized."""
    top, left, box_height, box_width = crop.box
    least_height, least_width = int(height * crop.scale), int(width * crop.scale)
    # JPEG decodes to 1/2, 1/4 or 1/8 for nearly nothing, where that is large enough.
    enough = math.ceil(least_width / box_width), math.ceil(least_height / box_height)
    picture.draft("RGB", enough)
    columns, rows = picture.width * box_width, picture.height * box_height
    if rows * least_width <= columns * least_height:
        tall, wide = least_height, max(least_width, int(least_height * columns / rows))
    else:
        tall, wide = max(least_height, int(least_width * rows / columns)), least_width
    first_row = _offset(tall - height, crop.row)
    first_column = _offset(wide - width, crop.column)
    x, per_column = picture.width * left, columns / wide
    y, per_row = picture.height * top, rows / tall
    part = (
        x + first_column * per_column,
        y + first_row * per_row,
        min(x + (first_column + width) * per_column, picture.width),
        min(y + (first_row + height) * per_row, picture.height),
    )
    whole = picture if picture.mode == "RGB" else picture.convert("RGB")
    cut = whole.resize((width, height), Image.Resampling.BICUBIC, part)
    # Here, because an array with its columns backwards is copied byte by byte.
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if crop.is_flipped else cut


def _offset(room: int, place: float | None) -> int:
    """First row or column of a cut that has `room` rows or columns to move in."""
    return round(room / 2) if place is None else int(place * (room + 1))


def square_box(box: Box, height: int, width: int, margin: float) -> Box:
    """The square around a box of a picture, inside the picture and no larger than it.

    Args:
      box: the part that must be seen.
      height: of the picture, in pixels.
      width: of the picture, in pixels.
      margin: on each side of the box, over the longer side of the box.
    """
    top, left, box_height, box_width = box
    longest = max(box_height * height, box_width * width)
    side = min(longest * (1 + 2 * margin), height, width)
    tall, wide = side / height, side / width
    return (
        min(max(top + (box_height - tall) / 2, 0.0), 1.0 - tall),
        min(max(left + (box_width - wide) / 2, 0.0), 1.0 - wide),
        tall,
        wide,
    )
