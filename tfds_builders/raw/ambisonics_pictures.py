"""Pictures of a 360 degree video, of any form, as small equirectangular ones."""

import enum
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath
from spatialjax.media.spatial_metadata import read_spatial_metadata
from spatialjax.vision import (
    Cube,
    Equirect,
    Projection,
    Stereo,
    Taps,
    has_sphere_aspect,
    left_eye,
    resampling_taps,
    sample,
    shrunk_size,
    upright_stereo,
)


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


def sphere_pictures(
    pictures: Iterable[Image.Image],
    video: FilePath,
    form: SphereForm | None,
    height: int,
) -> Iterator[Image.Image]:
    """The pictures of a video as small equirectangular ones; again for again.

    Args:
      pictures: of the video, as they are shown.
      video: its path.
      form: of the pictures; None is what the file states, or else one eye.
      height: of the results; their width is twice that.

    Raises:
      MediaError: the form is none that can be read, or nothing tells it and the
        pictures are not twice as wide as high.
    """
    stated = form or _stated_form(video)
    last, small = None, Image.new("RGB", (0, 0))
    for picture in pictures:
        if picture is not last:
            if stated is None:
                check_sphere(picture, video)
            small = equirect_picture(picture, stated or SphereForm(), height)
        last = picture
        yield small


def _stated_form(video: FilePath) -> SphereForm | None:
    """The form that a video itself states, None where it is silent.

    Raises:
      MediaError: it cannot be read here.
    """
    stated = read_spatial_metadata(video).picture
    if stated is None:
        return None
    try:
        return SphereForm(SphereProjection.ER, upright_stereo(stated, video))
    except MediaError as error:
        raise MediaError(
            f"{error}; if you know better, tell launch.preprocess --kind=ambisonics "
            "its --projection"
        ) from error


def check_sphere(picture: Image.Image, name: object) -> None:
    """Refuse a picture that cannot be equirectangular, seen by one eye.

    Raises:
      MediaError: it is not twice as wide as high.
    """
    width, height = picture.size
    if not has_sphere_aspect(height, width):
        raise MediaError(
            f"{name}: {width} x {height} pixels are no equirectangular picture of the "
            "whole sphere, which is twice as wide as high; an EAC or stereo video "
            "becomes one in launch.preprocess --kind=ambisonics, told by --projection "
            "and --stereo"
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
