"""How recordings of a sound field are extracted."""

import dataclasses
from collections.abc import Sequence

from spatialjax.errors import ConfigError, check_positive
from spatialjax.vision import Stereo
from tfds_builders.raw.ambisonics_pictures import SphereForm, SphereProjection

BLOCKS_PER_S = 10
"""Levels of the sound that are written for each second."""


@dataclasses.dataclass(frozen=True)
class FieldSettings:
    """Rates and sizes; the defaults are those of the published data.

    Attributes:
      sample_rate_hz: rate of the sound, a multiple of 10.
      image_rate_hz: images per second.
      short_side: height of an image in pixels, half its width.
      jpeg_quality: 1 to 95.
      flow: whether optical flow is written too.
      projection: "er" or "eac", of all videos; "" asks each one, or its list.
      stereo: whether all videos whose `projection` is stated hold two eyes.
      channel_map: which channels of the files are W, Y, Z, X; None goes by the codec.
    """

    sample_rate_hz: int = 48000
    image_rate_hz: float = 10.0
    short_side: int = 224
    jpeg_quality: int = 90
    flow: bool = False
    projection: str = ""
    stereo: bool = False
    channel_map: tuple[int, ...] | None = None

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range, or no projection.
        """
        for name in ("sample_rate_hz", "image_rate_hz", "short_side"):
            check_positive(name, getattr(self, name))
        check_positive("jpeg_quality", self.jpeg_quality, 95)
        if self.sample_rate_hz % BLOCKS_PER_S:
            raise ConfigError(
                f"sample_rate_hz is {self.sample_rate_hz}, expected a multiple of "
                f"{BLOCKS_PER_S}"
            )
        if self.projection not in ("", *SphereProjection):
            raise ConfigError(
                f"projection is {self.projection!r}, expected "
                f"{' or '.join(SphereProjection)}"
            )
        if self.stereo and not self.projection:
            raise ConfigError("stereo is stated without a projection: state both")

    @property
    def form(self) -> SphereForm | None:
        """The form of all videos; None where each has its own."""
        if not self.projection:
            return None
        return youtube_form(SphereProjection(self.projection), self.stereo)


def youtube_form(projection: SphereProjection, stereo: bool) -> SphereForm:
    """A form as YouTube stores it, whose two eyes lie in different ways."""
    if not stereo:
        return SphereForm(projection)
    is_eac = projection == SphereProjection.EAC
    return SphereForm(projection, Stereo.TURNED if is_eac else Stereo.TOP_BOTTOM)


def parse_channel_map(words: Sequence[str]) -> tuple[int, ...]:
    """A channel map as a user writes it.

    Raises:
      ConfigError: these are no four numbers.
    """
    if len(words) != 4 or not all(word.strip().isdecimal() for word in words):
        raise ConfigError(
            f"channel_map is {','.join(words)!r}, expected four numbers from 0, such "
            "as 0,2,3,1"
        )
    return tuple(int(word) for word in words)
