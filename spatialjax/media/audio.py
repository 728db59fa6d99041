"""The sound of any media file as int16 samples, and WAV files."""

import io
from collections.abc import Iterator
from typing import NamedTuple

import av
import numpy as np
import soundfile
from av.container import InputContainer

from spatialjax.errors import MediaError
from spatialjax.media.container import (
    FilePath,
    codec_name,
    open_media,
    reason,
    stream_duration_s,
)
from spatialjax.media.files import write_file

FULL_SCALE = 32768.0
"""The int16 value that stands for 1.0."""

_ESTIMATED_DURATION = ("mp3", "aac")
"""Containers without a length in the header: FFmpeg guesses it from the bit rate."""


class Sound(NamedTuple):
    """Samples ``[c, t]`` int16, their rate, and the time of the first one.

    `start_s` is counted on the clock of the file, which its pictures share.
    """

    samples: np.ndarray
    sample_rate_hz: int
    start_s: float


def read_audio(
    path: FilePath, sample_rate_hz: int | None = None, channels: int | None = None
) -> Sound:
    """The first sound stream of a file, decoded and resampled as it is read.

    No more than the result and one packet is held in memory. Integer PCM at the wanted
    rate and number of channels comes back bit for bit.

    Args:
      path: any file that FFmpeg reads: mp3, wav, flac, m4a, mp4, webm, ...
      sample_rate_hz: rate of the result; None keeps the rate of the file.
      channels: 1 gives the mean of all channels; another number must be the file's
        own; None keeps them.

    Raises:
      MediaError: no file, no sound stream, no samples, samples that are not finite, a
        stream that cannot be decoded or is cut off, another number of channels.
    """
    with open_media(path) as container:
        if not container.streams.audio:
            raise MediaError(f"{path} has no sound stream")
        stream = container.streams.audio[0]
        name = f"{path}, sound stream {stream.index} ({codec_name(stream)}),"
        found = stream.codec_context.channels
        if channels not in (None, 1, found):
            raise MediaError(f"{name} has {found} channels, expected {channels} or 1")
        start_s = 0.0
        chunks: list[np.ndarray] = []
        for time_s, chunk in _decode(container, stream, sample_rate_hz, name):
            if not chunks:
                start_s = time_s
            if channels == 1:
                chunk = chunk.mean(0, keepdims=True, dtype=np.float32)
            if not np.isfinite(chunk).all():
                raise MediaError(f"{name} holds samples that are not finite")
            chunks.append(float_to_int16(chunk))
        samples = np.concatenate(chunks, 1) if chunks else np.zeros((1, 0), np.int16)
        rate_hz = sample_rate_hz or stream.codec_context.sample_rate
        _check_length(container, stream, samples.shape[1] / rate_hz, name)
    return Sound(samples, rate_hz, start_s)


def _decode(
    container: InputContainer,
    stream: av.AudioStream,
    sample_rate_hz: int | None,
    name: str,
) -> Iterator[tuple[float, np.ndarray]]:
    """Time of the decoded frame in seconds and resampled samples ``[c, t]`` float32."""
    stream.codec_context.thread_count = 1
    resampler = av.AudioResampler(format="fltp", rate=sample_rate_hz)
    time_s, form = 0.0, None
    try:
        for frame in container.decode(stream):
            time_s = time_s if frame.time is None else frame.time
            form = form or (frame.sample_rate, frame.layout.nb_channels)
            if form != (frame.sample_rate, frame.layout.nb_channels):
                raise MediaError(
                    f"{name} changes its rate or channels after {time_s:.3f} s"
                )
            for resampled in resampler.resample(frame):
                yield time_s, resampled.to_ndarray()
        for resampled in resampler.resample(None):
            # Without anything to convert, the end comes back as it went in.
            if resampled is not None:
                yield time_s, resampled.to_ndarray()
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{name} cannot be decoded after {time_s:.3f} s: {reason(error)}"
        ) from error


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
