"""The sound of any media file, as a whole or chunk by chunk, and WAV files."""

import contextlib
import io
import itertools
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import av
import numpy as np
import soundfile
from av.container import InputContainer

from spatialjax.errors import MediaError
from spatialjax.media.container import (
    FilePath,
    first_decodable,
    open_container,
    reason,
    stream_duration_s,
)
from spatialjax.media.files import write_file

FULL_SCALE = 32768.0
"""The int16 value that stands for 1.0."""

LEAST_GAP_S = 0.1
"""Time without samples that is filled with silence; clocks jitter by less."""

MOST_GAP_S = 600.0
"""The longest gap to be believed."""

_ESTIMATED_DURATION = ("mp3", "aac")
"""Containers without a length in the header: FFmpeg guesses it from the bit rate."""


class Sound(NamedTuple):
    """Samples ``[c, t]`` int16, their rate, and the time of the first one.

    `start_s` is counted on the clock of the file, which its pictures share.
    """

    samples: np.ndarray
    sample_rate_hz: int
    start_s: float


@dataclass(frozen=True)
class AudioReader:
    """A sound that is decoded while it is read, from `stream_audio`.

    Attributes:
      name: file and stream, to begin the text of an error with.
      sample_rate_hz: rate of the chunks.
      channels: number of channels, in the order of `layout`.
      layout: FFmpeg's name of the layout, such as "mono", "stereo" or "5.1"; such as
        "6 channels" where the file does not tell.
      start_s: time of the first sample on the clock of the file, which its pictures
        share.
      chunks: samples ``[c, t]`` float32, t of any size, for one pass, which has to end
        before the context does. It raises MediaError where samples are not finite, or
        the stream cannot be decoded, changes its rate or is cut off.
    """

    name: str
    sample_rate_hz: int
    channels: int
    layout: str
    start_s: float
    chunks: Iterator[np.ndarray]


@contextlib.contextmanager
def stream_audio(
    path: FilePath, sample_rate_hz: int | None = None
) -> Iterator[AudioReader]:
    """The first sound stream with a decoder, open as long as the context lasts.

    No more than a packet is held in memory, however long the file. Integer PCM of up
    to 24 bits at its own rate is exact; full scale is 1.

    Args:
      path: any file that FFmpeg reads: mp3, wav, flac, m4a, mp4, webm, ...
      sample_rate_hz: rate of the chunks; None keeps the rate of the file.

    Raises:
      MediaError: no file, no sound stream, no decoder, no samples.
    """
    with open_container(path) as container:
        stream = first_decodable(container.streams.audio, path, "sound")
        name = f"{path}, sound stream {stream.index} ({stream.codec_context.name}),"
        # PyAV crashes where decoding goes on after the file was closed.
        with contextlib.closing(
            _checked(container, stream, sample_rate_hz, name)
        ) as checked:
            start_s, frame, _ = first = next(checked)
            yield AudioReader(
                name,
                frame.sample_rate,
                frame.layout.nb_channels,
                frame.layout.name,
                start_s,
                (samples for *_, samples in itertools.chain([first], checked)),
            )


def read_audio(
    path: FilePath, sample_rate_hz: int | None = None, channels: int | None = None
) -> Sound:
    """The first sound stream of a file that has a decoder, decoded and resampled.

    At the end twice the result is held in memory, as chunks and as one array. Integer
    PCM of 16 bits at the wanted rate and number of channels comes back bit for bit.

    Args:
      path: any file that FFmpeg reads: mp3, wav, flac, m4a, mp4, webm, ...
      sample_rate_hz: rate of the result; None keeps the rate of the file.
      channels: 1 gives the mean of all channels; another number must be the file's
        own; None keeps them.

    Raises:
      MediaError: no file, no sound stream, no decoder, no samples, samples that are not
        finite, a stream that cannot be decoded, changes its rate or is cut off, another
        number of channels.
    """
    with stream_audio(path, sample_rate_hz) as reader:
        if channels not in (None, 1, reader.channels):
            raise MediaError(
                f"{reader.name} has {reader.channels} channels, expected {channels} "
                "or 1"
            )
        chunks = []
        for chunk in reader.chunks:
            if channels == 1:
                chunk = chunk.mean(0, keepdims=True, dtype=np.float32)
            chunks.append(float_to_int16(chunk))
    return Sound(np.concatenate(chunks, 1), reader.sample_rate_hz, reader.start_s)


def _decode(
    container: InputContainer,
    stream: av.AudioStream,
    sample_rate_hz: int | None,
    name: str,
) -> Iterator[tuple[float, av.AudioFrame]]:
    """Time of the first decoded frame in seconds, and each resampled frame, float32."""
    stream.codec_context.thread_count = 1
    # Packed, since PyAV 18 miscounts the planes of eight channels and more.
    resampler = av.AudioResampler(format="flt", rate=sample_rate_hz)
    start_s, time_s, end_s, form = None, 0.0, 0.0, None
    try:
        for frame in container.decode(stream):
            time_s = end_s if frame.time is None else frame.time
            if start_s is None:
                start_s = end_s = time_s
            form = form or (frame.sample_rate, frame.layout.nb_channels)
            if form != (frame.sample_rate, frame.layout.nb_channels):
                raise MediaError(
                    f"{name} changes its rate or channels after {time_s:.3f} s"
                )
            for silence in _silence(frame, time_s - end_s, name, end_s):
                end_s += silence.samples / silence.sample_rate
                for resampled in resampler.resample(silence):
                    yield start_s, resampled
            frame.pts = None  # as that of the silence: samples alone count from here on
            end_s += frame.samples / frame.sample_rate
            for resampled in resampler.resample(frame):
                yield start_s, resampled
        for resampled in resampler.resample(None):
            # Without anything to convert, the end comes back as it went in.
            if resampled is not None:
                yield start_s or 0.0, resampled
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{name} cannot be decoded after {time_s:.3f} s: {reason(error)}"
        ) from error


def _silence(
    frame: av.AudioFrame, gap_s: float, name: str, end_s: float
) -> Iterator[av.AudioFrame]:
    """Silent frames of the form of a frame, for the time that lacks before it.

    Raises:
      MediaError: the gap is so long that a time stamp must be wrong.
    """
    if gap_s < LEAST_GAP_S:
        return
    if gap_s > MOST_GAP_S:
        raise MediaError(
            f"{name} has nothing from {end_s:.3f} to {end_s + gap_s:.3f} s: cut the "
            "file there, or mend its time stamps"
        )
    to_form = av.AudioResampler(frame.format, frame.layout, frame.sample_rate)
    left = round(gap_s * frame.sample_rate)
    while left > 0:
        num_samples = min(left, frame.sample_rate)
        zeros = np.zeros((1, num_samples * frame.layout.nb_channels), np.float32)
        silent = av.AudioFrame.from_ndarray(zeros, "flt", frame.layout)
        silent.sample_rate = frame.sample_rate
        left -= num_samples
        yield from to_form.resample(silent)


def _checked(
    container: InputContainer,
    stream: av.AudioStream,
    sample_rate_hz: int | None,
    name: str,
) -> Generator[tuple[float, av.AudioFrame, np.ndarray], None, None]:
    """What `_decode` gives, at least once, and its samples ``[c, t]`` float32.

    Raises:
      MediaError: there are no samples, they are not finite, or they end too early.
    """
    found_s = 0.0
    for start_s, frame in _decode(container, stream, sample_rate_hz, name):
        packed = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
        samples = np.ascontiguousarray(packed.T)
        if not np.isfinite(samples).all():
            raise MediaError(f"{name} holds samples that are not finite")
        if frame.samples:
            found_s += frame.samples / frame.sample_rate
            yield start_s, frame, samples
    _check_length(container, stream, found_s, name)


def _check_length(
    container: InputContainer, stream: av.AudioStream, found_s: float, name: str
) -> None:
    """Raise MediaError where a stream is empty or ends long before its header says."""
    if found_s == 0:
        raise MediaError(f"{name} has no samples")
    stated_s = stream_duration_s(stream)
    if stated_s is None or container.format.name in _ESTIMATED_DURATION:
        return
    if found_s < 0.95 * stated_s - 0.5:
        raise MediaError(f"{name} is cut off after {found_s:.3f} s of {stated_s:.3f} s")


def float_to_int16(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1) as int16: rounded, and clipped at full scale."""
    scaled = np.rint(samples * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def write_wav(path: FilePath, samples: np.ndarray, sample_rate_hz: int) -> None:
    """Write samples ``[c, t]`` as WAV, whole or not at all.

    int16 is written as 16-bit PCM, floating point as 32-bit float.

    Raises:
      MediaError: wrong shape or type of the samples, or the file cannot be written.
    """
    samples = np.asarray(samples)
    if samples.ndim != 2 or not (
        samples.dtype == np.int16 or samples.dtype.kind == "f"
    ):
        raise MediaError(
            f"{path}: samples are {samples.dtype} {list(samples.shape)}, expected "
            "int16 or floating point [channels, samples]"
        )
    subtype = "PCM_16" if samples.dtype == np.int16 else "FLOAT"
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, sample_rate_hz, subtype, format="WAV")
    write_file(path, buffer.getbuffer())
