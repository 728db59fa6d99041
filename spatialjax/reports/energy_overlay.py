"""Films of the sphere with the energy of a sound field over their pictures."""

import contextlib
import dataclasses
import enum
import functools
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator

import numpy as np
from PIL import Image

from spatialjax.ambisonics import (
    order_of,
)
from spatialjax.errors import ConfigError, MediaError, check_choice
from spatialjax.inference.field_ears import binaural_chunks, stereo_chunks
from spatialjax.media import (
    AudioReader,
    SphericalPicture,
    probe,
    read_spatial_metadata,
    rechunk,
    sample_images,
    stream_ambix,
    write_film,
)
from spatialjax.media.container import FilePath
from spatialjax.reports.energy_looks import PublishedLook, UniformLook
from spatialjax.typing import HostArray
from spatialjax.vision import Stereo, has_sphere_aspect, left_eye, upright_stereo

OpenField = Callable[[], contextlib.AbstractContextManager[AudioReader]]
"""Opens a sound field at its beginning."""

PUBLISHED_RATE_HZ = 10.0
LEAST_IMAGE_RATE_HZ, MOST_IMAGE_RATE_HZ = 10.0, 30.0
"""Fast enough for the energy, however still the pictures are, and for any eye."""

PEAK = 0.95
"""Of the sound, as in the preview of the published system."""

SOUND_BLOCK = 8192
"""Samples of a chunk of the sound."""


class OverlayLook(enum.StrEnum):
    """PUBLISHED: `PublishedLook`, at 10 pictures a second. UNIFORM: `UniformLook`."""

    PUBLISHED = "published"
    UNIFORM = "uniform"


def write_energy_overlay(
    path: FilePath,
    picture_source: FilePath,
    ambix_wav: FilePath,
    look: OverlayLook = OverlayLook.UNIFORM,
    *,
    start_s: float | None = None,
    duration_s: float | None = None,
    sphere: SphericalPicture | None = None,
    filters: HostArray | None = None,
    height: int = 720,
    time_constant_s: float = 0.25,
) -> None:
    """Write a film of the sphere that shows where a sound field comes from.

    Its sound is the field for two ears, at one gain. The field is read several times,
    since level and colours are relative to the loudest; no more than seconds of it are
    in memory. The film appears whole or not at all.

    Args:
      path: the mp4 file.
      picture_source: a film or a still picture of the sphere; its last picture stays as
        long as there is sound. Of a stereo film the left eye is shown.
      ambix_wav: the field, of order 1 or more, as `stream_ambix` reads it.
      look: of the overlay.
      start_s: time of the first sample on the clock of `picture_source`; None is that
        of its first picture.
      duration_s: most seconds of the field to show; None for all.
      sphere: how the sphere lies on the pictures; None takes what the file states, else
        pictures twice as wide as high for the whole sphere.
      filters: of both ears, [2, c, taps], at the rate of the field, for binaural sound;
        None plays two opposite cardioids, W + Y and W - Y.
      height: most rows of a picture.
      time_constant_s: of the smoothing of `UniformLook`.

    Raises:
      MediaError: a file cannot be read or written, the sound is no sound field or is
        empty, or the pictures are none of the sphere.
      ConfigError: a number is not positive.
      ShapeError: the filters are for another number of channels.
    """
    look = check_choice("look", look, OverlayLook)
    _check_numbers(height, duration_s)
    stereo = _stereo(picture_source, sphere)
    field = functools.partial(_field, ambix_wav, duration_s)
    gain, length_s = _gain_and_length_s(field, filters)
    painter = _painter(look, field, time_constant_s)
    image_rate_hz = _image_rate_hz(picture_source, look)
    num_images = max(1, math.ceil(length_s * image_rate_hz))
    images = _pictures(
        picture_source, image_rate_hz, start_s, num_images, stereo, height
    )
    with contextlib.closing(images), field() as seen, field() as heard:
        maps = _at_pictures(painter.maps(seen.chunks), painter.map_s, image_rate_hz)
        shown = (np.asarray(image) for image in map(painter.draw, images, maps))
        sound = (gain * ears for ears in _ears(heard.chunks, filters))
        write_film(path, shown, image_rate_hz, sound, heard.sample_rate_hz)


def _check_numbers(height: int, duration_s: float | None) -> None:
    if height < 2 or not (duration_s is None or 0 < duration_s < math.inf):
        raise ConfigError(
            f"height is {height} and duration_s is {duration_s}; a film needs 2 rows, "
            "and a time above 0"
        )


def _stereo(path: FilePath, sphere: SphericalPicture | None) -> Stereo:
    """Which eyes the pictures of a file hold, once they are known to be of the sphere.

    Raises:
      MediaError: they are no upright equirectangular pictures all round.
    """
    with contextlib.closing(sample_images(path, 1.0, None, True)) as images:
        width, height = next(images).size
    sphere = sphere or read_spatial_metadata(path).picture
    if sphere is None:
        if not has_sphere_aspect(height, width):
            raise MediaError(
                f"{path} has pictures of {width}x{height} pixels and states no sphere; "
                "a 360 degree picture is twice as wide as high"
            )
        return Stereo.MONO
    return upright_stereo(sphere, path)


@contextlib.contextmanager
def _field(path: FilePath, duration_s: float | None) -> Iterator[AudioReader]:
    """A sound field while it is read, up to a time."""
    with stream_ambix(path) as reader:
        chunks = rechunk(reader.chunks, SOUND_BLOCK)
        if duration_s is not None:
            chunks = _first(chunks, max(1, round(duration_s * reader.sample_rate_hz)))
        yield dataclasses.replace(reader, chunks=chunks)


def _first(chunks: Iterable[HostArray], num_samples: int) -> Iterator[HostArray]:
    for chunk in chunks:
        yield chunk[:, :num_samples]
        num_samples -= chunk.shape[1]
        if num_samples <= 0:
            return


def _painter(
    look: OverlayLook, field: OpenField, time_constant_s: float
) -> PublishedLook | UniformLook:
    """The look for a field; 0 dB is its loudest place and time."""
    with field() as reader:
        rate_hz, order = reader.sample_rate_hz, order_of(reader.channels)
        if look is OverlayLook.PUBLISHED:
            return PublishedLook(rate_hz)
        maps = UniformLook(rate_hz, order, time_constant_s).maps(reader.chunks)
        loudest = max(float(energy.max()) for energy in maps)
    return UniformLook(rate_hz, order, time_constant_s, loudest)


def _gain_and_length_s(
    field: OpenField, filters: HostArray | None
) -> tuple[float, float]:
    """The gain that brings the sound to `PEAK`, and its length.

    Raises:
      MediaError: there is none.
    """
    peak, num_samples = 0.0, 0
    with field() as reader:
        for ears in _ears(reader.chunks, filters):
            peak = max(peak, float(np.abs(ears).max()))
            num_samples += ears.shape[1]
    if not num_samples:
        raise MediaError(f"{reader.name} has no samples")
    return PEAK / peak if peak else 1.0, num_samples / reader.sample_rate_hz


def _ears(
    chunks: Iterable[HostArray], filters: HostArray | None
) -> Iterator[HostArray]:
    """Sound of both ears ``[2, t]`` of chunks of a field."""
    if filters is None:
        return stereo_chunks(chunks)
    return binaural_chunks(chunks, filters)


def _image_rate_hz(path: FilePath, look: OverlayLook) -> float:
    if look is OverlayLook.PUBLISHED:
        return PUBLISHED_RATE_HZ
    stated_hz = probe(path).video[0].image_rate_hz or MOST_IMAGE_RATE_HZ
    return min(max(stated_hz, LEAST_IMAGE_RATE_HZ), MOST_IMAGE_RATE_HZ)


def _pictures(
    path: FilePath,
    rate_hz: float,
    start_s: float | None,
    num_images: int,
    stereo: Stereo,
    most_height: int,
) -> Generator[Image.Image, None, None]:
    """Pictures of even height, twice as wide; the last one stays."""
    last, picture, num_given = None, Image.new("RGB", (4, 2)), 0
    with contextlib.closing(sample_images(path, rate_hz, start_s, True)) as images:
        for image in itertools.islice(images, num_images):
            if image is not last:
                eye = Image.fromarray(left_eye(np.asarray(image), stereo))
                height = max(2, min(eye.height, most_height) // 2 * 2)
                picture = eye.resize((2 * height, height), Image.Resampling.BICUBIC)
            last, num_given = image, num_given + 1
            yield picture
    yield from itertools.repeat(picture, num_images - num_given)


def _at_pictures(
    maps: Iterator[HostArray], map_s: float, image_rate_hz: float
) -> Iterator[HostArray]:
    """The map of the middle of each picture's time, without end.

    Between the middles of two maps it changes evenly from one to the other; before the
    first and after the last it stays.
    """
    before = after = next(maps)
    index = 0  # of the later one
    for image in itertools.count():
        place = (image + 0.5) / image_rate_hz / map_s - 0.5
        while index < place:
            before, after, index = after, next(maps, after), index + 1
        share = min(max(place - index + 1, 0), 1)
        yield before + share * (after - before)
