"""The streams of a video copied into one file: a part of them, or two into one."""

import contextlib
import fractions
import heapq
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import av
from av.container import InputContainer, OutputContainer

from spatialjax.errors import MediaError
from spatialjax.media.container import picture_streams, reason

Stream = av.AudioStream | av.VideoStream


class NotInFileError(MediaError):
    """A file is whole, but has no such stream or no such time."""


@dataclass(frozen=True)
class Address:
    """A file or a URL, and the HTTP headers to ask for it with."""

    url: str
    headers: Mapping[str, str] | None = None


@dataclass
class _Copy:
    """A stream, the one it is copied to, and where the next packet begins."""

    source: Stream
    target: Stream
    end_s: float = -math.inf


def remux(
    addresses: Sequence[Address],
    path: str | os.PathLike[str],
    start_s: float = 0.0,
    end_s: float = math.inf,
    timeout_s: float = 20.0,
) -> None:
    """Copy the first sound and picture stream of one or two files, as they are.

    The sound starts at most two packets (of AAC, 2048 samples) before `start_s`, and
    the pictures at the key frame before it, so that the picture of each sample is
    there. Both keep one clock, and `launch.preprocess` begins where the sound does. Of
    a URL, little more than the part is read, if the server can send ranges.

    Args:
      addresses: one file with both streams, or one with each.
      path: a Matroska file, which is written anew.
      start_s: seconds from the start of the files.
      end_s: seconds; infinity for all.
      timeout_s: longest wait for a server.

    Raises:
      NotInFileError: there is no sound or no picture stream, or they end before
        `start_s`.
      MediaError: a file cannot be read, or is cut off.
    """
    named = " and ".join(address.url for address in addresses)
    try:
        with contextlib.ExitStack() as stack:
            inputs = [
                stack.enter_context(_open(address, timeout_s)) for address in addresses
            ]
            output = stack.enter_context(av.open(str(path), "w", format="matroska"))
            copies = [
                _Copy(stream, _add_stream(output, stream, named))
                for stream in _first_streams(inputs, named)
            ]
            _copy(inputs, copies, output, start_s, end_s)
            _check_whole(inputs, copies, named, start_s, end_s)
    except av.error.FFmpegError as error:
        raise MediaError(f"{named} cannot be read: {reason(error)}") from error


def _open(address: Address, timeout_s: float) -> InputContainer:
    options = {}
    if address.headers:
        lines = (f"{name}: {value}\r\n" for name, value in address.headers.items())
        options["headers"] = "".join(lines)
    return av.open(
        address.url, options=options, timeout=timeout_s, metadata_errors="ignore"
    )


def _first_streams(inputs: Iterable[InputContainer], named: str) -> list[Stream]:
    """The first picture and the first sound stream of all files.

    Raises:
      NotInFileError: there is none.
    """
    pictures = [stream for source in inputs for stream in picture_streams(source)]
    sounds = [stream for source in inputs for stream in source.streams.audio]
    for streams, kind in ((pictures, "picture"), (sounds, "sound")):
        if not streams:
            raise NotInFileError(f"{named} has no {kind} stream")
    return [pictures[0], sounds[0]]


def _add_stream(output: OutputContainer, stream: Stream, named: str) -> Stream:
    """A stream of the output for packets of one of the input.

    Raises:
      MediaError: Matroska has no place for its codec.
    """
    try:
        return output.add_stream_from_template(stream)
    except ValueError as error:
        raise MediaError(
            f"{named} has {stream.type} of the codec {stream.codec_context.name}, "
            "which cannot be copied to a Matroska file"
        ) from error


def _copy(
    inputs: Sequence[InputContainer],
    copies: Sequence[_Copy],
    output: OutputContainer,
    start_s: float,
    end_s: float,
) -> None:
    """Copy packets in the order of their times; the first picture gets time zero."""
    readers = []
    for source in inputs:
        mine = [copy for copy in copies if copy.source.container is source]
        if start_s > 0 and mine:
            source.seek(round(start_s * av.time_base) + (source.start_time or 0))
        readers.append(_packets(source, mine, start_s, end_s))
    zero_s: fractions.Fraction | None = None
    for _, packet, copy in heapq.merge(*readers, key=lambda item: item[0]):
        dts = packet.dts or 0
        if zero_s is None:
            zero_s = dts * packet.time_base
        shift = round(zero_s / packet.time_base)
        packet.dts = dts - shift
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.stream = copy.target
        output.mux(packet)


def _packets(
    source: InputContainer, copies: Sequence[_Copy], start_s: float, end_s: float
) -> Iterator[tuple[float, av.Packet, _Copy]]:
    """The packets of a file to copy, with their times in seconds."""
    first_s = (source.start_time or 0) / av.time_base
    waiting = {copy.source.index: copy for copy in copies}
    for packet in source.demux([copy.source for copy in copies]):
        copy = waiting.get(packet.stream.index)
        if copy is None or packet.dts is None or packet.time_base is None:
            continue
        time_s = float(packet.dts * packet.time_base) - first_s
        duration_s = float((packet.duration or 0) * packet.time_base)
        # One packet before the first is for the decoder, which needs its overlap.
        is_early = start_s > 0 and time_s + 2 * duration_s <= start_s
        if time_s >= end_s:
            del waiting[packet.stream.index]
            if not waiting:
                return
        elif copy.source.type == "video" or not is_early:
            copy.end_s = time_s + duration_s
            yield time_s, packet, copy


def _check_whole(
    inputs: Sequence[InputContainer],
    copies: Sequence[_Copy],
    named: str,
    start_s: float,
    end_s: float,
) -> None:
    """Raise MediaError where a copy ends long before the part, or the file, does.

    Raises:
      NotInFileError: the file ends before the part starts.
    """
    for source in inputs:
        ends_s = [copy.end_s for copy in copies if copy.source.container is source]
        stated_s = (
            math.inf if source.duration is None else source.duration / av.time_base
        )
        wanted_s = min(end_s, stated_s)
        if wanted_s <= start_s:
            raise NotInFileError(f"{named} ends before {start_s:g} s")
        missing_s = wanted_s - max(ends_s, default=wanted_s)
        if ends_s and min(ends_s) <= start_s:
            raise MediaError(f"{named} has nothing from {start_s:g} s on")
        if 0.5 + 0.05 * (wanted_s - start_s) < missing_s < math.inf:
            raise MediaError(
                f"{named} is cut off {missing_s:.3f} s before {wanted_s:.3f} s"
            )
