"""Head-related impulse responses: what two ears hear from each direction.

Given are a head that needs no measurement, and measured ones with their solid angles.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.signal import resample_poly
from scipy.spatial import SphericalVoronoi

from spatialjax.ambisonics.grids import Grid, gauss_legendre_grid
from spatialjax.errors import ConfigError, DataError, check_positive, check_shape
from spatialjax.typing import HostArray

HEAD_RADIUS_M = 0.0875
"""Of the sphere that stands for a head (Algazi, Avendano and Duda, 2001)."""

SPEED_OF_SOUND_M_S = 343.0

_GRID_DEGREE = 40
_FEWEST_TAPS = 128
_PASSBAND = 0.9
_SAME_DIRECTION = 1e-5


class Hrirs(NamedTuple):
    """Impulse responses of both ears for q directions.

    Attributes:
      direction: unit vectors to the sources, float64 [q, 3].
      weight: solid angle that each stands for, float64 [q], 4 pi in all.
      filters: left and right ear, float32 [q, 2, taps].
      sample_rate_hz: of the filters.
    """

    direction: HostArray
    weight: HostArray
    filters: HostArray
    sample_rate_hz: int


def spherical_head(
    sample_rate_hz: int,
    grid: Grid | None = None,
    head_radius_m: float = HEAD_RADIUS_M,
) -> Hrirs:
    """A rigid sphere with the ears at its left and right: needs no measurement.

    Each ear has the delay of the path around the sphere, so that between the ears lies
    r/c (γ + sin γ) for a source γ from the median plane (Woodworth, 1938), and the
    one-pole one-zero shadow of Brown and Duda (IEEE Trans. Speech Audio Process. 6,
    1998, 476), which doubles high tones at the ear and leaves least of them, a tenth,
    150 degrees from it. There is no pinna: front and back, up and down sound alike.
    Frequencies fall off from 90 % of the highest.

    The centre of the head hears the source after a quarter of the taps; at 48 kHz there
    are 256 taps, so 64 samples.

    Args:
      sample_rate_hz: of the filters.
      grid: directions and solid angles; 861 all round where None.
      head_radius_m: of the sphere.

    Raises:
      ConfigError: the rate or the radius is not positive.
    """
    check_positive("sample_rate_hz", sample_rate_hz)
    check_positive("head_radius_m", head_radius_m)
    grid = gauss_legendre_grid(_GRID_DEGREE) if grid is None else grid
    radius_s = head_radius_m / SPEED_OF_SOUND_M_S
    taps = 2 ** math.ceil(math.log2(12 * radius_s * sample_rate_hz))
    taps = max(taps, _FEWEST_TAPS)
    cosine = grid.direction[:, 1, None] * np.array([1.0, -1.0])
    angle_rad = np.arccos(np.clip(cosine, -1, 1))
    path_s = radius_s * np.where(cosine > 0, -cosine, angle_rad - np.pi / 2)
    delay_s = path_s + taps // 4 / sample_rate_hz
    omega = 2 * np.pi * np.fft.rfftfreq(taps, 1 / sample_rate_hz)
    # Equations 4 and 5 there: deepest, at 150 degrees from the ear, 0.1.
    alpha = 1.05 + 0.95 * np.cos(angle_rad * (180 / 150))
    pole = 0.5j * omega * radius_s
    shadow = (1 + alpha[..., None] * pole) / (1 + pole)
    spectrum = shadow * np.exp(-1j * omega * delay_s[..., None]) * _low_pass(len(omega))
    filters = np.fft.irfft(spectrum, taps).astype(np.float32)
    return Hrirs(grid.direction, grid.weight, filters, sample_rate_hz)


def measured_hrirs(
    direction: HostArray,
    filters: HostArray,
    sample_rate_hz: int,
    delay_samples: HostArray | None = None,
) -> Hrirs:
    """Measured responses with the solid angles of their directions.

    For a file: ``measured_hrirs(*read_sofa(path)[:4])``. Each direction stands for all
    that are nearest to it, also in a hole below the head; equal ones share.

    Args:
      direction: vectors of any length [q, 3].
      filters: left and right ear, [q, 2, taps].
      sample_rate_hz: of the filters.
      delay_samples: what to put before each filter, [q, 2], at least 0; fractions are
        interpolated with the whole band.

    Raises:
      ShapeError: the shapes do not belong together.
      ConfigError: the rate is not positive.
      DataError: a delay is negative, or the directions are too few, on one circle, or
        none.
    """
    check_positive("sample_rate_hz", sample_rate_hz)
    sizes = check_shape("direction", direction, "q 3")
    check_shape("filters", filters, "q 2 taps", sizes)
    if delay_samples is not None:
        check_shape("delay_samples", delay_samples, "q 2", sizes)
        filters = _delay(np.asarray(filters), np.asarray(delay_samples))
    direction = np.asarray(direction, np.float64)
    length = np.linalg.norm(direction, axis=-1, keepdims=True)
    if not (length > 0).all():
        raise DataError("a response has no direction: its vector has length 0")
    direction = direction / length
    weight = _solid_angles(direction)
    return Hrirs(direction, weight, np.asarray(filters, np.float32), sample_rate_hz)


def resample_hrirs(hrirs: Hrirs, sample_rate_hz: int) -> Hrirs:
    """The same responses for sound of another sample rate.

    Raises:
      ConfigError: the rate is not positive.
    """
    if sample_rate_hz < 1:
        raise ConfigError(f"the sample rate is {sample_rate_hz} Hz; it must be above 0")
    common = math.gcd(sample_rate_hz, hrirs.sample_rate_hz)
    up, down = sample_rate_hz // common, hrirs.sample_rate_hz // common
    # Taps are samples over the rate: more of them have to weigh less each.
    filters = resample_poly(hrirs.filters.astype(np.float64), up, down, axis=-1)
    return hrirs._replace(
        filters=(filters * (down / up)).astype(np.float32),
        sample_rate_hz=sample_rate_hz,
    )


def _low_pass(num_bins: int) -> HostArray:
    """Gains [f]: 1 in the passband, then half a period of a cosine down to 0."""
    frequency = np.linspace(0, 1, num_bins)
    beyond = np.clip((frequency - _PASSBAND) / (1 - _PASSBAND), 0, 1)
    return 0.5 + 0.5 * np.cos(np.pi * beyond)


def _delay(filters: HostArray, delay_samples: HostArray) -> HostArray:
    """Filters [q, 2, taps + d] put off by delays [q, 2], of which d is the longest."""
    if delay_samples.min() < 0:
        raise DataError(
            f"a delay is {delay_samples.min()} samples; delays must be at least 0"
        )
    if not delay_samples.any():
        return filters
    taps = filters.shape[-1] + math.ceil(delay_samples.max())
    turns = np.fft.rfftfreq(taps) * delay_samples[..., None]
    spectrum = np.fft.rfft(filters, taps) * np.exp(-2j * np.pi * turns)
    return np.fft.irfft(spectrum, taps)


def _solid_angles(direction: HostArray) -> HostArray:
    """Areas [q] of the cells of points on the sphere; equal points share one."""
    distinct, place, count = np.unique(
        np.round(direction / _SAME_DIRECTION).astype(np.int64),
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    points = distinct * _SAME_DIRECTION
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    if len(points) < 4 or np.linalg.svd(points - points.mean(0))[1][-1] < 1e-3:
        raise DataError(
            f"{len(points)} distinct directions do not enclose the head; it takes at "
            "least 4 that are not on one circle"
        )
    cells = SphericalVoronoi(points, threshold=_SAME_DIRECTION / 10)
    return (cells.calculate_areas() / count)[place]
