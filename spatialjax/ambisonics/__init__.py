"""Sound fields in spherical harmonics (AmbiX: ACN order, SN3D): pure functions."""

from spatialjax.ambisonics.channels import (
    acn_index,
    degrees,
    indices,
    num_channels,
    order_of,
    scale_channels,
)
from spatialjax.ambisonics.directions import (
    angle_between_rad,
    angles_to_direction,
    direction_to_angles,
    vector_length,
)
from spatialjax.ambisonics.grids import (
    Grid,
    angles_to_pixel,
    equirect_grid,
    fibonacci_grid,
    gauss_legendre_grid,
    pixel_to_angles,
)
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.norm import (
    Norm,
    ambix_to_fuma,
    convert_norm,
    fuma_to_ambix,
    norm_gains,
)

__all__ = [
    "Grid",
    "Norm",
    "acn_index",
    "ambix_to_fuma",
    "angle_between_rad",
    "angles_to_direction",
    "angles_to_pixel",
    "convert_norm",
    "degrees",
    "direction_to_angles",
    "equirect_grid",
    "fibonacci_grid",
    "fuma_to_ambix",
    "gauss_legendre_grid",
    "indices",
    "norm_gains",
    "num_channels",
    "order_of",
    "pixel_to_angles",
    "scale_channels",
    "spherical_harmonics",
    "vector_length",
]
