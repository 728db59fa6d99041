"""Filters that take a sound field to two ears, designed in float64 on the host.

An ear hears ``Σ_k h_k * a_k``, one filter for each channel of the field. A plane wave
from u is then heard through ``Σ_k Y_k(u) h_k``, which has to resemble the measured
response of u; there are far fewer channels than the ear can tell directions apart.
"""

import enum
import functools

import numpy as np

from spatialjax.ambisonics.channels import degrees, indices, num_channels, order_of
from spatialjax.ambisonics.decode import DecoderKind, DecoderScale, plane_wave_decoder
from spatialjax.ambisonics.grids import gauss_legendre_grid
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.hrtf import Hrirs, spherical_head
from spatialjax.ambisonics.layouts import Layout
from spatialjax.errors import ConfigError, check_choice, check_positive, check_shape
from spatialjax.typing import HostArray

LOWEST_CROSSOVER_HZ = 1500.0
"""Up to here ears compare phases.

Order 1 with a measured dummy head: half the interaural delay is lost with a crossover
of 500 Hz, and the magnitudes above are met no better (5.3 dB of error against 5.5).
"""

CROSSOVER_HZ_PER_ORDER = 500.0
"""Up to about here a field of order 1 is right around a head; in proportion above."""

_LEAST_EXCITED = 1e-3


class FilterMethod(enum.StrEnum):
    """How the filters are made.

    VIRTUAL_SPEAKERS: the field is decoded to a cube (order 1) or a Gauss-Legendre grid
    of loudspeakers, which are heard through the nearest measured responses.
    LEAST_SQUARES: the responses of all directions are met with the least mean squared
    error over the sphere; high tones become dull and lose their direction. MAGLS: the
    same, but above a crossover only magnitudes are met, with the phases that the bin
    below led to (Schoerkhuber, Zaunschirm and Hoeldrich, DAGA 2018).
    """

    VIRTUAL_SPEAKERS = "virtual_speakers"
    LEAST_SQUARES = "least_squares"
    MAGLS = "magls"


def hrtf_filters(
    hrirs: Hrirs,
    order: int,
    method: FilterMethod = FilterMethod.MAGLS,
    *,
    crossover_hz: float | None = None,
    equalise: bool = False,
    kind: DecoderKind = DecoderKind.MAX_RE,
) -> HostArray:
    """Filters [2, c, taps], float32, of the left and the right ear for SN3D fields.

    They have the taps and the latency of the responses.

    Args:
      hrirs: responses of many directions all round.
      order: of the fields, which have c = (order + 1)² channels.
      method: how the filters are made.
      crossover_hz: of MAGLS; where None the higher of 1500 Hz and 500 Hz times the
        order.
      equalise: scale each frequency so that sound from all round reaches the ears with
        the power that it has in the responses (one gain for both ears, no phase).
      kind: the weights of the degrees for VIRTUAL_SPEAKERS.

    Raises:
      ConfigError: there are fewer directions than channels, the order is negative, or
        there is no such method or kind, or the crossover is not positive.
    """
    method = check_choice("method", method, FilterMethod)
    kind = check_choice("kind", kind, DecoderKind)
    if crossover_hz is None:
        crossover_hz = max(LOWEST_CROSSOVER_HZ, CROSSOVER_HZ_PER_ORDER * order)
    check_positive("crossover_hz", crossover_hz)
    sizes = check_shape("hrirs.filters", hrirs.filters, "q 2 taps")
    num_directions, taps = sizes["q"], sizes["taps"]
    if num_directions < num_channels(order):
        raise ConfigError(
            f"{num_directions} directions are too few for the {num_channels(order)} "
            f"filters of order {order}; give more directions or lower the order"
        )
    n_fft = 2 ** (2 * taps - 1).bit_length()
    # Without what delays all directions alike, phases hardly change from bin to bin.
    late = np.exp(-2j * np.pi * np.fft.rfftfreq(n_fft) * _common_delay(hrirs))
    target = np.fft.rfft(hrirs.filters.astype(np.float64), n_fft) / late
    if method == FilterMethod.VIRTUAL_SPEAKERS:
        fit = _virtual_speakers(hrirs, order, kind)
    else:
        fit = _least_squares(hrirs, order)
    spectrum = np.tensordot(fit, target, 1).swapaxes(0, 1)
    if method == FilterMethod.MAGLS:
        first = max(1, round(crossover_hz / hrirs.sample_rate_hz * n_fft))
        harmonics = spherical_harmonics(hrirs.direction, order)
        spectrum = _fit_magnitudes(spectrum, target, fit, harmonics, first)
    if equalise:
        spectrum *= _diffuse_gain(spectrum, target, hrirs.weight)
    return np.fft.irfft(spectrum * late, n_fft)[..., :taps].astype(np.float32)


@functools.lru_cache(maxsize=4)
def spherical_head_filters(sample_rate_hz: int, order: int) -> HostArray:
    """Filters [2, c, taps], float32, of nobody's ears: a rigid sphere, symmetric.

    They are what headphones get where no measured head is given; see `spherical_head`.

    Raises:
      ConfigError: the order is negative, or the rate is out of range.
    """
    filters = symmetric_filters(hrtf_filters(spherical_head(sample_rate_hz), order))
    filters.setflags(write=False)  # all callers share it
    return filters


def symmetric_filters(filters: HostArray) -> HostArray:
    """Filters [2, c, taps] of a head made exactly symmetric.

    Both ears become the mean of the left one and the mirrored right one: a source in
    front is then heard alike on both sides, and mirrored fields swap the ears.

    Raises:
      ShapeError: the filters are not [2, c, taps].
    """
    order = order_of(check_shape("filters", filters, "2 c taps")["c"])
    signs = np.where(indices(order) < 0, -1, 1).astype(np.float32)[:, None]
    left = (filters[0] + signs * filters[1]) / 2
    return np.stack([left, signs * left])


def _common_delay(hrirs: Hrirs) -> int:
    """Samples until the energy of a response has its centre, in the mean over all."""
    energy = hrirs.filters.astype(np.float64) ** 2
    total = np.maximum(energy.sum(-1), np.finfo(np.float64).tiny)
    centre = energy @ np.arange(energy.shape[-1]) / total
    return round(float(hrirs.weight @ centre.mean(1) / hrirs.weight.sum()))


def _least_squares(hrirs: Hrirs, order: int) -> HostArray:
    """Matrix [c, q] from the values of q directions to those of c harmonics."""
    root = np.sqrt(hrirs.weight)
    harmonics = spherical_harmonics(hrirs.direction, order)
    return np.linalg.pinv(harmonics * root[:, None], rcond=_LEAST_EXCITED) * root


def _virtual_speakers(hrirs: Hrirs, order: int, kind: DecoderKind) -> HostArray:
    """Matrix [c, q]: what of each harmonic is heard through each response."""
    if order <= 1:
        places = Layout.CUBE.directions
        share = np.full(len(places), 1 / len(places))
    else:
        places, weight = gauss_legendre_grid(2 * order)
        share = weight / (4 * np.pi)
    decoder = plane_wave_decoder(places, order, kind, DecoderScale.NONE)
    nearest = np.argmax(places @ hrirs.direction.T, axis=1)
    fit = np.zeros((decoder.shape[1], len(hrirs.direction)))
    np.add.at(fit.T, nearest, decoder * share[:, None])
    return fit


def _fit_magnitudes(
    spectrum: HostArray,
    target: HostArray,
    fit: HostArray,
    harmonics: HostArray,
    first: int,
) -> HostArray:
    """Spectra [2, c, f] of filters that meet magnitudes alone from a bin on.

    Each of these bins takes the magnitudes of the target [q, 2, f] with the phases in
    which the bin below makes the directions heard.
    """
    spectrum = spectrum.copy()
    for k in range(first, spectrum.shape[-1]):
        phase_rad = np.angle(harmonics @ spectrum[..., k - 1].T)
        wanted = np.abs(target[..., k]) * np.exp(1j * phase_rad)
        spectrum[..., k] = (fit @ wanted).T
    return spectrum


def _diffuse_gain(
    spectrum: HostArray, target: HostArray, weight: HostArray
) -> HostArray:
    """Gains [f] from the power of the filters [2, c, f] to that of the target."""
    wanted = np.einsum("q,qef->f", weight / (4 * np.pi), np.abs(target) ** 2)
    order = order_of(spectrum.shape[1])
    # Over the sphere, SN3D harmonics have the mean square 1 / (2n + 1).
    given = np.einsum("c,ecf->f", 1 / (2 * degrees(order) + 1), np.abs(spectrum) ** 2)
    return np.sqrt(wanted / np.maximum(given, np.finfo(np.float64).tiny))
