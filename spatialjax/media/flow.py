"""Optical flow between pictures: its estimate, and its bytes.

The flow of a picture tells of each pixel where its content was in the picture before:
``[h, w, 2]``, columns to the right and rows down, in pixels. It is minus the motion,
the sign of the published flow (Morgado et al., Self-supervised generation of spatial
audio for 360 degree video, 2018, released code), whose networks were trained on it.
"""

import functools
import importlib
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from spatialjax.errors import MediaError, check_shape

FLOW_STEP_PX = 1 / 16
"""Estimates are rounded to this: they are no better, and so a third of the bytes."""

_MAGIC = b"FLOW"
_HEADER = "<4sHH"
_STILL_PX = 0.005
"""Motion below this has the angle 0 in the published pictures."""


def optical_flow(image: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Flow float16 [h, w, 2] of an equirectangular image, by the method DIS.

    Columns go on around the sphere, so nothing special happens at the seam (Kroeger et
    al., Fast optical flow using dense inverse search, 2016, as OpenCV implements it).

    Args:
      image: uint8 [h, w, 3].
      before: the image before it, of the same shape.

    Raises:
      MediaError: OpenCV is not installed, or a picture is smaller than 16 pixels.
      ShapeError: the shapes differ.
    """
    height, width, _ = image.shape
    check_shape("before", before, "h w 3", {"h": height, "w": width})
    if min(height, width) < 16:
        raise MediaError(
            f"a picture of {width} x {height} pixels has no flow, expected 16 or more"
        )
    pad = max(16, width // 8)
    columns = np.arange(-pad, width + pad) % width
    cv2, estimator = _estimator()
    grey = [
        cv2.cvtColor(picture[:, columns], cv2.COLOR_RGB2GRAY)
        for picture in (image, before)
    ]
    flow = estimator.calc(*grey, None)[:, pad:-pad]
    return (np.round(flow / FLOW_STEP_PX) * FLOW_STEP_PX).astype(np.float16)


def check_flow_can_be_estimated() -> None:
    """Tell, before anything slow starts, where OpenCV is not installed.

    Raises:
      MediaError: it is not.
    """
    _estimator()


@functools.lru_cache(maxsize=1)
def _estimator() -> tuple[Any, Any]:
    """OpenCV and its estimator.

    Raises:
      MediaError: OpenCV is not installed.
    """
    try:
        cv2 = importlib.import_module("cv2")
    except ModuleNotFoundError as error:
        raise MediaError(
            "optical flow needs OpenCV, which is not installed: "
            'pip install -e ".[flow]"'
        ) from error
    cv2.setNumThreads(1)  # clips are worked on in parallel
    return cv2, cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def encode_flow(flow: np.ndarray) -> bytes:
    """A flow float16 [h, w, 2] as compressed bytes, without a loss.

    The bit patterns of each component are differenced along the rows, which turns what
    is smooth into many small numbers, and their bytes parted before compression.

    Raises:
      ShapeError: it is no flow.
      MediaError: it has another type.
    """
    sizes = check_shape("flow", flow, "h w 2")
    if flow.dtype != np.float16:
        raise MediaError(f"the flow is {flow.dtype}, expected float16")
    bits = np.moveaxis(np.ascontiguousarray(flow).view(np.uint16), -1, 0)
    steps = np.diff(bits, axis=-1, prepend=np.uint16(0)).astype("<u2")
    parted = np.ascontiguousarray(np.moveaxis(steps[..., None].view(np.uint8), -1, 0))
    header = struct.pack(_HEADER, _MAGIC, sizes["h"], sizes["w"])
    return header + zlib.compress(parted.tobytes(), 6)


def decode_flow(content: bytes) -> np.ndarray:
    """The flow float16 [h, w, 2] that `encode_flow` made bytes of.

    Raises:
      MediaError: these are no such bytes.
    """
    size = struct.calcsize(_HEADER)
    try:
        magic, height, width = struct.unpack(_HEADER, content[:size])
        parted = np.frombuffer(zlib.decompress(content[size:]), np.uint8)
        if magic != _MAGIC:
            raise ValueError(f"it begins with {magic!r}")
        parted = parted.reshape(2, 2, height, width)
    except (struct.error, zlib.error, ValueError) as error:
        raise MediaError(f"{len(content)} bytes are no flow: {error}") from error
    steps = np.ascontiguousarray(np.moveaxis(parted, 0, -1)).view("<u2")[..., 0]
    bits = np.cumsum(steps, axis=-1, dtype=np.uint16)
    return np.ascontiguousarray(np.moveaxis(bits, 0, -1)).view(np.float16)


def encode_packed_flow(flow: np.ndarray) -> tuple[bytes, tuple[float, float]]:
    """A flow [h, w, 2] as the published JPEG, and its least and greatest length.

    Red is the angle of the motion plus pi, of 2 pi; blue the length between the two
    limits; both of 255. Eight bits and JPEG cost some 1 % of the greatest length.
    """
    check_shape("flow", flow, "h w 2")
    right, down = np.moveaxis(flow.astype(np.float64), -1, 0)
    length = np.hypot(right, down)
    angle_rad = np.where(length < _STILL_PX, 0, np.arctan2(-down, -right) + np.pi)
    low, high = float(length.min()), float(length.max())
    high = low + 1 if high - low < 1 else high
    red, blue = angle_rad * 255 / (2 * np.pi), 255 * (length - low) / (high - low)
    picture = np.rint(np.stack([red, 0 * red, blue], -1)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue(), (low, high)


def decode_packed_flow(content: bytes, limits: tuple[float, float]) -> np.ndarray:
    """The flow float16 [h, w, 2] of a published JPEG, its sign as it is there.

    Args:
      content: of the JPEG file.
      limits: least and greatest length in pixels, a row of ``flow_limits.npy``.

    Raises:
      MediaError: it is no picture.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            picture = np.asarray(image.convert("RGB"), np.float64)
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"a picture of flow cannot be decoded: {error}") from error
    low, high = limits
    length = picture[..., 2] * (high - low) / 255 + low
    angle_rad = picture[..., 0] * 2 * np.pi / 255
    flow = np.stack([length * np.cos(angle_rad), length * np.sin(angle_rad)], -1)
    return flow.astype(np.float16)
