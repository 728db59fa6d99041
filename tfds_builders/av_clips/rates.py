"""The rate at which a folder of images was taken from its video."""

from spatialjax.errors import MediaError

_WHOLE = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 48, 50, 60)
USUAL_RATES_HZ = (0.5, *map(float, _WHOLE), 12.5, 24000 / 1001, 30000 / 1001)
"""Rates, in images per second, at which pictures are extracted."""


def image_rate_hz(num_images: int, duration_s: float, expected_hz: float) -> float:
    """The rate of a folder of images that shows the same time as a sound.

    The number of images over the duration is near the rate, not equal to it: the
    first and last image are rounded, and sound and picture of one recording seldom
    end together. So of the rates that bring both to one length, within half a second,
    one image and 1 % of the length, the expected one is taken, or else the usual rate
    that fits best.

    Raises:
      MediaError: no such rate: the images are not those of this sound.
    """

    def mismatch_s(rate_hz: float) -> float:
        return abs(num_images / rate_hz - duration_s)

    for rate_hz in (expected_hz, min(USUAL_RATES_HZ, key=mismatch_s)):
        if mismatch_s(rate_hz) <= 0.5 + 1 / rate_hz + 0.01 * duration_s:
            return rate_hz
    raise MediaError(
        f"{num_images} images for {duration_s:.3f} s of sound are "
        f"{num_images / duration_s:.3g} per second, which is no usual rate: pictures "
        "and sound do not belong together, or images are missing"
    )
