"""The sound of a recording, and which of its channels are W, Y, Z, X."""

import math
import pathlib
import struct
from collections.abc import Sequence

import numpy as np
import scipy.signal

from spatialjax.errors import DataError, MediaError
from spatialjax.media import (
    AudioStream,
    Sound,
    float_to_int16,
    probe,
    read_audio,
    read_spatial_metadata,
)
from spatialjax.media.audio import FULL_SCALE
from spatialjax.media.boxes import holds_boxes
from spatialjax.media.spatial_boxes import sound_field_of

AAC_5_1 = (2, 1, 4, 0)
"""W, Y, Z, X in FFmpeg's order of 5.1, as YouTube stores them in AAC: W, X, Y, Z are
coded as centre, left, right and left surround."""


def read_field(path: str, sample_rate_hz: int) -> Sound:
    """The sound of a file, of any number of channels, at another rate.

    Raises:
      MediaError: it cannot be read, or see `sound_stream`.
    """
    sound_stream(path)
    return read_audio(path, sample_rate_hz)


def resample(samples: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    """A sound int16 [c, t] at another rate."""
    if rate_hz == wanted_hz:
        return samples
    common = math.gcd(rate_hz, wanted_hz)
    resampled = scipy.signal.resample_poly(
        samples.astype(np.float32) / FULL_SCALE,
        wanted_hz // common,
        rate_hz // common,
        axis=1,
    )
    return float_to_int16(resampled)


def sound_stream(path: str | pathlib.Path) -> AudioStream:
    """The sound stream that FFmpeg reads of a file.

    Raises:
      MediaError: there is none, or its channels are stated to be no AmbiX, or a WAV
        file was cut off.
    """
    streams = probe(path).audio
    if not streams:
        raise MediaError(f"{path} has no sound stream that can be decoded")
    if holds_boxes(path):
        stated = read_spatial_metadata(path).sound
        if stated and (stated.channel_map or stated.ordering or stated.normalization):
            raise MediaError(
                f"{path} states channels that are not W, Y, Z, X in SN3D (SA3D: map "
                f"{stated.channel_map}, ordering {stated.ordering}, normalization "
                f"{stated.normalization}); bring them to AmbiX first"
            )
    _check_whole(pathlib.Path(path))
    return streams[0]


def first_order_channels(
    stream: AudioStream, channel_map: Sequence[int] | None, name: object
) -> tuple[int, ...]:
    """The channels of a stream that are W, Y, Z, X.

    Args:
      stream: codec, number of channels and layout.
      channel_map: what a user states; None goes by the codec: of AAC in a 5.1 container
        it is `AAC_5_1`; else the first four of any (N + 1)², with or without a pair of
        channels behind them that does not turn with the head (RFC 8486).
      name: leads the text of an error.

    Raises:
      DataError: there are no such channels.
    """
    if channel_map is not None:
        named = set(channel_map) & set(range(stream.channels))
        if len(channel_map) != 4 or len(named) != 4:
            raise DataError(
                f"{name}: the channel map {tuple(channel_map)} does not name 4 of its "
                f"{stream.channels} channels, from 0"
            )
        return tuple(channel_map)
    if stream.codec == "aac" and stream.channels == 6:
        return AAC_5_1
    if not sound_field_of(stream.channels):
        raise DataError(
            f"{name} has {stream.channels} channels ({stream.codec}), expected 4, or 6 "
            "of AAC; if four of them are W, Y, Z and X, tell which by a channel map"
        )
    if stream.layout.startswith("5.1"):
        raise DataError(
            f"{name} has channels for the loudspeakers of {stream.layout} "
            f"({stream.codec}); if four of them are W, Y, Z and X, tell which by a "
            "channel map"
        )
    return (0, 1, 2, 3)


def _check_whole(path: pathlib.Path) -> None:
    """Refuse a WAV file that is shorter than its header says, which FFmpeg takes as is.

    Raises:
      MediaError: it was cut off.
    """
    with open(path, "rb") as file:
        if file.read(4) != b"RIFF":
            return
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", header)
            end = file.tell() + size
            # A program that writes to a pipe leaves 0, or nearly 2^32, for the size.
            if name == b"data" and path.stat().st_size < end and size < 0xFFFF0000:
                raise MediaError(
                    f"{path} is cut off: {path.stat().st_size} of {end} bytes are there"
                )
            file.seek(end + size % 2)
