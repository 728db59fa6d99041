"""A film as batches of windows: sound and pictures read side by side, never whole."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from spatialjax.inference.film import IMAGE_RATE_HZ, Film, OpenSound
from spatialjax.inference.joining import Windows
from spatialjax.inference.recent import Recent
from spatialjax.inference.separator import Separator
from spatialjax.media import sample_images
from spatialjax.tasks.base import WindowSpec
from spatialjax.typing import HostArray


class Batch(NamedTuple):
    """The next windows, and how many samples of the film are complete after them."""

    windows: Windows[HostArray]
    num_samples: int


@dataclass(frozen=True)
class FilmWindows:
    """The windows of a film, from its open sound.

    Attributes:
      start_s: time of the first sample on the clock of the file.
      batches: windows ``[b, ...]`` in order, the last ones past the end.
    """

    start_s: float
    batches: Iterator[Batch]


@contextlib.contextmanager
def stream_windows(
    film: Film, sound: OpenSound, separator: Separator, batch_size: int
) -> Iterator[FilmWindows]:
    """The windows of a film, open as long as the context lasts.

    Raises:
      MediaError: the file cannot be read, here or while the windows are taken.
    """
    spec = separator.task.window_spec
    with sound() as reader:
        images = sample_images(film.path, IMAGE_RATE_HZ, reader.start_s, True)
        with contextlib.closing(images):
            pictures = _Pictures(
                images, film.image_size, spec, separator.image_spacing_s
            )
            batches = cut_windows(
                reader.chunks, reader.channels, spec, pictures.of_window, batch_size
            )
            yield FilmWindows(reader.start_s, batches)


def cut_windows(
    chunks: Iterator[HostArray],
    channels: int,
    spec: WindowSpec,
    images_of: Callable[[int], HostArray],
    batch_size: int,
) -> Iterator[Batch]:
    """Windows of a sound, one after the other, until every sample is complete.

    Args:
      chunks: samples ``[c, t]`` of any lengths.
      channels: of the chunks.
      spec: of the windows.
      images_of: pictures ``[v, h, w, 3]`` of a window, by its number; asked in order.
      batch_size: windows that are stacked; the last batch is filled up with ones that
        add nothing.
    """
    windows = _windows(_stretches(chunks, channels, spec), spec, images_of)
    while rows := list(itertools.islice(windows, batch_size)):
        last, num_samples = rows[-1]
        nothing = last._replace(
            is_past=np.array(True), counts=np.zeros_like(last.counts)
        )
        stacked = [row.windows for row in rows]
        stacked += [nothing] * (batch_size - len(rows))
        yield Batch(Windows(*map(np.stack, zip(*stacked, strict=True))), num_samples)


def _windows(
    stretches: Iterator["_Stretch"],
    spec: WindowSpec,
    images_of: Callable[[int], HostArray],
) -> Iterator[Batch]:
    half = spec.num_frames // 2
    pad, step = spec.n_fft // 2, half * spec.hop
    for index, (samples, total, is_over) in enumerate(stretches):
        num_frames = 1 + total // spec.hop
        is_past = is_over and index > 0 and num_frames <= (index + 1) * half
        if is_past and index * step - pad >= total:
            return
        frames = index * half + np.arange(half)
        window = Windows(
            samples=samples,
            images=images_of(index),
            has_previous=np.array(index > 0),
            is_past=np.array(is_past),
            counts=(frames < num_frames).astype(np.float32),
        )
        yield Batch(window, min((index + 1) * step - pad, total))


class _Stretch(NamedTuple):
    """Samples of a window, how many there were so far, and whether these are all."""

    samples: HostArray
    total: int
    is_over: bool


def _stretches(
    chunks: Iterator[HostArray], channels: int, spec: WindowSpec
) -> Iterator[_Stretch]:
    """Overlapping stretches of a sound, for ever: zeros before it and after it."""
    step = spec.num_frames // 2 * spec.hop
    length = (spec.num_frames - 1) * spec.hop + spec.n_fft
    held = np.zeros((channels, spec.n_fft // 2), np.float32)
    total, is_over = 0, False
    while True:
        parts, num_held = [held], held.shape[1]
        while num_held < length and not is_over:
            chunk = next(chunks, None)
            is_over = chunk is None
            if chunk is not None:
                parts.append(chunk)
                total += chunk.shape[1]
                num_held += chunk.shape[1]
        held = np.concatenate(parts, 1)
        samples = np.zeros((channels, length), np.float32)
        present = min(length, held.shape[1])
        samples[:, :present] = held[:, :present]
        yield _Stretch(samples, total, is_over)
        held = held[:, step:]


class _Pictures:
    """The pictures of each window, from one pass over the film."""

    def __init__(
        self,
        images: Iterator[Image.Image],
        size: tuple[int, int],
        spec: WindowSpec,
        spacing_s: float,
    ) -> None:
        self._spec, self._spacing_s = spec, spacing_s
        reach_s = spacing_s * (spec.num_images - 1)
        kept = int(reach_s * IMAGE_RATE_HZ) + 2
        self._recent = Recent(_resized(images, size), kept)

    def of_window(self, index: int) -> HostArray:
        """Pictures ``[v, h, w, 3]``; before the film its first, after it its last."""
        spec = self._spec
        frame = index * (spec.num_frames // 2) + (spec.num_frames - 1) / 2
        centre_s = frame * spec.hop / spec.sample_rate_hz
        offsets = np.arange(spec.num_images) - spec.num_images // 2
        times_s = centre_s + self._spacing_s * offsets
        numbers = [int(time_s * IMAGE_RATE_HZ) for time_s in times_s]
        return np.stack([self._recent.at(number)[1] for number in numbers])


def _resized(
    images: Iterator[Image.Image], size: tuple[int, int]
) -> Iterator[HostArray]:
    height, width = size
    for image in images:
        resized = image.resize((width, height), Image.Resampling.BICUBIC)
        yield np.asarray(resized, np.uint8)
