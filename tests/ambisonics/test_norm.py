import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.grids import fibonacci_grid
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.norm import (
    Norm,
    ambix_to_fuma,
    convert_norm,
    fuma_to_ambix,
    norm_gains,
)
from spatialjax.errors import ConfigError, ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def field(order, *leading, seed=0):
    shape = (*leading, (order + 1) ** 2, 7)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def fuma_by_formulas(direction):
    """Harmonics [q, 16] in FuMa order, from the usual table in x, y and z."""
    x, y, z = direction.T
    first = [np.full_like(x, math.sqrt(0.5)), x, y, z]
    second = [(3 * z**2 - 1) / 2, 2 * x * z, 2 * y * z, x**2 - y**2, 2 * x * y]
    third = [z * (5 * z**2 - 3) / 2]
    third += [math.sqrt(135 / 256) * c * (5 * z**2 - 1) for c in (x, y)]
    third += [math.sqrt(27) / 2 * z * (x**2 - y**2), math.sqrt(27) * x * y * z]
    third += [x * (x**2 - 3 * y**2), y * (3 * x**2 - y**2)]
    return np.stack([*first, *second, *third], -1)


def test_gains_between_normalisations_follow_the_degree():
    np.testing.assert_array_equal(norm_gains(2, Norm.SN3D), np.ones(9))
    n3d = [1] + [math.sqrt(3)] * 3 + [math.sqrt(5)] * 5
    np.testing.assert_allclose(norm_gains(2, Norm.N3D), n3d)
    np.testing.assert_allclose(
        norm_gains(2, Norm.ORTHONORMAL), np.array(n3d) / math.sqrt(4 * math.pi)
    )


@pytest.mark.parametrize("source", list(Norm))
@pytest.mark.parametrize("target", list(Norm))
def test_conversion_is_the_ratio_of_gains_and_inverts(source, target):
    ambisonics = field(4, 2)
    converted = convert_norm(jnp.asarray(ambisonics), source, target)
    assert converted.dtype == jnp.float32
    ratio = norm_gains(4, target) / norm_gains(4, source)
    np.testing.assert_allclose(converted, ambisonics * ratio[:, None], rtol=1e-6)
    np.testing.assert_allclose(
        convert_norm(converted, target, source), ambisonics, rtol=1e-6
    )


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_b6_fuma_round_trip_is_identity(order):
    ambisonics = field(order, 2, 3)
    there = jax.jit(ambix_to_fuma)(jnp.asarray(ambisonics))
    assert there.dtype == jnp.float32
    np.testing.assert_allclose(fuma_to_ambix(there), ambisonics, rtol=1e-6)
    back = fuma_to_ambix(jnp.asarray(ambisonics))
    np.testing.assert_allclose(ambix_to_fuma(back), ambisonics, rtol=1e-6)


def test_b6_first_order_fuma_is_w_x_y_z_with_a_lower_w():
    w, y, z, x = field(1)
    expected = np.stack([w / math.sqrt(2), x, y, z])
    np.testing.assert_allclose(ambix_to_fuma(field(1)), expected, rtol=1e-6)


def test_b6_encoded_sources_have_the_fuma_formulas():
    direction = fibonacci_grid(50).direction
    ambix = spherical_harmonics(direction, 3).T
    np.testing.assert_allclose(
        ambix_to_fuma(ambix), fuma_by_formulas(direction).T, atol=1e-6
    )


def test_fuma_ends_at_order_three_and_needs_full_sets():
    for function in (ambix_to_fuma, fuma_to_ambix):
        with pytest.raises(ConfigError, match="order 4"):
            function(field(4))
        with pytest.raises(ShapeError, match="5 channels"):
            function(np.zeros((5, 3), np.float32))


def test_an_unknown_normalisation_is_told():
    with pytest.raises(ConfigError, match="norm is 'maxn', expected one of sn3d, n3d"):
        norm_gains(1, "maxn")
