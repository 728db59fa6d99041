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
    stream_ambix,
)
from spatialjax.media.audio import FULL_SCALE

MOST_CHANNELS = 8
"""PyAV crashes where it takes the samples of more from a frame (17.0, measured)."""

AAC_5_1 = (2, 1, 4, 0)
"""W, Y, Z, X in FFmpeg's order of 5.1, as YouTube stores them in AAC: W, X, Y, Z are
coded as centre, left, right and left surround."""


def read_field(path: str, sample_rate_hz: int) -> Sound:
    """The sound of a file, of any number of channels, at another rate.

    Raises:
      MediaError: it cannot be read; with more than `MOST_CHANNELS` channels only WAV,
        FLAC and CAF can.
    """
    streams = probe(path).audio
    if not streams or streams[0].channels <= MOST_CHANNELS:
        sound_stream(path)
        return read_audio(path, sample_rate_hz)
    with stream_ambix(path) as reader:
        samples = np.concatenate([float_to_int16(c) for c in reader.chunks], 1)
        samples = resample(samples, reader.sample_rate_hz, sample_rate_hz)
        return Sound(samples, sample_rate_hz, reader.start_s)


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
      MediaError: there is none, or one with more channels than can be decoded, or a
        WAV file was cut off.
    """
    streams = probe(path).audio
    if not streams:
        raise MediaError(f"{path} has no sound stream that can be decoded")
    if streams[0].channels > MOST_CHANNELS:
        raise MediaError(
            f"{path} has {streams[0].channels} channels, more than {MOST_CHANNELS} "
            "cannot be decoded: keep the first four, W, Y, Z and X"
        )
    _check_whole(pathlib.Path(path))
    return streams[0]


def first_order_channels(
    stream: AudioStream, channel_map: Sequence[int] | None, name: object
) -> tuple[int, ...]:
    """The channels of a stream that are W, Y, Z, X.

    Args:
      stream: codec and number of channels.
      channel_map: what a user states; None goes by the codec: of AAC in a 5.1 container
        it is `AAC_5_1`; else the first four of any (N + 1)², with or without a pair of
        channels behind them that does not turn with the head (RFC 8486).
      name: leads the text of an error.

    Raises:
      DataError: there are no such channels.
    """
    if channel_map is not None:
        if len(channel_map) != 4 or not all(
            0 <= index < stream.channels for index in channel_map
        ):
            raise DataError(
                f"{name}: the channel map {tuple(channel_map)} does not name 4 of its "
                f"{stream.channels} channels, from 0"
            )
        return tuple(channel_map)
    if stream.codec == "aac" and stream.channels == 6:
        return AAC_5_1
    is_field = any(
        count >= 4 and math.isqrt(count) ** 2 == count
        for count in (stream.channels, stream.channels - 2)
    )
    if not is_field:
        raise DataError(
            f"{name} has {stream.channels} channels ({stream.codec}), expected 4, or 6 "
            "of AAC; if it holds W, Y, Z and X, tell where by a channel map"
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
