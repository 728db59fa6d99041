"""The pictures of a video at an even rate, placed by their time stamps."""

import itertools
from collections.abc import Generator, Iterator

import av
from av.container import InputContainer
from PIL import Image

from spatialjax.errors import MediaError
from spatialjax.media.container import (
    FilePath,
    first_decodable,
    open_media,
    picture_streams,
    reason,
)


def sample_images(
    path: FilePath,
    image_rate_hz: float,
    start_s: float | None = None,
    at_least_one: bool = False,
) -> Generator[Image.Image, None, None]:
    """Pictures of a video at the times start_s + (i + 0.5) / image_rate_hz, i from 0.

    Each is the frame that a player shows at that time: the last one whose time stamp is
    not later (before the first one, the first). So a video whose own rate is
    `image_rate_hz` gives each of its frames once, and one of variable rate is sampled
    as it is seen. The pictures end with the last frame. They are upright (rotation
    metadata applied), with square pixels, in their own size, mode RGB.

    Args:
      path: a file with moving pictures.
      image_rate_hz: pictures per second.
      start_s: time zero on the clock of the file; None is the time of the first frame.
      at_least_one: give the last frame where none is due, as of a video that ends
        before `start_s`, or of a single short frame.

    Raises:
      MediaError: no file, no picture stream, no decoder for one, or a frame that cannot
        be decoded.
    """
    with open_media(path) as container:
        stream = first_decodable(picture_streams(container), path, "picture")
        aspect = float(stream.sample_aspect_ratio or 1)
        index, frame = 0, None
        for begin_s, end_s, frame in _shown(container, stream, path):
            start_s = begin_s if start_s is None else start_s
            due = _num_before(end_s - start_s, index, image_rate_hz)
            if due > index:
                image = _upright(frame, aspect)
                yield from itertools.repeat(image, due - index)
            index = due
        if frame is None:
            raise MediaError(f"{path} has no pictures")
        if at_least_one and index == 0:
            yield _upright(frame, aspect)


def _num_before(time_s: float, least: int, image_rate_hz: float) -> int:
    """Number of pictures, at least `least`, whose time lies before `time_s`."""
    while (least + 0.5) / image_rate_hz < time_s:
        least += 1
    return least


def _shown(
    container: InputContainer, stream: av.VideoStream, path: FilePath
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Each frame with the times, in seconds, from which and until which it is shown."""
    last: tuple[float, float, av.VideoFrame] | None = None
    for time_s, duration_s, frame in _frames(container, stream, path):
        if last is not None:
            yield last[0], time_s, last[2]
        last = time_s, time_s + duration_s, frame
    if last is not None:
        yield last


def _frames(
    container: InputContainer, stream: av.VideoStream, path: FilePath
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Time and duration in seconds of each decoded frame, and the frame."""
    # One thread a clip: clips are decoded in parallel.
    stream.codec_context.thread_count = 1
    period_s = 1 / float(stream.average_rate or stream.guessed_rate or 25)
    time_s = -period_s
    try:
        for frame in container.decode(stream):
            time_s = time_s + period_s if frame.time is None else frame.time
            duration_s = float((frame.duration or 0) * (frame.time_base or 0))
            yield time_s, duration_s or period_s, frame
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{path}, picture stream {stream.index} ({stream.codec_context.name}), "
            f"cannot be decoded after {max(time_s, 0):.3f} s: {reason(error)}"
        ) from error


def _upright(frame: av.VideoFrame, aspect: float) -> Image.Image:
    """A frame as RGB picture with square pixels, turned as its metadata say."""
    image = frame.to_image()
    if aspect != 1:
        image = image.resize((max(1, round(image.width * aspect)), image.height))
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image
