"""How recordings of a sound field and its pictures are stored."""

import dataclasses
import math

from spatialjax.errors import check_positive


@dataclasses.dataclass(frozen=True)
class Settings:
    """Rates and sizes; the defaults are those of the published networks.

    Attributes:
      sample_rate_hz: rate of the stored sound.
      order: ambisonic order of the stored sound, (order + 1)² channels; a recording of
        a higher order loses the channels beyond, one of a lower order is refused.
      image_rate_hz: most images per second that are stored; pictures that come at a
        lower rate keep theirs.
      short_side: height of a stored picture in pixels, half its width.
      jpeg_quality: 1 to 95, for pictures that have to be encoded.
      flow: whether the optical flow of each image is stored.
    """

    sample_rate_hz: int = 48000
    order: int = 1
    image_rate_hz: float = 10.0
    short_side: int = 224
    jpeg_quality: int = 90
    flow: bool = False

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range.
        """
        for name in ("sample_rate_hz", "order", "image_rate_hz", "short_side"):
            check_positive(name, getattr(self, name))
        check_positive("jpeg_quality", self.jpeg_quality, 95)

    @property
    def num_channels(self) -> int:
        """Number of stored channels."""
        return (self.order + 1) ** 2

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of a stored picture."""
        return 2 * self.short_side, self.short_side

    def num_images(self, duration_s: float, rate_hz: float) -> int:
        """Number of images i with (i + 0.5) / rate_hz < duration_s."""
        return max(0, math.ceil(duration_s * rate_hz - 0.5))
