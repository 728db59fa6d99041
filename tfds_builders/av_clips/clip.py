"""One clip: a sound, and a folder of images or a video beside it."""

import dataclasses
import itertools
import math
import pathlib

import numpy as np

from spatialjax.errors import DataError, MediaError, check_positive
from spatialjax.media import (
    encode_jpeg,
    list_images,
    probe,
    read_audio,
    read_jpeg,
    resize_short_side,
    sample_images,
)
from tfds_builders.av_clips.rates import image_rate_hz
from tfds_builders.segments import ClipMedia


@dataclasses.dataclass(frozen=True)
class Settings:
    """How clips are stored.

    Attributes:
      sample_rate_hz: rate of the stored sound.
      channels: 1 stores the mean of all channels; another number must be that of the
        file.
      image_rate_hz: most images per second that are stored; pictures that come at a
        lower rate keep theirs. It is also the rate that a folder of images is expected
        to have.
      frames_rate_hz: the rate of folders of images, where it is known; None takes it
        from the number of images and the duration of the sound.
      short_side: greatest short side of a stored picture in pixels; aspect is kept.
      jpeg_quality: 1 to 95, for pictures that have to be encoded.
    """

    sample_rate_hz: int = 11025
    channels: int = 1
    image_rate_hz: float = 8.0
    frames_rate_hz: float | None = None
    short_side: int = 256
    jpeg_quality: int = 90

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range.
        """
        for name, value in dataclasses.asdict(self).items():
            if value is not None:
                check_positive(name, value, 95 if name == "jpeg_quality" else math.inf)


@dataclasses.dataclass(frozen=True)
class AvClip:
    """A clip as an index names it.

    Attributes:
      clip_id: unique name, such as "trumpet/STKXyBGSGyE".
      class_name: its class, "" where it is unknown.
      audio_path: file with the sound, "" for silence.
      images_path: folder of images, or video; may be the file with the sound.
      num_images: stated number of images; None where none is stated.
      settings: how it is stored.
    """

    clip_id: str
    class_name: str
    audio_path: str
    images_path: str
    num_images: int | None
    settings: Settings

    @property
    def path(self) -> str:
        """The file to look at if the clip is broken."""
        return self.audio_path or self.images_path

    def load(self) -> ClipMedia:
        """Sound and pictures, both ending where the shorter ends.

        Raises:
          DataError, MediaError: the clip cannot be used; the text says why.
        """
        if self.num_images == 0:
            raise DataError("NUMBER_FRAMES is 0: the clip has no pictures")
        sound, start_s = None, None
        if self.audio_path:
            decoded = read_audio(
                self.audio_path, self.settings.sample_rate_hz, self.settings.channels
            )
            sound = decoded.samples
            if self.audio_path == self.images_path:
                start_s = decoded.start_s
        duration_s = (
            None if sound is None else sound.shape[1] / self.settings.sample_rate_hz
        )
        if pathlib.Path(self.images_path).is_dir():
            images, rate_hz = self._images_of_folder(duration_s)
        else:
            images, rate_hz = self._images_of_video(duration_s, start_s)
        if not images:
            raise DataError(
                f"{self.path} is too short for one image at {rate_hz:g} per second"
            )
        num_samples = round(len(images) / rate_hz * self.settings.sample_rate_hz)
        if sound is None:
            sound = np.zeros((self.settings.channels, num_samples), np.int16)
        return ClipMedia(
            self.clip_id,
            sound[None, :, :num_samples],
            self.settings.sample_rate_hz,
            images,
            rate_hz,
            (self.class_name,),
        )

    def _images_of_folder(self, duration_s: float | None) -> tuple[list[bytes], float]:
        """JPEG files and their rate, from a folder of images.

        Raises:
          MediaError: images are missing, broken, of several sizes, or do not fit the
            duration of the sound.
        """
        settings = self.settings
        paths = list_images(self.images_path)
        if self.num_images is not None and len(paths) < self.num_images:
            raise MediaError(
                f"{self.images_path} has {len(paths)} of {self.num_images} images"
            )
        found_hz = settings.frames_rate_hz or settings.image_rate_hz
        if duration_s is not None:
            fitting_hz = image_rate_hz(len(paths), duration_s, found_hz)
            if settings.frames_rate_hz not in (None, fitting_hz):
                raise MediaError(
                    f"{self.images_path}: {len(paths)} images for {duration_s:.3f} s "
                    f"of sound are not {settings.frames_rate_hz:g} per second"
                )
            found_hz = fitting_hz
        rate_hz = min(found_hz, settings.image_rate_hz)
        duration_s = min(duration_s or np.inf, len(paths) / found_hz)
        shown = [
            paths[int((index + 0.5) / rate_hz * found_hz)]
            for index in range(_num_images(duration_s, rate_hz))
        ]
        images, sizes = [], set()
        for path in shown:
            image, size = read_jpeg(path, settings.short_side, settings.jpeg_quality)
            images.append(image)
            sizes.add(size)
            if len(sizes) > 1:
                raise MediaError(f"{path} is {size}, the images before it are not")
        return images, rate_hz

    def _images_of_video(
        self, duration_s: float | None, start_s: float | None
    ) -> tuple[list[bytes], float]:
        """JPEG files and their rate, from a video; `start_s` is where the sound starts.

        Raises:
          MediaError: there is no video, or it cannot be decoded.
        """
        settings = self.settings
        streams = probe(self.images_path).video
        native_hz = streams[0].image_rate_hz if streams else None
        rate_hz = min(native_hz or settings.image_rate_hz, settings.image_rate_hz)
        most = None if duration_s is None else _num_images(duration_s, rate_hz)
        pictures = sample_images(self.images_path, rate_hz, start_s)
        images = [
            encode_jpeg(
                resize_short_side(picture, settings.short_side), settings.jpeg_quality
            )
            for picture in itertools.islice(pictures, most)
        ]
        return images, rate_hz


def _num_images(duration_s: float, rate_hz: float) -> int:
    """Number of images i with (i + 0.5) / rate_hz < duration_s."""
    return max(0, int(np.ceil(duration_s * rate_hz - 0.5)))
