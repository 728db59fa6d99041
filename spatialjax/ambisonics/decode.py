"""Listening into directions: beams, and the decoders that are made of them.

The beam of a field a towards a direction u is the weighted sum of its channels

    s(u) = Σ_n g_n (2n + 1) Σ_m Y_nm(u) a_nm    (Y and a in SN3D).

A plane wave at an angle γ from u is heard with the gain Σ_n g_n (2n + 1) P_n(cos γ),
where P_n are the Legendre polynomials. The weights g_n trade the width of the main lobe
for the height of the side lobes. A decoder is a matrix [q, c] of q such beams, one row
for each loudspeaker or each pixel of a map.
"""

import enum
import math

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics.channels import degrees, num_channels
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.precision import Numbers, float_arrays
from spatialjax.errors import check_choice, check_shape
from spatialjax.typing import Array, HostArray


class DecoderKind(enum.StrEnum):
    """The weights g_n of the degrees n up to the order N.

    BASIC: 1, the narrowest beam, with high side lobes. MAX_RE: P_n(r_E) with r_E of
    `max_re`, which gathers the most energy around u (Daniel, thesis, Paris 6, 2000;
    Zotter and Frank, Ambisonics, Springer 2019). IN_PHASE: N! (N + 1)! / ((N + n + 1)!
    (N - n)!), without side lobes (Daniel, ibid.). LEGACY: 1 / (2n + 1), so that the
    harmonics are summed as they are; for order 1 it is IN_PHASE, above it is no good
    beam (Morgado et al., Self-supervised generation of spatial audio, NeurIPS 2018,
    published code).
    """

    BASIC = "basic"
    MAX_RE = "max_re"
    IN_PHASE = "in_phase"
    LEGACY = "legacy"


class DecoderScale(enum.StrEnum):
    """What becomes 1.

    AMPLITUDE: the gain of a plane wave from u itself. ENERGY: the mean over the sphere
    of the squared gain. NONE: nothing, the formula is left as it is.
    """

    AMPLITUDE = "amplitude"
    ENERGY = "energy"
    NONE = "none"


def max_re(order: int) -> float:
    """Length of the energy vector of the MAX_RE beam: the largest root of P_(N+1).

    The energy vector is the mean direction of arrival weighted by the squared gain; its
    length is 1 for an infinitely narrow beam. No weights give a longer one.

    Raises:
      ConfigError: the order is negative.
    """
    num_channels(order)
    return float(np.polynomial.legendre.leggauss(order + 1)[0][-1])


def decoder_gains(
    order: int, kind: DecoderKind, *, with_multiplicity: bool = True
) -> HostArray:
    """Gains of the degrees 0 .. order, float64 [order + 1]: g_n (2n + 1).

    Args:
      order: of the field.
      kind: which weights g_n.
      with_multiplicity: False gives g_n alone. Take that for fields in N3D that meet
        harmonics in N3D, whose product already contains 2n + 1.

    Raises:
      ConfigError: the order is negative, or there is no such kind.
    """
    kind = check_choice("kind", kind, DecoderKind)
    num_channels(order)
    multiplicity = 2 * np.arange(order + 1.0) + 1
    if kind == DecoderKind.BASIC:
        weights = np.ones(order + 1)
    elif kind == DecoderKind.MAX_RE:
        weights = np.polynomial.legendre.legvander([max_re(order)], order)[0]
    elif kind == DecoderKind.IN_PHASE:
        choices = math.comb(2 * order + 1, order)
        weights = np.array(
            [math.comb(2 * order + 1, order - n) / choices for n in range(order + 1)]
        )
    else:
        weights = 1 / multiplicity
    return weights * multiplicity if with_multiplicity else weights


def plane_wave_decoder(
    direction: Numbers,
    order: int,
    kind: DecoderKind = DecoderKind.MAX_RE,
    scale: DecoderScale = DecoderScale.AMPLITUDE,
) -> Numbers:
    """Decoder [q, c] of a beam towards each of the directions [q, 3].

    NumPy directions give a float64 NumPy decoder, others a float32 JAX one. Fed to L
    evenly spread loudspeakers, it wants a further factor 1 / L.

    Args:
      direction: unit vectors; more leading axes stay in front.
      order: of the fields, which have c = (order + 1)² channels in SN3D.
      kind: the weights of the degrees.
      scale: what becomes 1.

    Raises:
      ShapeError: the last axis does not hold three coordinates.
      ConfigError: the order is negative, or there is no such kind or scale.
    """
    scale = check_choice("scale", scale, DecoderScale)
    gains = decoder_gains(order, kind)
    if scale == DecoderScale.AMPLITUDE:
        gains /= gains.sum()
    elif scale == DecoderScale.ENERGY:
        gains /= math.sqrt((gains**2 / (2 * np.arange(order + 1) + 1)).sum())
    harmonics = spherical_harmonics(direction, order)
    xp, _ = float_arrays(direction)
    per_channel = gains[degrees(order)].astype(harmonics.dtype)
    return harmonics * xp.broadcast_to(per_channel, harmonics.shape)


def decode(ambisonics: Array, decoder: Array | HostArray) -> Array:
    """Signals [..., q, t], float32, of a field [..., c, t] by a decoder [q, c].

    Raises:
      ShapeError: the decoder is for another number of channels.
    """
    sizes = check_shape("ambisonics", ambisonics, "... c t")
    check_shape("decoder", decoder, "q c", {"c": sizes["c"]})
    return jnp.einsum(
        "qc,...ct->...qt",
        jnp.asarray(decoder, jnp.float32),
        jnp.asarray(ambisonics, jnp.float32),
        precision="highest",
    )
