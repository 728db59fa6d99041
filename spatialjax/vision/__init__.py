"""Pictures: pure functions on arrays, batched over leading axes."""

from spatialjax.vision.cube import Cube
from spatialjax.vision.equirect import (
    Equirect,
    has_sphere_aspect,
    latitude_weights,
    mirror_image,
    pad_circular,
    yaw_image,
)
from spatialjax.vision.perspective import Perspective
from spatialjax.vision.projection import (
    Projection,
    reproject,
    resampling_taps,
    shrunk_size,
)
from spatialjax.vision.sampling import Taps, bilinear_corners, sample, shrink_by_area
from spatialjax.vision.standardise import Standardisation, standardise
from spatialjax.vision.stereo import Stereo, left_eye, upright_stereo

__all__ = [
    "Cube",
    "Equirect",
    "Perspective",
    "Projection",
    "Standardisation",
    "Stereo",
    "Taps",
    "bilinear_corners",
    "has_sphere_aspect",
    "latitude_weights",
    "left_eye",
    "mirror_image",
    "pad_circular",
    "reproject",
    "resampling_taps",
    "sample",
    "shrink_by_area",
    "shrunk_size",
    "standardise",
    "upright_stereo",
    "yaw_image",
]
