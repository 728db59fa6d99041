import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import lpmv, sph_harm_y

from spatialjax.ambisonics.channels import degrees, indices
from spatialjax.ambisonics.directions import direction_to_angles
from spatialjax.ambisonics.grids import gauss_legendre_grid
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.norm import Norm
from spatialjax.errors import ConfigError, ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")
# Compiled whole, the harmonics cost the tests one compilation instead of a hundred.
fast_harmonics = jax.jit(spherical_harmonics, static_argnums=(1, 2))
FRONT, LEFT, UP = np.eye(3)


def directions(count=200, seed=0):
    """Random ones, the axes, and some very close to the poles."""
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    near_poles = [[1e-9, 0, 1], [0, -1e-5, -1], [1e-4, 1e-4, 1]]
    vectors = np.concatenate([vectors, np.eye(3), -np.eye(3), near_poles])
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@functools.cache
def on_device(order=5):
    """Harmonics of `directions`, float32 [q, c]."""
    return np.asarray(fast_harmonics(jnp.float32(directions()), order))


def harmonics_by_scipy(direction, order):
    """SN3D by the definition with SciPy's Legendre functions, float64 [q, c]."""
    azimuth, elevation = direction_to_angles(direction)
    channels = []
    for n, m in zip(degrees(order).tolist(), indices(order).tolist(), strict=True):
        k = abs(m)
        factor = (2 - (m == 0)) * math.factorial(n - k) / math.factorial(n + k)
        legendre = (-1) ** k * lpmv(k, n, np.sin(elevation))  # without Condon-Shortley
        period = np.cos(m * azimuth) if m >= 0 else np.sin(k * azimuth)
        channels.append(math.sqrt(factor) * legendre * period)
    return np.stack(channels, -1)


def harmonics_by_table(direction):
    """The polynomials up to order 3 in x, y and z, float64 [q, 16]."""
    x, y, z = direction.T
    s3, s15 = math.sqrt(3), math.sqrt(15)
    a, b = math.sqrt(5 / 8), math.sqrt(3 / 8)
    table = [np.ones_like(x), y, z, x]
    table += [s3 * x * y, s3 * y * z, (3 * z**2 - 1) / 2, s3 * x * z]
    table += [s3 / 2 * (x**2 - y**2)]
    table += [a * y * (3 * x**2 - y**2), s15 * x * y * z, b * y * (5 * z**2 - 1)]
    table += [z * (5 * z**2 - 3) / 2, b * x * (5 * z**2 - 1)]
    table += [s15 / 2 * z * (x**2 - y**2), a * x * (x**2 - 3 * y**2)]
    return np.stack(table, -1)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [(FRONT, [1, 0, 0, 1]), (LEFT, [1, 1, 0, 0]), (UP, [1, 0, 1, 0])],
)
def test_b1_first_order_of_front_left_and_up(direction, expected):
    found = fast_harmonics(jnp.float32(direction), 1)
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_b2_recursion_equals_the_table_of_polynomials():
    expected = harmonics_by_table(directions())
    np.testing.assert_allclose(
        spherical_harmonics(directions(), 3), expected, rtol=0, atol=1e-14
    )
    np.testing.assert_allclose(on_device()[:, :16], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5, 8])
def test_harmonics_equal_scipy_legendre_functions(order):
    usual = slice(0, -3)  # near the poles the angles lose digits
    expected = harmonics_by_scipy(directions()[usual], order)
    on_host = spherical_harmonics(directions(), order)
    assert on_host.dtype == np.float64
    np.testing.assert_allclose(on_host[usual], expected, rtol=0, atol=1e-13)
    if order in (0, 5):
        assert on_device(order).dtype == np.float32
        assert on_device(order).shape == on_host.shape
        np.testing.assert_allclose(on_device(order), on_host, rtol=0, atol=2e-6)


def test_orthonormal_harmonics_equal_scipy_complex_ones():
    azimuth, elevation = direction_to_angles(directions())
    n, m = (values[None, :].astype(int) for values in (degrees(5), indices(5)))
    complex_ones = sph_harm_y(
        n, abs(m), math.pi / 2 - elevation[:, None], azimuth[:, None]
    )
    parts = np.where(m < 0, complex_ones.imag, complex_ones.real)
    expected = np.where(m == 0, 1, math.sqrt(2) * (-1.0) ** m) * parts
    found = spherical_harmonics(directions(), 5, Norm.ORTHONORMAL)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_b3_squares_of_a_degree_add_up_to_one():
    squares = on_device() ** 2
    for n in range(6):
        total = squares[:, n**2 : (n + 1) ** 2].sum(-1)
        np.testing.assert_allclose(total, 1, atol=2e-6)


def test_b4_n3d_harmonics_are_orthogonal_on_a_gauss_legendre_grid():
    grid = gauss_legendre_grid(11)
    assert grid.weight.size == 6 * 12
    harmonics = fast_harmonics(jnp.float32(grid.direction), 3, Norm.N3D)
    gram = np.einsum("qc,qd,q->cd", harmonics, harmonics, grid.weight / (4 * np.pi))
    np.testing.assert_allclose(gram, np.eye(16), atol=1e-6)


def test_harmonics_of_a_high_order_stay_in_range():
    squares = spherical_harmonics(directions(20), 60) ** 2
    np.testing.assert_allclose(squares[:, 60**2 :].sum(-1), 1, rtol=1e-10)


def test_gradients_are_those_of_the_polynomials_at_the_poles_too():
    vectors = directions(5)
    jacobian = jax.jit(jax.vmap(jax.jacobian(lambda d: spherical_harmonics(d, 3))))(
        jnp.float32(vectors)
    )
    step = 1e-6
    for axis in range(3):
        # The table and the recursion differ off the sphere; compare along it.
        tangent = np.eye(3)[axis] - vectors * vectors[:, axis : axis + 1]
        upper = harmonics_by_table(vectors + step * tangent)
        lower = harmonics_by_table(vectors - step * tangent)
        found = np.einsum("qcx,qx->qc", jacobian, tangent)
        np.testing.assert_allclose(found, (upper - lower) / (2 * step), atol=2e-5)


def test_vmap_is_a_leading_axis():
    vectors = jnp.float32(directions(8))
    each = jax.jit(jax.vmap(lambda d: spherical_harmonics(d, 2)))(vectors)
    np.testing.assert_allclose(each, spherical_harmonics(directions(8), 2), atol=1e-6)


def test_wrong_shapes_and_orders_are_refused():
    with pytest.raises(ShapeError, match=r"\[2, 4\]"):
        spherical_harmonics(np.zeros((2, 4)), 1)
    with pytest.raises(ConfigError, match="order is -1"):
        spherical_harmonics(FRONT, -1)
