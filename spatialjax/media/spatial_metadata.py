"""The sphere of the pictures and the ambisonics of the sound, as a file states them."""

import math
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from av.container import InputContainer

from spatialjax.errors import MediaError
from spatialjax.media.boxes import Box, holds_boxes, read_movie, rewrite_movie
from spatialjax.media.container import FilePath, open_media, picture_streams
from spatialjax.media.spatial_boxes import (
    SPHERICAL_V1,
    Projection,
    SoundField,
    SphericalPicture,
    StereoMode,
    parse_sa3d,
    parse_spherical,
    parse_spherical_v1,
    sa3d_box,
    sound_field_of,
    spherical_boxes,
    spherical_v1_box,
)

Value = TypeVar("Value")

_OPTIONAL_LAST = (b"pasp", b"clap")
"""What stands behind `st3d` and `sv3d` in a sample entry (Spherical Video V2 RFC)."""

_FFMPEG_PROJECTION = {
    0: Projection.EQUIRECTANGULAR,
    1: Projection.CUBEMAP,
    2: Projection.EQUIRECTANGULAR,  # with bounds
}
_FFMPEG_STEREO = {
    0: StereoMode.MONO,
    1: StereoMode.LEFT_RIGHT,
    2: StereoMode.TOP_BOTTOM,
}
"""By the values of libavutil's spherical.h and stereo3d.h."""

_INVERTED = {
    StereoMode.MONO: StereoMode.MONO,
    StereoMode.LEFT_RIGHT: StereoMode.RIGHT_LEFT,
}
"""The right eye first; above the left one, it has no name of its own."""


@dataclass(frozen=True)
class SpatialMetadata:
    """What a file tells players; None is a flat picture, or sound for loudspeakers."""

    picture: SphericalPicture | None = None
    sound: SoundField | None = None


def read_spatial_metadata(path: FilePath) -> SpatialMetadata:
    """The sphere and the sound field that a file states.

    In mp4 and mov the boxes are read, as version 2 of the pictures' metadata before
    version 1. Of other containers (webm, mkv, ogg, ...) it is what FFmpeg knows.

    Raises:
      MediaError: the file cannot be read, or is damaged.
    """
    if not holds_boxes(path):
        with open_media(path) as container:
            return SpatialMetadata(
                _picture_of_frame(container), _sound_of_layout(container)
            )
    movie = read_movie(path)
    pictures = map(_read_picture, _tracks(movie, b"vide"))
    sounds = map(_read_sound, _entries(_tracks(movie, b"soun")))
    return SpatialMetadata(_first(pictures), _first(sounds))


def inject_spatial_metadata(
    source: FilePath,
    target: FilePath,
    picture: SphericalPicture | None = None,
    sound: SoundField | None = None,
    movie_first: bool = False,
) -> None:
    """Write an mp4 or mov file that states its sphere and sound field.

    What the file stated before is replaced; nothing is encoded anew. The boxes are
    `st3d` and `sv3d`, the older `uuid` where it can say the same, and `SA3D`.

    Args:
      source: the file to copy.
      target: the new file, which may be `source`; it appears whole or not at all.
      picture: of the first picture track; None leaves that as it is.
      sound: of the first sound track with as many channels; None leaves it as it is.
      movie_first: put the header before the media, for players on the web.

    Raises:
      MediaError: a file cannot be read or written, there is no such track,
        the sphere or the field cannot be written, or see `rewrite_movie`.
    """
    if picture:
        check_sphere(picture)
    if sound:
        _check_field(sound)
    aac_channels = _aac_channels(source) if sound else {}

    def edit(movie: Box) -> None:
        if picture:
            _set_picture(movie, picture, source)
        if sound:
            _set_sound(movie, sound, aac_channels, source)

    rewrite_movie(source, target, edit, movie_first)


def check_sphere(picture: SphericalPicture) -> None:
    """Refuse a sphere that `inject_spatial_metadata` cannot write.

    Raises:
      MediaError: it is a mesh or another projection, or an angle or a bound is out of
        range.
    """
    allowed = (Projection.EQUIRECTANGULAR, Projection.CUBEMAP)
    if picture.projection not in allowed:
        raise MediaError(
            f"a sphere as {picture.projection!s} cannot be written, expected "
            + " or ".join(allowed)
        )
    angles_rad = (picture.yaw_rad, picture.pitch_rad, picture.roll_rad)
    if not all(abs(angle) <= 2 * math.pi for angle in angles_rad):
        raise MediaError(
            "the sphere is turned by "
            f"{', '.join(f'{angle:g}' for angle in angles_rad)} rad, expected angles "
            "within 2 pi"
        )
    top, bottom, left, right = picture.bounds
    leaves_some = top + bottom < 1 and left + right < 1
    if not (min(picture.bounds) >= 0 and leaves_some):
        raise MediaError(
            f"of the sphere {picture.bounds} is cut off (top, bottom, left, right), "
            "expected shares from 0 that leave something"
        )


def _check_field(sound: SoundField) -> None:
    expected = list(range(sound.num_channels))
    if sound.order < 1 or (sound.ordering, sound.normalization) != (0, 0):
        raise MediaError(
            f"a sound field of order {sound.order}, ordering {sound.ordering} and "
            f"normalization {sound.normalization} cannot be written, expected order 1 "
            "or more, 0 (ACN) and 0 (SN3D)"
        )
    if sound.channel_map and sorted(sound.channel_map) != expected:
        raise MediaError(
            f"channel_map {sound.channel_map} does not name each component from 0 to "
            f"{sound.num_channels - 1} once"
        )


def _set_picture(movie: Box, picture: SphericalPicture, path: FilePath) -> None:
    track = _first(_tracks(movie, b"vide"))
    if track is None:
        raise MediaError(f"{path} has no picture track")
    for entry in _entries([track]):
        _remove(entry, b"st3d", b"sv3d")
        kinds = [box.kind in _OPTIONAL_LAST for box in entry.children]
        place = kinds.index(True) if any(kinds) else len(kinds)
        entry.children[place:place] = spherical_boxes(picture)
    track.children = [
        box
        for box in track.children
        if not (box.kind == b"uuid" and box.fields.startswith(SPHERICAL_V1))
    ]
    if old := spherical_v1_box(picture):
        track.children.append(old)


def _set_sound(
    movie: Box, sound: SoundField, aac_channels: dict[int, int], path: FilePath
) -> None:
    tracks = list(_tracks(movie, b"soun"))
    found = [_num_channels(trak, aac_channels) for trak in tracks]
    if sound.num_channels not in found:
        raise MediaError(
            f"{path} has {', '.join(map(str, found)) or 'no'} sound channels, expected "
            f"{sound.num_channels} for order {sound.order}"
            + (" and head-locked stereo" if sound.head_locked_stereo else "")
        )
    track = tracks[found.index(sound.num_channels)]
    for entry in _entries([track]):
        for holder in (entry, *entry.find(b"wave")):
            _remove(holder, b"SA3D")
        entry.children.append(sa3d_box(sound))


def _remove(box: Box, *kinds: bytes) -> None:
    box.children = [child for child in box.children if child.kind not in kinds]


def _aac_channels(path: FilePath) -> dict[int, int]:
    """Channels of each AAC track by its id.

    Other tracks are not asked: where `SA3D` maps the channels of PCM, PyAV 18 frees
    their layout twice, which ends the process.
    """
    with open_media(path) as container:
        streams = (s for s in container.streams.audio if s.codec_context)
        aac = (s for s in streams if s.codec_context.name == "aac")
        return {stream.id: stream.codec_context.channels for stream in aac}


def _num_channels(trak: Box, aac_channels: dict[int, int]) -> int:
    """Channels of a sound track; the sample entry of AAC may state a wrong number."""
    entry = _first(_entries([trak])) or Box(b"")
    place = slice(40, 44) if len(entry.fields) == 64 else slice(16, 18)
    return aac_channels.get(_track_id(trak), int.from_bytes(entry.fields[place]))


def _track_id(trak: Box) -> int:
    """The id in the header of a track, whose times have 4 or 8 bytes."""
    header = _first(trak.find(b"tkhd"))
    if header is None or len(header.fields) < 24:
        return 0
    place = 20 if header.fields[0] else 12
    return int.from_bytes(header.fields[place : place + 4])


def _tracks(movie: Box, handler: bytes) -> Iterator[Box]:
    for trak in movie.find(b"trak"):
        if any(box.fields[8:12] == handler for box in trak.find(b"mdia", b"hdlr")):
            yield trak


def _entries(tracks: Iterable[Box]) -> Iterator[Box]:
    for trak in tracks:
        for stsd in trak.find(b"mdia", b"minf", b"stbl", b"stsd"):
            yield from stsd.children


def _read_picture(trak: Box) -> SphericalPicture | None:
    new = _first(map(parse_spherical, _entries([trak])))
    old = (parse_spherical_v1(box.fields) for box in trak.find(b"uuid"))
    return new or _first(old)


def _read_sound(entry: Box) -> SoundField | None:
    """What `SA3D` states; else the mapping family 2 of Opus (RFC 8486, `dOps` box)."""
    inside = (*entry.find(b"SA3D"), *entry.find(b"wave", b"SA3D"))
    opus = (box.fields for box in entry.find(b"dOps"))
    families = (sound_field_of(f[1]) for f in opus if f[10:11] == b"\2")
    return _first(parse_sa3d(box.fields) for box in inside) or _first(families)


def _picture_of_frame(container: InputContainer) -> SphericalPicture | None:
    """What FFmpeg attaches to the first picture: see AVSphericalMapping, AVStereo3D."""
    stream = _first(s for s in picture_streams(container) if s.codec_context)
    frame = stream and next(container.decode(stream), None)
    if not frame:
        return None
    try:
        side_data = frame.side_data
    except ValueError:  # PyAV 18 has no name for some kinds, as for the Exif of stills
        return None
    sphere: Any = side_data.get("SPHERICAL")
    if sphere is None:
        return None
    kind, yaw, pitch, roll = struct.unpack_from("=I3i", sphere)
    left, top, right, bottom = struct.unpack_from("=4I", sphere, 16)
    eyes: Any = side_data.get("STEREO3D") or bytes(8)
    mode, flags = struct.unpack_from("=Ii", eyes)
    stereo = _FFMPEG_STEREO.get(mode, StereoMode.CUSTOM)
    if flags & 1:  # the right eye first
        stereo = _INVERTED.get(stereo, StereoMode.CUSTOM)
    return SphericalPicture(
        _FFMPEG_PROJECTION.get(kind, Projection.OTHER),
        stereo,
        math.radians(yaw / 65536),
        math.radians(pitch / 65536),
        math.radians(roll / 65536),
        (top / 2**32, bottom / 2**32, left / 2**32, right / 2**32),
    )


def _sound_of_layout(container: InputContainer) -> SoundField | None:
    """The sound field of Opus with mapping 2, by FFmpeg's name of its layout."""
    contexts = (s.codec_context for s in container.streams.audio if s.codec_context)
    opus = _first(c for c in contexts if c.codec.canonical_name == "opus")
    found = opus and re.fullmatch(r"ambisonic (\d+)(\+stereo)?", opus.layout.name)
    return SoundField(int(found[1]), bool(found[2])) if found else None


def _first(values: Iterable[Value | None]) -> Value | None:
    return next((value for value in values if value is not None), None)
