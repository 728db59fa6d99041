"""One clip: the sound field of a recording and equirectangular pictures."""

import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from spatialjax.ambisonics.channels import order_of
from spatialjax.errors import DataError, ShapeError
from spatialjax.media import encode_jpeg, probe, sample_images
from spatialjax.media.flow import encode_flow, optical_flow
from tfds_builders.ambix_video.published import (
    read_pictures,
    read_published_flow,
    read_seconds,
)
from tfds_builders.ambix_video.settings import Settings
from tfds_builders.raw.ambisonics_pictures import sphere_pictures
from tfds_builders.raw.ambisonics_sound import read_field
from tfds_builders.segments import ClipMedia


@dataclass(frozen=True)
class VideoClip:
    """A 360 degree video with its sound, which may be the same file.

    Attributes:
      clip_id: unique name.
      pictures: path of the video.
      sound: path of the file with the sound.
      mask: of each channel, whether it was recorded.
      settings: how it is stored.
    """

    clip_id: str
    pictures: str
    sound: str
    mask: tuple[bool, ...]
    settings: Settings

    @property
    def path(self) -> str:
        """The file to look at if the clip is broken."""
        return self.pictures

    def load(self) -> ClipMedia:
        """Sound and pictures, both ending where the shorter ends.

        Raises:
          UserError: the clip cannot be used; the text says why.
        """
        settings = self.settings
        sound = read_field(self.sound, settings.sample_rate_hz)
        samples = _stored_channels(sound.samples, settings, self.sound)
        start_s = sound.start_s if self.sound == self.pictures else None
        duration_s = samples.shape[1] / settings.sample_rate_hz
        streams = probe(self.pictures).video
        native_hz = streams[0].image_rate_hz if streams else None
        rate_hz = min(native_hz or settings.image_rate_hz, settings.image_rate_hz)
        pictures = sphere_pictures(
            sample_images(self.pictures, rate_hz, start_s),
            self.pictures,
            None,
            settings.short_side,
        )
        most = settings.num_images(duration_s, rate_hz)
        images = self._jpegs(itertools.islice(pictures, most))
        flow = _estimated_flow(images) if settings.flow else None
        return _clip(self, samples, images, rate_hz, flow)

    def _jpegs(self, pictures: Iterable[Image.Image]) -> list[bytes]:
        """Each picture as a JPEG file; one that is shown again is encoded once."""
        images, last, content = [], None, b""
        for picture in pictures:
            if picture is not last:
                content = encode_jpeg(picture, self.settings.jpeg_quality)
                last = picture
            images.append(content)
        return images


@dataclass(frozen=True)
class PublishedClip:
    """A clip in the published layout: a folder with ``ambix`` and ``video``.

    Attributes:
      clip_id: unique name.
      folder: its path.
      mask: of each channel, whether it was recorded.
      settings: how it is stored.
    """

    clip_id: str
    folder: str
    mask: tuple[bool, ...]
    settings: Settings

    @property
    def path(self) -> str:
        """The folder to look at if the clip is broken."""
        return self.folder

    def load(self) -> ClipMedia:
        """Sound and pictures, both ending where the shorter ends.

        The flow is the published one where the images are stored as they are, else it
        is estimated.

        Raises:
          UserError: the clip cannot be used; the text says why.
        """
        settings = self.settings
        samples = read_seconds(self.folder, settings.sample_rate_hz)
        samples = _stored_channels(samples, settings, f"{self.folder}/ambix")
        duration_s = samples.shape[1] / settings.sample_rate_hz
        images, rate_hz, are_as_published = read_pictures(
            self.folder, duration_s, settings
        )
        flow = None
        if settings.flow:
            if are_as_published:
                flow = read_published_flow(self.folder, len(images))
            flow = _estimated_flow(images) if flow is None else flow
        return _clip(self, samples, images, rate_hz, flow)


def _clip(
    source: VideoClip | PublishedClip,
    samples: np.ndarray,
    images: list[bytes],
    rate_hz: float,
    flow: Sequence[bytes] | None,
) -> ClipMedia:
    """The clip; its sound is cut where the pictures end.

    Raises:
      DataError: there are no images.
    """
    if not images:
        raise DataError(
            f"{source.path} is too short for one image at {rate_hz:g} per second"
        )
    sample_rate_hz = source.settings.sample_rate_hz
    num_samples = round(len(images) / rate_hz * sample_rate_hz)
    return ClipMedia(
        source.clip_id,
        samples[None, :, :num_samples],
        sample_rate_hz,
        images,
        rate_hz,
        ("",),
        channel_mask=source.mask,
        flow=flow,
    )


def _stored_channels(samples: np.ndarray, settings: Settings, name: str) -> np.ndarray:
    """The channels [c, t] up to the stored order.

    Raises:
      DataError: the sound is no sound field, or of a lower order.
    """
    try:
        order = order_of(len(samples))
    except ShapeError as error:
        raise DataError(f"{name}: {error}") from error
    if order < settings.order:
        raise DataError(
            f"{name} has {len(samples)} channels, expected {settings.num_channels} of "
            f"order {settings.order}, or more"
        )
    return samples[: settings.num_channels]


def _estimated_flow(images: Sequence[bytes]) -> list[bytes]:
    """The encoded flow of each image; nothing moves before the first one."""
    flows, before = [], None
    for content in images:
        with Image.open(io.BytesIO(content)) as picture:
            image = np.asarray(picture.convert("RGB"))
        if before is None:
            flow = np.zeros((*image.shape[:2], 2), np.float16)
        else:
            flow = optical_flow(image, before)
        flows.append(encode_flow(flow))
        before = image
    return flows
