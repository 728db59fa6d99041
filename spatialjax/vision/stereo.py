"""One eye of a stereo picture."""

import enum

from spatialjax.errors import MediaError, check_choice, check_shape
from spatialjax.media.spatial_boxes import SphericalPicture, StereoMode
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


_OF_MODE = {
    StereoMode.MONO: Stereo.MONO,
    StereoMode.TOP_BOTTOM: Stereo.TOP_BOTTOM,
    StereoMode.LEFT_RIGHT: Stereo.LEFT_RIGHT,
}


def upright_stereo(sphere: SphericalPicture, name: object) -> Stereo:
    """Where equirectangular pictures of a file `name` hold the left eye.

    Raises:
      MediaError: they are of another projection, turned, or of a part of the sphere, or
        it is not told which eye is where.
    """
    is_upright = sphere == SphericalPicture(stereo=sphere.stereo)
    if not is_upright or sphere.stereo not in _OF_MODE:
        raise MediaError(
            f"{name} states a {sphere.projection} projection, {sphere.stereo}, perhaps "
            "turned or a part of the sphere; make it equirectangular, all round and "
            "upright first"
        )
    return _OF_MODE[sphere.stereo]


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
