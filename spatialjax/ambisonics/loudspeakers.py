"""Decoders of sound fields for loudspeakers, designed in float64 on the host."""

import enum

import numpy as np

from spatialjax.ambisonics.channels import degrees
from spatialjax.ambisonics.decode import DecoderKind, decoder_gains
from spatialjax.ambisonics.grids import gauss_legendre_grid
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.layouts import Layout
from spatialjax.ambisonics.norm import Norm, norm_gains
from spatialjax.ambisonics.vbap import vbap_gains
from spatialjax.errors import ConfigError, check_choice, check_shape
from spatialjax.typing import HostArray

REGULARISATION = 0.1
"""Of MODE_MATCHING: what the layout excites 20 dB less than the rest fades."""

_VIRTUAL_DEGREE = 100
"""Of the grid of virtual speakers, 5151 of them: panning gains are no polynomials."""


class LoudspeakerMethod(enum.StrEnum):
    """How the matrix is made.

    SAMPLING: each speaker plays the beam towards itself; for regular layouts.
    MODE_MATCHING: the plane waves of the speakers add up to the field (Poletti, J.
    Audio Eng. Soc. 53, 2005, 1004); loud where a layout has gaps. EPAD: the nearest
    matrix that keeps the energy of every source (Zotter, Pomberger and Noisternig, Acta
    Acustica 98, 2012, 37); needs a speaker for each harmonic. ALLRAD: sampling by many
    virtual speakers, which are panned among the real ones (Zotter and Frank, J. Audio
    Eng. Soc. 60, 2012, 807); for every layout.
    """

    SAMPLING = "sampling"
    MODE_MATCHING = "mode_matching"
    EPAD = "epad"
    ALLRAD = "allrad"


def loudspeaker_decoder(
    speakers: Layout | str | HostArray,
    order: int,
    method: LoudspeakerMethod = LoudspeakerMethod.ALLRAD,
    kind: DecoderKind = DecoderKind.MAX_RE,
) -> HostArray:
    """Decoder [channels, c], float32, from SN3D fields to the channels of a layout.

    The energy of all speakers is 1 in the mean over plane waves from the direction of
    each speaker. The channel of an LFE is silent.

    Args:
      speakers: a layout or its name, such as "5.1", or unit vectors [channels, 3], at
        least two.
      order: of the fields, which have c = (order + 1)² channels.
      method: how the matrix is made.
      kind: the weights of the degrees.

    Raises:
      ShapeError: the directions are not [channels, 3].
      ConfigError: the order is negative, there is no such layout, method or kind, or
        the method cannot serve the speakers.
    """
    method = check_choice("method", method, LoudspeakerMethod)
    if isinstance(speakers, str):
        speakers = check_choice("speakers", speakers, Layout)
        heard = loudspeaker_decoder(speakers.directions, order, method, kind)
        decoder = np.zeros((len(speakers.is_lfe), heard.shape[1]), np.float32)
        decoder[~speakers.is_lfe] = heard
        return decoder
    check_shape("speakers", speakers, "l 3")
    speakers = np.asarray(speakers, np.float64)
    lengths = np.linalg.norm(speakers, axis=-1)
    if len(speakers) < 2 or not (np.abs(lengths - 1) < 1e-3).all():
        raise ConfigError(
            f"{len(speakers)} speakers lie {lengths.round(3).tolist()} from the "
            "middle, expected at least two unit vectors"
        )
    harmonics = spherical_harmonics(speakers, order, Norm.N3D)
    if method == LoudspeakerMethod.SAMPLING:
        matrix = harmonics
    elif method == LoudspeakerMethod.ALLRAD:
        virtual = gauss_legendre_grid(_VIRTUAL_DEGREE)
        gains = vbap_gains(virtual.direction, speakers) * virtual.weight[:, None]
        matrix = gains.T @ spherical_harmonics(virtual.direction, order, Norm.N3D)
    else:
        matrix = _invert(harmonics, speakers, method)
    weights = decoder_gains(order, kind, with_multiplicity=False)[degrees(order)]
    energy = ((matrix * weights @ harmonics.T) ** 2).sum(0).mean()
    to_n3d = norm_gains(order, Norm.N3D)
    return (matrix * weights * to_n3d / np.sqrt(energy)).astype(np.float32)


def _invert(
    harmonics: HostArray, speakers: HostArray, method: LoudspeakerMethod
) -> HostArray:
    """Matrix [l, c] with the singular vectors of the harmonics [l, c] of speakers."""
    left, excitation, right = np.linalg.svd(harmonics, full_matrices=False)
    excitation /= excitation[0]
    if method == LoudspeakerMethod.MODE_MATCHING:
        return left * (excitation / (excitation**2 + REGULARISATION**2)) @ right
    is_excited = excitation > 1e-6
    num_channels = harmonics.shape[1]
    # On the horizon the harmonics of order N are the 2N + 1 cosines and sines.
    is_flat = np.abs(speakers[:, 2]).max() < 1e-6
    needed = 2 * round(num_channels**0.5) - 1 if is_flat else num_channels
    if is_excited.sum() < needed:
        raise ConfigError(
            f"EPAD needs loudspeakers that tell {needed} harmonics apart, these "
            f"{len(speakers)} tell {is_excited.sum()}; lower the order or take ALLRAD"
        )
    return (left * is_excited) @ right
