"""Films as mp4 files that browsers play: H.264 pictures and AAC sound."""

import contextlib
import heapq
import itertools
import math
import operator
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np

from spatialjax.errors import MediaError
from spatialjax.media.container import FilePath, reason
from spatialjax.media.files import room_advice
from spatialjax.media.new_file import replaced_file

AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Rates that every player knows; another one is brought to the next above."""


def write_film(
    path: FilePath,
    images: Iterable[np.ndarray],
    image_rate_hz: float,
    sound: Iterable[np.ndarray],
    sample_rate_hz: int,
) -> None:
    """Write pictures and sound as they come, whole or not at all.

    The longer of the two decides the length.

    Args:
      path: the mp4 file.
      images: uint8 ``[h, w, 3]``, at least one, all of one size; an odd last row or
        column is cut.
      image_rate_hz: pictures a second.
      sound: chunks ``[c, t]`` float32, at least one; more than two channels become
        their mean.
      sample_rate_hz: of the sound.

    Raises:
      MediaError: the file cannot be written.
    """
    image, images = _peek(images)
    chunk, sound = _peek(sound)
    layout = "stereo" if len(chunk) == 2 else "mono"
    with (
        replaced_file(path) as part,
        encoder_told(path),
        av.open(f"file:{part}", "w", format="mp4") as container,
    ):
        video = container.add_stream(
            "libx264", rate=Fraction(image_rate_hz).limit_denominator(1001)
        )
        video.height, video.width = (side // 2 * 2 for side in image.shape[:2])
        video.pix_fmt = "yuv420p"
        video.options = {"preset": "veryfast", "crf": "23"}
        aac_hz = next((r for r in AAC_RATES_HZ if r >= sample_rate_hz), 48000)
        audio = container.add_stream("aac", rate=aac_hz, layout=layout)
        # By time, so that neither stream waits in memory for the other.
        for _, packets in heapq.merge(
            _encode_images(images, video),
            _encode_sound(sound, audio, sample_rate_hz),
            key=operator.itemgetter(0),
        ):
            container.mux(packets)


@contextlib.contextmanager
def encoder_told(path: FilePath) -> Iterator[None]:
    """Tell what FFmpeg says while a file `path` is written.

    Raises:
      MediaError: it cannot be written.
    """
    try:
        yield
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{path} cannot be written: {reason(error)}{room_advice(error)}"
        ) from error


def _peek(values: Iterable[np.ndarray]) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    iterator = iter(values)
    first = next(iterator)
    return first, itertools.chain([first], iterator)


def _encode_images(
    images: Iterator[np.ndarray], stream: av.VideoStream
) -> Iterator[tuple[float, list[av.Packet]]]:
    """What each picture adds to the file, with its time in seconds."""
    rate = Fraction(stream.codec_context.framerate)
    for number, image in enumerate(images):
        cut = np.ascontiguousarray(image[: stream.height, : stream.width])
        frame = av.VideoFrame.from_ndarray(cut, "rgb24")
        frame.pts, frame.time_base = number, 1 / rate
        yield float(number / rate), stream.encode(frame)
    yield math.inf, stream.encode(None)


def _encode_sound(
    sound: Iterator[np.ndarray], stream: av.AudioStream, rate_hz: int
) -> Iterator[tuple[float, list[av.Packet]]]:
    """What each chunk adds to the file, with its time in seconds."""
    resampler = av.AudioResampler("fltp", stream.layout, stream.sample_rate)
    num_samples = 0
    for chunk in sound:
        kept = chunk if len(chunk) <= 2 else chunk.mean(0, keepdims=True)
        kept = np.ascontiguousarray(kept, np.float32)
        frame = av.AudioFrame.from_ndarray(kept, "fltp", stream.layout.name)
        frame.sample_rate, frame.pts = rate_hz, num_samples
        frame.time_base = Fraction(1, rate_hz)
        for resampled in resampler.resample(frame):
            yield num_samples / rate_hz, stream.encode(resampled)
        num_samples += kept.shape[1]
    for resampled in resampler.resample(None):
        yield math.inf, stream.encode(resampled)
    yield math.inf, stream.encode(None)
