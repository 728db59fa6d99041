"""Sound fields in spherical harmonics (AmbiX: ACN order, SN3D): pure functions."""

from spatialjax.ambisonics.binaural import (
    BinauralState,
    binaural_step,
    init_binaural,
    render_binaural,
    stereo_preview,
)
from spatialjax.ambisonics.channels import (
    acn_index,
    degrees,
    indices,
    num_channels,
    order_of,
    scale_channels,
)
from spatialjax.ambisonics.decode import (
    DecoderKind,
    DecoderScale,
    decode,
    decoder_gains,
    max_re,
    plane_wave_decoder,
)
from spatialjax.ambisonics.directions import (
    angle_between_rad,
    angles_to_direction,
    direction_to_angles,
    vector_length,
)
from spatialjax.ambisonics.encode import encode, encode_moving
from spatialjax.ambisonics.energy import covariance, energy_map, smooth_covariance
from spatialjax.ambisonics.grids import (
    Grid,
    angles_to_pixel,
    equirect_grid,
    fibonacci_grid,
    gauss_legendre_grid,
    pixel_to_angles,
)
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.hrtf import (
    Hrirs,
    measured_hrirs,
    resample_hrirs,
    spherical_head,
)
from spatialjax.ambisonics.hrtf_filters import (
    FilterMethod,
    hrtf_filters,
    spherical_head_filters,
    symmetric_filters,
)
from spatialjax.ambisonics.intensity import (
    diffuseness,
    energy_density,
    intensity,
    intensity_direction,
)
from spatialjax.ambisonics.layouts import Layout, Speaker
from spatialjax.ambisonics.loudspeakers import LoudspeakerMethod, loudspeaker_decoder
from spatialjax.ambisonics.mirror import Mirror, mirror, mirror_signs
from spatialjax.ambisonics.norm import (
    Norm,
    ambix_to_fuma,
    convert_norm,
    fuma_to_ambix,
    norm_gains,
)
from spatialjax.ambisonics.rotation import (
    harmonic_rotation,
    rotate,
    rotate_yaw,
    rotation_from_angles,
    turn_head,
    yaw_matrix,
)
from spatialjax.ambisonics.vbap import vbap_gains

__all__ = [
    "BinauralState",
    "DecoderKind",
    "DecoderScale",
    "FilterMethod",
    "Grid",
    "Hrirs",
    "Layout",
    "LoudspeakerMethod",
    "Mirror",
    "Norm",
    "Speaker",
    "acn_index",
    "ambix_to_fuma",
    "angle_between_rad",
    "angles_to_direction",
    "angles_to_pixel",
    "binaural_step",
    "convert_norm",
    "covariance",
    "decode",
    "decoder_gains",
    "degrees",
    "diffuseness",
    "direction_to_angles",
    "encode",
    "encode_moving",
    "energy_density",
    "energy_map",
    "equirect_grid",
    "fibonacci_grid",
    "fuma_to_ambix",
    "gauss_legendre_grid",
    "harmonic_rotation",
    "hrtf_filters",
    "indices",
    "init_binaural",
    "intensity",
    "intensity_direction",
    "loudspeaker_decoder",
    "max_re",
    "measured_hrirs",
    "mirror",
    "mirror_signs",
    "norm_gains",
    "num_channels",
    "order_of",
    "pixel_to_angles",
    "plane_wave_decoder",
    "render_binaural",
    "resample_hrirs",
    "rotate",
    "rotate_yaw",
    "rotation_from_angles",
    "scale_channels",
    "smooth_covariance",
    "spherical_harmonics",
    "spherical_head",
    "spherical_head_filters",
    "stereo_preview",
    "symmetric_filters",
    "turn_head",
    "vbap_gains",
    "vector_length",
    "yaw_matrix",
]
