"""The pictures of a film for another one: copied packet by packet, or encoded anew."""

import contextlib
import itertools
import pathlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import av
from av.container import InputContainer, OutputContainer

from spatialjax.errors import MediaError
from spatialjax.media.container import (
    FilePath,
    first_decodable,
    open_container,
    picture_streams,
    reason,
    stream_duration_s,
)
from spatialjax.media.spatial_boxes import SphericalPicture
from spatialjax.media.spatial_metadata import inject_spatial_metadata

TimedPackets = Iterator[tuple[float, list[av.Packet]]]
"""What goes into a film, with its time in seconds, in order of time."""

Item = TypeVar("Item", av.Packet, av.VideoFrame)

_MOST_HELD = 64
"""Packets to wait for a first decoding time; pictures refer to 16 others at most."""


@dataclass(frozen=True)
class PictureSource:
    """The pictures of an open film.

    Attributes:
      path: the film.
      container: the open file.
      stream: its first moving pictures.
      codec: the common name of their codec, as "h264" or "av1".
      time_base: seconds of a tick of their times.
      start_s: time of the first picture on the clock of the film.
    """

    path: FilePath
    container: InputContainer
    stream: av.VideoStream
    codec: str
    time_base: Fraction
    start_s: float


@contextlib.contextmanager
def open_pictures(path: FilePath) -> Iterator[PictureSource]:
    """The pictures of a film, open as long as the context lasts.

    Raises:
      MediaError: no file, no pictures, no decoder.
    """
    with open_container(path) as container:
        stream = first_decodable(picture_streams(container), path, "picture")
        codec = stream.codec_context.codec.canonical_name
        base = stream.time_base or Fraction(1, 1000)
        start_s = float((stream.start_time or 0) * base)
        yield PictureSource(path, container, stream, codec, base, start_s)


def copy_pictures(
    source: PictureSource,
    target: OutputContainer,
    sphere: SphericalPicture | None,
    origin_s: float,
) -> TimedPackets:
    """The packets of the pictures for a stream that `target` gets at once.

    Args:
      source: the pictures.
      target: a film without a packet yet.
      sphere: what a Matroska target states; None keeps what the source states.
      origin_s: the time of the source that becomes zero.

    Raises:
      MediaError: while it is read: the source is damaged, cut off or has no times.
    """
    with contextlib.ExitStack() as stack:
        template = source.stream
        if sphere and target.format.name in ("webm", "matroska"):
            template = stack.enter_context(_with_sphere(source, sphere))
        copy = target.add_stream_from_template(template, opaque=True)
    # Else Matroska states a rate that is the clock's, as 12800 pictures a second.
    copy.codec_context.framerate = source.stream.average_rate or Fraction(25)
    if source.codec == "hevc" and target.format.name in ("mp4", "mov"):
        copy.codec_context.codec_tag = "hvc1"  # Apple's players know no "hev1"
    # The last packet of PyAV is empty and ends the stream.
    packets = (p for p in source.container.demux(source.stream) if p.size)
    timed = _with_decoding_times(_whole(source, packets), source)
    return _shifted(timed, copy, source.time_base, origin_s)


def encode_pictures(
    source: PictureSource, target: OutputContainer, origin_s: float
) -> TimedPackets:
    """As `copy_pictures`, but decoded and encoded as H.264, of even height and width.

    Raises:
      MediaError: while it is read: the source is damaged, cut off or has no pictures.
    """
    frames = _whole(source, source.container.decode(source.stream))
    first = next(frames, None)
    if first is None:
        raise MediaError(f"{source.path} has no pictures")
    rate = source.stream.average_rate or Fraction(25)
    stream = target.add_stream("libx264", rate=rate)
    stream.width, stream.height = first.width // 2 * 2, first.height // 2 * 2
    stream.pix_fmt = "yuv420p"
    stream.options = {"preset": "veryfast", "crf": "18"}
    stream.codec_context.time_base = source.time_base
    aspect = source.stream.sample_aspect_ratio or Fraction(1)
    stream.codec_context.sample_aspect_ratio = aspect
    if first.rotation:
        stream.set_display_rotation(first.rotation)
    every = itertools.chain([first], frames)
    return _encoded(every, stream, source.time_base, origin_s)


def _encoded(
    frames: Iterable[av.VideoFrame],
    stream: av.VideoStream,
    time_base: Fraction,
    origin_s: float,
) -> TimedPackets:
    time_s, shift = 0.0, round(origin_s / time_base)
    for frame in frames:
        fitted = frame.reformat(stream.width, stream.height, "yuv420p")
        fitted.pts, fitted.time_base = (frame.pts or 0) - shift, time_base
        fitted.pict_type = 0  # the encoder decides, not the source
        time_s = float(fitted.pts * time_base)
        yield time_s, stream.encode(fitted)
    yield time_s, stream.encode(None)


def _shifted(
    packets: Iterable[av.Packet],
    copy: av.VideoStream,
    time_base: Fraction,
    origin_s: float,
) -> TimedPackets:
    shift = round(origin_s / time_base)
    for packet in packets:
        packet.pts, packet.dts = (packet.pts or 0) - shift, (packet.dts or 0) - shift
        packet.stream = copy
        yield float(packet.dts * time_base), [packet]


def _whole(source: PictureSource, items: Iterable[Item]) -> Iterator[Item]:
    """Packets or frames of the source as they come.

    Raises:
      MediaError: the source is damaged, ends long before its header says, or has one
        without a time.
    """
    end_s = source.start_s
    try:
        for item in items:
            if item.pts is None:
                raise _without_times(source)
            end = item.pts + (item.duration or 0)
            end_s = max(end_s, float(end * source.time_base))
            yield item
    except av.error.FFmpegError as error:
        raise MediaError(f"{source.path} cannot be read: {reason(error)}") from error
    stated_s = stream_duration_s(source.stream)
    found_s = end_s - source.start_s
    if stated_s is not None and found_s < 0.95 * stated_s - 0.5:
        raise MediaError(
            f"{source.path} is cut off after {found_s:.3f} s of {stated_s:.3f} s"
        )


def _without_times(source: PictureSource) -> MediaError:
    return MediaError(
        f"{source.path} does not tell the times of its pictures; make it an mp4 first"
    )


def _with_decoding_times(
    packets: Iterable[av.Packet], source: PictureSource
) -> Iterator[av.Packet]:
    """Packets with a decoding time, which Matroska leaves out of the first ones.

    They get one before that of the first that has it, each a picture's duration apart.
    """
    packets = iter(packets)
    held: list[av.Packet] = []
    for packet in itertools.islice(packets, _MOST_HELD):
        held.append(packet)
        if packet.dts is not None:
            break
    times = [packet.pts for packet in held] + [packet.dts for packet in held[-1:]]
    dts = min((time for time in times if time is not None), default=0)
    for packet in reversed(held):
        packet.dts = dts
        dts -= packet.duration or 1
    yield from held
    for packet in packets:
        if packet.dts is None:
            raise _without_times(source)
        yield packet


@contextlib.contextmanager
def _with_sphere(
    source: PictureSource, sphere: SphericalPicture
) -> Iterator[av.VideoStream]:
    """The stream, stating a sphere.

    PyAV gives no way to set one, but reads it from an mp4: so an mp4 of one picture is
    made.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "one.mp4"
        with open_pictures(source.path) as again, av.open(str(path), "w") as target:
            for _, packets in itertools.islice(
                copy_pictures(again, target, None, 0), 1
            ):
                target.mux(packets)
        inject_spatial_metadata(path, path, sphere)
        with open_pictures(path) as stating:
            yield stating.stream
