"""Films for players of spatial media: pictures of another film, and ambisonics."""

import heapq
import itertools
import operator
import pathlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple, cast

import av
import numpy as np

from spatialjax.errors import MediaError, check_shape
from spatialjax.media.chunks import rechunk
from spatialjax.media.container import FilePath
from spatialjax.media.film_pictures import (
    TimedPackets,
    copy_pictures,
    encode_pictures,
    open_pictures,
)
from spatialjax.media.film_writer import AAC_RATES_HZ, encoder_told
from spatialjax.media.new_file import replaced_file
from spatialjax.media.spatial_boxes import SoundField, SphericalPicture, sound_field_of
from spatialjax.media.spatial_metadata import (
    check_sphere,
    inject_spatial_metadata,
    read_spatial_metadata,
)

BIT_RATE_OF_CHANNEL = 128_000
"""Bits a second of each channel of a lossy codec."""


class FilmKind(NamedTuple):
    """The codecs that a kind of film takes; the first of the sounds is the default."""

    pictures: tuple[str, ...]
    sounds: tuple[str, ...]


_MP4_PICTURES = ("h264", "hevc", "av1", "vp9", "mpeg4")
FILM_KINDS = {
    ".mp4": FilmKind(_MP4_PICTURES, ("aac", "opus")),
    ".mov": FilmKind(
        ("h264", "hevc", "mpeg4", "mjpeg", "prores", "dnxhd"), ("pcm24", "pcm16")
    ),
    ".webm": FilmKind(("vp9", "av1"), ("opus",)),
    ".mkv": FilmKind(_MP4_PICTURES, ("opus",)),
}

_WITH_BOXES = (".mp4", ".mov")
"""Where boxes of our own tell of sphere and sound field."""

_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    # Both tools of AAC save bits by what a sound field lives on: intensity stereo
    # drops the phase between channels, noise substitution their correlation.
    "aac": ("aac", {"aac_is": "0", "aac_pns": "0"}),
    "opus": ("libopus", {"mapping_family": "2"}),  # RFC 8486
    "pcm16": ("pcm_s16le", {}),
    "pcm24": ("pcm_s24le", {}),
}


def write_spatial_film(
    path: FilePath,
    picture_source: FilePath,
    sound: Iterable[np.ndarray],
    sample_rate_hz: int,
    codec: str | None = None,
    sphere: SphericalPicture | None = None,
    sound_start_s: float | None = None,
    reencode: bool = False,
) -> None:
    """Write the pictures of a film with ambisonics, and state what players ask for.

    The pictures are copied packet by packet, at their times. An mp4 or mov is written
    twice, to get its boxes and its header in front: there has to be room for two. The
    film appears whole or not at all.

    Args:
      path: .mp4, .mov, .webm or .mkv.
      picture_source: any film; its sound is left out.
      sound: chunks ``[c, t]`` float32, AmbiX, at least one: c = (N+1)^2 for order N, or
        two more, which are head-locked stereo.
      sample_rate_hz: of the sound; Opus and AAC may turn it into another.
      codec: "aac" (order 1) or "opus" in .mp4, "pcm24" or "pcm16" in .mov, "opus" in
        the others; None takes the first that fits.
      sphere: how the sphere lies on the pictures; None keeps what the source states.
      sound_start_s: time of the first sample on the clock of `picture_source`, as
        `stream_audio` tells it; None is that of the first picture.
      reencode: encode the pictures anew as H.264, for an .mp4 or .mov that does not
        take them as they are.

    Raises:
      MediaError: a file cannot be read or written, is cut off, or codec, container,
        projection and number of channels do not go together.
      ShapeError: a chunk has other channels than the first.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in FILM_KINDS:
        raise MediaError(f"{path} is no film, expected {', '.join(FILM_KINDS)}")
    field, sound = _peek(sound, path)
    codec = _choose_codec(codec, suffix, field, path)
    sphere = sphere or read_spatial_metadata(picture_source).picture
    if sphere:
        check_sphere(sphere)
    with open_pictures(picture_source) as source, replaced_file(path) as part:
        check_pictures(source.codec, path, reencode)
        begin_s = source.start_s if sound_start_s is None else sound_start_s
        origin_s = min(begin_s, source.start_s)
        with encoder_told(path), av.open(f"file:{part}", "w") as target:
            if reencode:
                pictures = encode_pictures(source, target, origin_s)
            else:
                pictures = copy_pictures(source, target, sphere, origin_s)
            stream = _add_sound(target, codec, field, sample_rate_hz)
            sounds = _encode(sound, stream, sample_rate_hz, begin_s - origin_s)
            # By time, so that neither stream waits in memory for the other.
            for _, packets in heapq.merge(pictures, sounds, key=operator.itemgetter(0)):
                target.mux(packets)
        if suffix in _WITH_BOXES:
            inject_spatial_metadata(part, part, sphere, field, movie_first=True)


def _peek(
    sound: Iterable[np.ndarray], path: FilePath
) -> tuple[SoundField, Iterator[np.ndarray]]:
    """The sound field of the chunks, and the chunks."""
    chunks = iter(sound)
    first = next(chunks, None)
    if first is None:
        raise MediaError(f"{path} would have no sound")
    channels = check_shape("sound", first, "c t")["c"]
    field = sound_field_of(channels)
    if field is None:
        raise MediaError(
            f"{path} would have {channels} channels of sound, expected (order+1)^2, as "
            "4, 9 or 16, or two more with head-locked stereo"
        )
    return field, itertools.chain([first], chunks)


def _choose_codec(
    codec: str | None, suffix: str, field: SoundField, path: FilePath
) -> str:
    """The codec of the sound, which has to fit the container and the channels."""
    # AAC takes channels for loudspeakers, and cuts the treble of one among six.
    fitting = [
        name
        for name in FILM_KINDS[suffix].sounds
        if name != "aac" or field.num_channels == 4
    ]
    if codec is None:
        return fitting[0]
    if codec not in fitting:
        raise MediaError(
            f"{path} cannot hold {field.num_channels} channels as {codec!r}, expected "
            + " or ".join(map(repr, fitting))
        )
    return codec


def check_pictures(codec: str, path: FilePath, reencode: bool) -> None:
    """Refuse a film that cannot hold pictures of a codec, or encode them anew.

    Raises:
      MediaError: it cannot.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if reencode and suffix not in _WITH_BOXES:
        expected = " or ".join(_WITH_BOXES)
        raise MediaError(
            f"{path} cannot hold pictures encoded anew, expected {expected}"
        )
    if reencode or codec in FILM_KINDS[suffix].pictures:
        return
    others = [name for name, kind in FILM_KINDS.items() if codec in kind.pictures]
    raise MediaError(
        f"{path} cannot hold pictures of {codec}, expected "
        f"{', '.join(FILM_KINDS[suffix].pictures)}; "
        + (f"name the film {' or '.join(others)}, or " if others else "")
        + f"have them encoded anew (reencode) in {' or '.join(_WITH_BOXES)}"
    )


def _add_sound(
    target: av.container.OutputContainer, codec: str, field: SoundField, rate_hz: int
) -> av.AudioStream:
    encoder, options = _ENCODERS[codec]
    layout = f"ambisonic {field.order}" + "+stereo" * field.head_locked_stereo
    if codec == "aac":
        # YouTube takes this one of the layouts of four (google/spatial-media#117).
        layout = "4.0"
        rate_hz = next((r for r in AAC_RATES_HZ if r >= rate_hz), AAC_RATES_HZ[-1])
    if codec == "opus":
        rate_hz = 48000
    added = target.add_stream(encoder, rate=rate_hz, layout=layout, options=options)
    stream = cast(av.AudioStream, added)
    if codec == "opus":
        stream.codec_context.format = av.AudioFormat("flt")  # else 16 bits are enough
    if not codec.startswith("pcm"):
        stream.codec_context.bit_rate = BIT_RATE_OF_CHANNEL * field.num_channels
    return stream


def _encode(
    sound: Iterable[np.ndarray], stream: av.AudioStream, rate_hz: int, start_s: float
) -> TimedPackets:
    """The packets of the sound, a second after the other."""
    channels = stream.layout.nb_channels
    resampler = av.AudioResampler(stream.format, stream.layout, stream.sample_rate)
    num_samples = round(start_s * rate_hz)
    checked = (_checked(chunk, channels) for chunk in sound)
    for chunk in rechunk(checked, rate_hz):
        # One plane, since PyAV 18 miscounts those of eight channels and more.
        packed = np.ascontiguousarray(chunk.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", stream.layout)
        frame.sample_rate, frame.pts = rate_hz, num_samples
        frame.time_base = Fraction(1, rate_hz)
        for resampled in resampler.resample(frame):
            yield num_samples / rate_hz, stream.encode(resampled)
        num_samples += chunk.shape[1]
    # Without anything to convert, the end comes back as it went in.
    for rest in (*filter(None, resampler.resample(None)), None):
        yield num_samples / rate_hz, stream.encode(rest)


def _checked(chunk: np.ndarray, channels: int) -> np.ndarray:
    check_shape("sound", chunk, "c t", {"c": channels})
    return chunk
