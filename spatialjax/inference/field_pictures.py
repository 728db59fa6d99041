"""The pictures of a film as a model of sound fields looks at them, from one pass."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from spatialjax.inference.field_program import FieldGeometry
from spatialjax.inference.field_source import FieldSource
from spatialjax.inference.field_stream import Look, Seen
from spatialjax.inference.recent import Recent
from spatialjax.media import optical_flow, sample_images
from spatialjax.typing import HostArray
from spatialjax.vision import Stereo, left_eye, upright_stereo


@contextlib.contextmanager
def look_at(
    source: FieldSource, geometry: FieldGeometry, sound_start_s: float
) -> Iterator[Look | None]:
    """A function that gives pictures; None for a model or a source without any.

    Args:
      source: whose pictures are read, as far as the windows go.
      geometry: of the windows that look.
      sound_start_s: time of the first sample on the clock of its file.

    Raises:
      MediaError: the pictures cannot be read, here or while they are looked at, or
        optical flow is seen and OpenCV is missing.
    """
    if source.pictures is None or not geometry.num_images:
        yield None
        return
    start_s, rate_hz = source.pictures_start_s(sound_start_s), source.image_rate_hz
    images = sample_images(source.pictures, rate_hz, start_s, True)
    with contextlib.closing(images):
        stereo = upright_stereo(source.sphere, source.pictures)
        reach_s = geometry.image_spacing_s * (geometry.num_images - 1)
        pictures = _pictures(images, stereo, geometry)
        recent = Recent(pictures, int(reach_s * rate_hz) + 2)

        def look(times_s: HostArray) -> Seen:
            # A time that is a picture's begin up to rounding is within that picture.
            numbers = np.floor(times_s * rate_hz + 1e-6).astype(int)
            found, seen = zip(*(recent.at(int(n)) for n in numbers), strict=True)
            shown = {"images": np.stack([picture.image for picture in seen])}
            if geometry.has_flow:
                shown["flow"] = np.stack([picture.flow for picture in seen])
            return Seen(shown, (np.array(found) + 0.5) / rate_hz)

        yield look


class _Picture(NamedTuple):
    image: HostArray  # [h, w, 3] uint8
    flow: HostArray  # [h, w, 2] float16; all 0 where it is not seen


def _pictures(
    images: Iterator[Image.Image], stereo: Stereo, geometry: FieldGeometry
) -> Iterator[_Picture]:
    """The left eye of each picture in the size of the model, and the flow to it."""
    height, width = geometry.image_size
    last, resized = None, np.zeros((height, width, 3), np.uint8)
    still = np.zeros((height, width, 2), np.float16)
    for image in images:
        before, flow = resized, still
        if image is not last:
            eye = Image.fromarray(left_eye(np.asarray(image), stereo))
            small = eye.resize((width, height), Image.Resampling.BICUBIC)
            resized = np.asarray(small, np.uint8)
            if geometry.has_flow and last is not None:
                flow = optical_flow(resized, before)
        last = image
        yield _Picture(resized, flow)
