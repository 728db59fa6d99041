"""One eye of a stereo picture."""

import enum

from spatialjax.errors import check_choice, check_shape
from spatialjax.vision.sampling import AnyArray


class Stereo(enum.StrEnum):
    """Where a picture holds the left eye, which is the one that is kept.

    TURNED: the left half, turned a quarter against the clock, as YouTube stores a
    stereo EAC.
    """

    MONO = "mono"
    TOP_BOTTOM = "top_bottom"
    LEFT_RIGHT = "left_right"
    TURNED = "turned"


def left_eye(images: AnyArray, stereo: Stereo) -> AnyArray:
    """The pictures of the left eye, upright, of pictures [..., h, w, c].

    Raises:
      ConfigError: there is no such place for it.
    """
    stereo = check_choice("stereo", stereo, Stereo)
    sizes = check_shape("images", images, "... h w c")
    if stereo == Stereo.TOP_BOTTOM:
        return images[..., : sizes["h"] // 2, :, :]
    if stereo == Stereo.MONO:
        return images
    half = images[..., : sizes["w"] // 2, :]
    if stereo == Stereo.LEFT_RIGHT:
        return half
    return half.swapaxes(-3, -2)[..., ::-1, :]
