"""Media files opened in this process, and what they hold."""

import contextlib
import pathlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike, strerror
from typing import TypeVar

import av
from av.container import InputContainer
from av.stream import Disposition

from spatialjax.errors import MediaError

FilePath = str | PathLike[str]
Stream = TypeVar("Stream", av.AudioStream, av.VideoStream)

_TAGGED_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass(frozen=True)
class AudioStream:
    """One sound stream; `duration_s` is None where the container does not tell."""

    index: int
    codec: str
    sample_rate_hz: int
    channels: int
    layout: str
    duration_s: float | None


@dataclass(frozen=True)
class VideoStream:
    """One picture stream; the size is that of the coded picture, before rotation."""

    index: int
    codec: str
    width: int
    height: int
    image_rate_hz: float | None
    duration_s: float | None


@dataclass(frozen=True)
class MediaInfo:
    """The streams of a file that can be decoded, cover pictures left out."""

    path: pathlib.Path
    container: str
    duration_s: float | None
    audio: tuple[AudioStream, ...]
    video: tuple[VideoStream, ...]


@contextlib.contextmanager
def open_media(path: FilePath) -> Iterator[InputContainer]:
    """A media file opened for reading; each failure inside names the file.

    Raises:
      MediaError: there is no such file, or it cannot be read as media.
    """
    with open_container(path) as container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise MediaError(f"{path} cannot be read: {reason(error)}") from error


def open_container(path: FilePath) -> InputContainer:
    """A media file opened for reading; leaving it as a context closes it.

    Raises:
      MediaError: there is no such file, or it cannot be read as media.
    """
    path = pathlib.Path(path)
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise MediaError(f"{path} {what}, expected a media file")
        # The prefix keeps a name with a colon from being taken for a protocol.
        container = av.open(f"file:{path}", metadata_errors="ignore")
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be read: {reason(error)}") from error
    for stream in container.streams.audio:
        if stream.codec_context:
            _forget_custom_layout(stream.codec_context)
    return container


def _forget_custom_layout(codec: av.AudioCodecContext) -> None:
    """Leave the number alone of channels whose layout is a list of its own.

    Such as the ambisonic components of `SA3D` out of order. PyAV 18 copies a layout
    without that list, and frees the list for each copy, which ends the process. Here it
    is let go by the codec before the only copy frees it.
    """
    layout = codec.layout
    if " channels (" in layout.name:
        codec.layout = f"{layout.nb_channels} channels"


def probe(path: FilePath) -> MediaInfo:
    """The streams, durations and rates of a media file, from its header.

    Raises:
      MediaError: the file does not exist or is no media.
    """
    with open_media(path) as container:
        duration = container.duration
        return MediaInfo(
            pathlib.Path(path),
            container.format.name,
            None if duration is None else duration / av.time_base,
            tuple(
                AudioStream(
                    stream.index,
                    stream.codec_context.name,
                    stream.codec_context.sample_rate,
                    stream.codec_context.channels,
                    stream.codec_context.layout.name,
                    stream_duration_s(stream),
                )
                for stream in container.streams.audio
                if stream.codec_context
            ),
            tuple(
                VideoStream(
                    stream.index,
                    stream.codec_context.name,
                    stream.codec_context.width,
                    stream.codec_context.height,
                    float(stream.average_rate) if stream.average_rate else None,
                    stream_duration_s(stream),
                )
                for stream in picture_streams(container)
                if stream.codec_context
            ),
        )


def picture_streams(container: InputContainer) -> list[av.VideoStream]:
    """The moving pictures of a file: its video streams without covers."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]


def stream_duration_s(stream: av.AudioStream | av.VideoStream) -> float | None:
    """Duration of a stream by its header, in seconds.

    Matroska has a tag of text, into which FFmpeg writes when the stream ends.
    """
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    told = _TAGGED_DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if told is None:
        return None
    hours, minutes, seconds = told.groups()
    end_s = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return end_s - float((stream.start_time or 0) * (stream.time_base or 0))


def first_decodable(streams: Sequence[Stream], path: FilePath, kind: str) -> Stream:
    """The first stream for which FFmpeg has a decoder; `kind` is for the error text.

    Raises:
      MediaError: there is no stream, or no decoder for any.
    """
    if not streams:
        raise MediaError(f"{path} has no {kind} stream")
    found = next((stream for stream in streams if stream.codec_context), None)
    if found is None:
        raise MediaError(
            f"{path}: there is no decoder for {kind} stream {streams[0].index}; "
            "convert the file to another codec"
        )
    return found


def reason(error: av.error.FFmpegError | OSError) -> str:
    """The reason of a failure in one line."""
    return error.strerror or (strerror(error.errno) if error.errno else str(error))
