"""What players will make of a film, told from the written file itself."""

from collections.abc import Iterator

import av

from spatialjax.media.container import (
    FilePath,
    first_decodable,
    open_media,
    picture_streams,
    stream_duration_s,
)
from spatialjax.media.spatial_boxes import (
    Projection,
    SoundField,
    SphericalPicture,
    StereoMode,
)
from spatialjax.media.spatial_metadata import SpatialMetadata, read_spatial_metadata

WARNING = "warning: "
"""What a line begins with that tells of a player that will not do what is hoped."""

MOST_DIFFERENCE_S = 0.1
"""How much longer sound or pictures may last before it is told."""


def describe_for_players(path: FilePath) -> list[str]:
    """Lines for a person: pictures, sound, and a warning for each thing in the way.

    What YouTube takes is from its help page on spatial audio: first order, with or
    without head-locked stereo, of 48 kHz.

    Raises:
      MediaError: the file cannot be read, or lacks pictures or sound.
    """
    found = read_spatial_metadata(path)
    with open_media(path) as container:
        picture = first_decodable(picture_streams(container), path, "picture")
        sound = first_decodable(container.streams.audio, path, "sound")
        durations_s = [stream_duration_s(picture), stream_duration_s(sound)]
        codec = picture.codec_context
        lines = [
            f"pictures: {codec.codec.canonical_name} {codec.width}x{codec.height}, "
            f"{float(picture.average_rate or 0):.3f} a second, "
            f"{_told(durations_s[0])}, {_told_sphere(found.picture)}",
            f"sound: {sound.codec_context.codec.canonical_name} "
            f"{sound.codec_context.sample_rate} Hz, "
            f"{_told(durations_s[1])}, {_told_field(found.sound)}",
        ]
        warnings = [
            *_sphere_warnings(found.picture, codec.width, codec.height),
            *_sound_warnings(found, sound),
        ]
    known_s = [value for value in durations_s if value is not None]
    if known_s and max(known_s) - min(known_s) > MOST_DIFFERENCE_S:
        warnings.append(
            f"pictures and sound last {known_s[0]:.3f} and {known_s[-1]:.3f} s"
        )
    return lines + [WARNING + text for text in warnings]


def _told_sphere(picture: SphericalPicture | None) -> str:
    return f"{picture.projection}, {picture.stereo}" if picture else "flat"


def _told_field(field: SoundField | None) -> str:
    if field is None:
        return "no sound field"
    order = "ACN" if field.ordering == 0 else f"ordering {field.ordering}"
    norm = "SN3D" if field.normalization == 0 else f"norm {field.normalization}"
    stereo = " and head-locked stereo" if field.head_locked_stereo else ""
    return f"ambisonics of order {field.order}{stereo}, {order}, {norm}"


def _sphere_warnings(
    picture: SphericalPicture | None, width: int, height: int
) -> Iterator[str]:
    if picture is None:
        yield "no sphere is stated, so every player shows the pictures flat"
        return
    if picture.projection in (Projection.MESH, Projection.OTHER):
        yield f"few players know pictures on a sphere as {picture.projection}"
    # The halves of stereo pictures may be squeezed, so their shape tells nothing.
    is_whole = (picture.projection, picture.stereo, any(picture.bounds)) == (
        Projection.EQUIRECTANGULAR,
        StereoMode.MONO,
        False,
    )
    if is_whole and abs(width / height - 2) > 0.04:
        yield f"{width}x{height} pixels are not 2:1, so the sphere looks stretched"


def _sound_warnings(found: SpatialMetadata, sound: av.AudioStream) -> Iterator[str]:
    field, codec = found.sound, sound.codec_context
    if field is None:
        yield (
            "no sound field is stated (SA3D, or Opus of mapping family 2), so YouTube "
            "and VLC take the channels for loudspeakers"
        )
        return
    if field.channel_map or field.ordering or field.normalization:
        yield (
            "the channels are no AmbiX (W Y Z X, ACN, SN3D), and players differ in "
            "what they make of others"
        )
    if field.order > 1:
        yield f"YouTube plays order 1 only, this is {field.order}; VLC plays up to 3"
    if codec.sample_rate != 48000:
        yield f"YouTube asks for 48000 Hz, this is {codec.sample_rate}"
    # PyAV is asked for the layout of AAC alone: see `spatial_metadata._aac_channels`.
    if codec.name == "aac" and codec.layout.name != "4.0":
        yield (
            f"AAC in the layout {codec.layout.name!r} is refused by YouTube, which "
            "expects '4.0'"
        )


def _told(duration_s: float | None) -> str:
    return "of unknown length" if duration_s is None else f"{duration_s:.3f} s"
