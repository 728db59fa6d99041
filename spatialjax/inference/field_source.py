"""Sound and pictures of the sphere, checked before anything slow starts."""

import contextlib
import pathlib
from dataclasses import dataclass

from spatialjax.errors import MediaError
from spatialjax.media import (
    SphericalPicture,
    probe,
    read_spatial_metadata,
    sample_images,
    sound_field_of,
    stream_audio,
)
from spatialjax.media.container import FilePath
from spatialjax.media.images import IMAGE_SUFFIXES
from spatialjax.vision import has_sphere_aspect, upright_stereo

IMAGE_RATE_HZ = 10.0
"""Pictures a second that are looked at, or fewer where a film has fewer: as stored in
the datasets of sound fields, so that optical flow is between the same pictures."""


@dataclass(frozen=True)
class FieldSource:
    """What a sound field is made of.

    Attributes:
      sound: file of a mono or stereo sound.
      pictures: file of a film or of a still picture, perhaps the same; None for none.
      sample_rate_hz: of the sound.
      duration_s: of the sound; None where the header does not tell.
      sphere: how it lies on the pictures, as these state or as is taken for granted.
      image_rate_hz: pictures a second to look at.
      notes: lines that a user should know.
    """

    sound: str
    pictures: str | None
    sample_rate_hz: int
    duration_s: float | None
    sphere: SphericalPicture
    image_rate_hz: float
    notes: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """What is read."""
        return (self.sound, self.pictures) if self.pictures else (self.sound,)

    @property
    def is_still(self) -> bool:
        """Whether there is one picture only."""
        return _is_still(self.pictures or "")

    def pictures_start_s(self, sound_start_s: float) -> float | None:
        """When the sound begins on the clock of the pictures; None: with the first."""
        return sound_start_s if self.pictures == self.sound else None


def open_field_source(
    path: FilePath,
    image: FilePath | None = None,
    *,
    is_seen: bool = True,
    assume_360: bool = False,
) -> FieldSource:
    """The sound of a file, with its own pictures or with others.

    Args:
      path: any file with a mono or stereo sound.
      image: film or still picture to see instead of those of `path`; a film begins
        with the sound.
      is_seen: whether pictures are needed; where not, none are opened.
      assume_360: take pictures of any shape that state no sphere for equirectangular
        ones of all of it.

    Raises:
      MediaError: a file cannot be read, the sound has other channels, there are no
        pictures, or none of the whole sphere, or an image that nobody sees.
    """
    if image and not is_seen:
        raise MediaError(
            f"{image} would be seen by nobody: the model does not look, and no film is "
            "written"
        )
    sound = str(path)
    with stream_audio(sound) as reader:
        _check_channels(reader.name, reader.channels)
        rate_hz, notes = reader.sample_rate_hz, []
    if reader.channels == 2:
        notes.append("the sound is stereo; the field is made of the mean of both sides")
    info = probe(sound)
    pictures = (str(image) if image else sound) if is_seen else None
    sphere, image_rate_hz = SphericalPicture(), IMAGE_RATE_HZ
    if pictures is not None:
        streams = (probe(pictures) if image else info).video
        if not streams:
            raise MediaError(
                f"{pictures} has no pictures; name a 360 degree film or a still "
                "picture that shows the place (--image)"
            )
        image_rate_hz = min(streams[0].image_rate_hz or IMAGE_RATE_HZ, IMAGE_RATE_HZ)
        sphere, note = _sphere_of(pictures, assume_360)
        notes += [note] if note else []
    return FieldSource(
        sound, pictures, rate_hz, info.duration_s, sphere, image_rate_hz, tuple(notes)
    )


def _is_still(path: str) -> bool:
    return pathlib.Path(path).suffix.lower() in IMAGE_SUFFIXES


def _check_channels(name: str, channels: int) -> None:
    if channels <= 2:
        return
    advice = "mix it down first"
    if channels == 3:
        advice = "W, X and Y are a sound field without Z: give W alone, as mono"
    elif (field := sound_field_of(channels)) and not field.head_locked_stereo:
        advice = "if it is a sound field already, give its first channel alone, as mono"
    raise MediaError(f"{name} has {channels} channels, expected 1 or 2; {advice}")


def _sphere_of(path: str, assume_360: bool) -> tuple[SphericalPicture, str | None]:
    """How the sphere lies on the pictures, and what to tell of that."""
    stated = read_spatial_metadata(path).picture
    if stated is not None:
        upright_stereo(stated, path)
        return stated, None
    with contextlib.closing(sample_images(path, IMAGE_RATE_HZ, None, True)) as images:
        width, height = next(images).size
    size = f"{path} has pictures of {width}x{height} pixels"
    if assume_360:
        return SphericalPicture(), f"{size}, taken for the whole sphere as told"
    if not has_sphere_aspect(height, width):
        raise MediaError(
            f"{size} and states no sphere; a 360 degree picture is twice as wide as "
            "high. If it is one all the same, say --assume_360"
        )
    return SphericalPicture(), f"{size} and states no sphere; by its shape it is one"
