"""Pictures of a 360 degree video, of any form, as small equirectangular ones."""

import enum
import functools
from dataclasses import dataclass

import numpy as np
from PIL import Image

from spatialjax.errors import MediaError
from spatialjax.vision import (
    Cube,
    Equirect,
    Projection,
    Stereo,
    Taps,
    left_eye,
    resampling_taps,
    sample,
    shrunk_size,
)

ASPECT_TOLERANCE = 0.02
"""Relative; sizes of videos are even numbers, often multiples of 16."""


class SphereProjection(enum.StrEnum):
    """How a video shows the sphere: equirectangular, or by YouTube's EAC."""

    ER = "er"
    EAC = "eac"


@dataclass(frozen=True)
class SphereForm:
    """Projection and eyes of the pictures of a video."""

    projection: SphereProjection = SphereProjection.ER
    stereo: Stereo = Stereo.MONO


def equirect_picture(
    picture: Image.Image, form: SphereForm, height: int
) -> Image.Image:
    """The left eye of a picture as equirectangular RGB, `height` x 2 `height` pixels.

    It is averaged over areas to the wanted fineness, then read between its pixels once.

    Raises:
      MediaError: the picture is too small.
    """
    eye = left_eye(np.asarray(picture.convert("RGB")), form.stereo)
    size, wanted = (eye.shape[0], eye.shape[1]), (height, 2 * height)
    if min(size) < 8:
        raise MediaError(f"a picture of {size[1]} x {size[0]} pixels is too small")
    source = _source(form.projection)
    small = shrunk_size(source, Equirect(), size, wanted)
    if small != size:
        shrunk = Image.fromarray(eye).resize(small[::-1], Image.Resampling.BOX)
        eye = np.asarray(shrunk)
    if form.projection != SphereProjection.ER or small != wanted:
        taps = _taps(form.projection, small, wanted)
        eye = np.rint(sample(eye, taps)).astype(np.uint8)
    return Image.fromarray(eye)


def check_sphere(picture: Image.Image, name: object) -> None:
    """Refuse a picture that cannot be equirectangular, seen by one eye.

    Raises:
      MediaError: it is not twice as wide as high.
    """
    width, height = picture.size
    if abs(width / (2 * height) - 1) > ASPECT_TOLERANCE:
        raise MediaError(
            f"{name}: {width} x {height} pixels are no equirectangular picture of the "
            "whole sphere, which is twice as wide as high; make one of an EAC or "
            "stereo video by launch.preprocess --kind=ambisonics"
        )


def _source(projection: SphereProjection) -> Projection:
    is_eac = projection == SphereProjection.EAC
    return Cube(equi_angular=True) if is_eac else Equirect()


@functools.lru_cache(maxsize=4)
def _taps(
    projection: SphereProjection, size: tuple[int, int], wanted: tuple[int, int]
) -> Taps:
    """The taps of all pictures of a video."""
    return resampling_taps(_source(projection), Equirect(), size, wanted)
