"""Real spherical harmonics: what a direction sounds like in each channel.

The harmonic of degree n and index m in SN3D is, at azimuth φ and elevation θ,

    Y = √((2 - δ_m) (n - |m|)! / (n + |m|)!) · P_n^|m|(sin θ) · cos mφ  (m >= 0)
                                                             or sin |m|φ  (m < 0)

with δ_0 = 1, else 0, and the associated Legendre functions P without the sign (-1)^m of
Condon and Shortley. The squares of the 2n + 1 harmonics of one degree add up to 1.

Nothing is divided by cos θ here: P_n^|m| / cos^|m| θ is a polynomial in z, and cos^|m|
θ times the cosine or sine of |m|φ is the real or imaginary part of (x + iy)^|m|. So the
harmonics are polynomials in x, y, z, smooth at the poles.
"""

import math

from spatialjax.ambisonics.channels import acn_index, num_channels
from spatialjax.ambisonics.norm import Norm, norm_gains
from spatialjax.ambisonics.precision import Numbers, float_arrays
from spatialjax.errors import check_shape


def spherical_harmonics(
    direction: Numbers, order: int, norm: Norm = Norm.SN3D
) -> Numbers:
    """Harmonics [..., c] in ACN order of unit vectors [..., 3].

    The polynomials in z follow the three-term recursion of the Legendre functions (NIST
    Handbook of Mathematical Functions, 14.10.3) with the normalisation worked in, so no
    term leaves the range of float32. Its errors stay below 2e-6 up to order 10.

    Args:
      direction: of length 1. A NumPy array gives NumPy float64, any other array JAX
        float32.
      order: any.
      norm: of the result.

    Raises:
      ShapeError: the last axis does not hold three coordinates.
      ConfigError: the order is negative.
    """
    check_shape("direction", direction, "... 3")
    xp, direction = float_arrays(direction)
    x, y, z = (direction[..., axis] for axis in range(3))
    channels = [xp.ones_like(z)] * num_channels(order)
    cosine, sine = xp.ones_like(z), xp.zeros_like(z)
    sectoral = 1.0  # of degree m, over cos^m θ
    for m in range(order + 1):
        if m:
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
            sectoral *= math.sqrt((2 if m == 1 else 1) * (2 * m - 1) / (2 * m))
        before, polynomial = xp.zeros_like(z), xp.full_like(z, sectoral)
        for n in range(m, order + 1):
            channels[acn_index(n, -m)] = polynomial * sine
            channels[acn_index(n, m)] = polynomial * cosine  # also where m is 0
            before, polynomial = (
                polynomial,
                ((2 * n + 1) * z * polynomial - math.sqrt(n**2 - m**2) * before)
                / math.sqrt((n + 1) ** 2 - m**2),
            )
    gains = norm_gains(order, norm).tolist()
    return xp.stack([g * c for g, c in zip(gains, channels, strict=True)], axis=-1)
