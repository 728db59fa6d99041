"""Where an example lies in its clip: the centre, the samples and the pictures."""

import math
from dataclasses import dataclass

import numpy as np

from spatialjax.data.clips import Clip, Dataset, Excerpt


@dataclass(frozen=True)
class Window:
    """What is taken around a centre of a clip.

    The centre is a picture; the sound lies around the time at which it is shown.

    Attributes:
      num_samples: samples of sound.
      sample_rate_hz: their rate.
      num_images: pictures, 0 for none.
      image_spacing_s: time from one picture to the next, in seconds.
      centre_margin_s: nearest that a drawn centre comes to an end of the clip.
    """

    num_samples: int
    sample_rate_hz: float
    num_images: int
    image_spacing_s: float
    centre_margin_s: float

    def stride(self, clip: Clip) -> int:
        """Pictures of the clip from one picture of the example to the next."""
        return max(1, round(self.image_spacing_s * clip.image_rate_hz))

    def middle(self, clip: Clip) -> int:
        """The centre for evaluation: picture number count // 2, counted from 1."""
        return max(0, clip.num_images // 2 - 1)

    def drawn(self, clip: Clip, uniform: float) -> int:
        """The centre for training, uniform over the pictures off the margins.

        A clip too short for the margin keeps no more than what the pictures and the
        sound need; one too short for that gives its middle.
        """
        spread = self.num_images // 2 * self.stride(clip)
        half_s = self.num_samples / self.sample_rate_hz / 2
        wanted = max(int(clip.image_rate_hz * self.centre_margin_s), spread)
        needed = max(math.ceil(half_s * clip.image_rate_hz), spread)
        for margin in (wanted, needed):
            if (free := clip.num_images - 2 * margin) > 0:
                return margin + int(uniform * free)
        return self.middle(clip)

    def image_indices(self, clip: Clip, centre: int) -> list[int]:
        """The pictures around the centre; outside the clip its first or last."""
        stride, last = self.stride(clip), clip.num_images - 1
        first = centre - self.num_images // 2 * stride
        return [min(max(first + i * stride, 0), last) for i in range(self.num_images)]

    def image_times_s(self, clip: Clip, centre: int) -> np.ndarray:
        """When the pictures are shown ``[v]``, in seconds from the middle of the sound.

        They rise, and are the same for a picture that stands in for those outside.
        """
        indices = np.array(self.image_indices(clip, centre), np.float64)
        return ((indices - centre) / clip.image_rate_hz).astype(np.float32)

    def first_sample(self, clip: Clip, centre: int) -> int:
        """The first sample of the sound, negative if it begins before the clip."""
        sample = (centre + 0.5) / clip.image_rate_hz * self.sample_rate_hz
        # A whole number may come out a hair below itself.
        return int(sample + 1e-6) - self.num_samples // 2

    def level(self, clip: Clip, samples: np.ndarray) -> float:
        """Root mean square, of full scale 1, while the centre picture is shown.

        `samples` ``[t]`` int16 are those of the window.
        """
        period = min(round(self.sample_rate_hz / clip.image_rate_hz), self.num_samples)
        first = (self.num_samples - period) // 2
        shown = samples[first : first + period].astype(np.float64) / 32768
        return float(np.sqrt(np.mean(shown**2)))

    def read(
        self, dataset: Dataset, clip: Clip, centre: int, has_sound: bool = True
    ) -> Excerpt:
        """Sound ``[s, c, t]`` int16 and pictures around a centre.

        Outside the clip there are zeros; a clip shorter than the window is repeated
        until it is longer, before the window is placed. Without sound all is zero.

        Raises:
          DataError: a record is damaged.
        """
        indices = self.image_indices(clip, centre)
        first, wanted = self.first_sample(clip, centre), self.num_samples
        if not has_sound:
            silence = np.zeros((clip.num_sources, dataset.channels, wanted), np.int16)
            return dataset.read(clip, 0, 0, indices)._replace(audio=silence)
        if clip.num_samples >= wanted:
            return dataset.read(clip, first, wanted, indices)
        excerpt = dataset.read(clip, 0, clip.num_samples, indices)
        copies = wanted // clip.num_samples + 1
        tiled = np.tile(excerpt.audio, copies)
        audio = np.zeros((*tiled.shape[:2], wanted), np.int16)
        left, right = max(first, 0), min(first + wanted, tiled.shape[-1])
        audio[..., left - first : right - first] = tiled[..., left:right]
        return excerpt._replace(audio=audio)
