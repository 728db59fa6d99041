import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.directions import angles_to_direction, direction_to_angles
from spatialjax.ambisonics.grids import (
    angles_to_pixel,
    equirect_grid,
    fibonacci_grid,
    gauss_legendre_grid,
    pixel_to_angles,
)
from spatialjax.errors import ConfigError

pytestmark = pytest.mark.usefixtures("strict_dtypes")


@pytest.mark.parametrize(
    "grid",
    [
        equirect_grid(1, 1),
        equirect_grid(18, 36),
        equirect_grid(7, 5),
        fibonacci_grid(1),
        fibonacci_grid(257),
        gauss_legendre_grid(0),
        gauss_legendre_grid(7),
    ],
)
def test_b7_weights_are_the_solid_angle_of_the_sphere(grid):
    assert grid.direction.dtype == grid.weight.dtype == np.float64
    assert grid.direction.shape == (*grid.weight.shape, 3)
    np.testing.assert_allclose(grid.weight.sum(), 4 * math.pi, rtol=1e-12)
    assert (grid.weight > 0).all()
    np.testing.assert_allclose((grid.direction**2).sum(-1), 1, rtol=1e-12)
    assert (np.diff(grid.direction[:, 2]) < 1e-12).all()  # from the top down


def test_solid_angles_of_pixels_are_areas_between_parallels():
    edge_rad = np.deg2rad([90, 45, 0, -45, -90])
    expected = 2 * math.pi / 3 * -np.diff(np.sin(edge_rad))
    np.testing.assert_allclose(equirect_grid(4, 3).weight, np.repeat(expected, 3))


@pytest.mark.parametrize(
    ("row", "column", "azimuth_deg", "elevation_deg"),
    [
        (89.5, 179.5, 0, 0),
        (89.5, -0.5, 180, 0),
        (89.5, 359.5, -180, 0),
        (89.5, 89.5, 90, 0),
        (0, 179.5, 0, 89.5),
        (179, 269.5, -90, -89.5),
    ],
)
def test_pixels_lie_where_the_picture_shows_them(
    row, column, azimuth_deg, elevation_deg
):
    angles = pixel_to_angles(row, column, 180, 360)
    np.testing.assert_allclose(np.rad2deg(angles), (azimuth_deg, elevation_deg))
    back = angles_to_pixel(*np.deg2rad([azimuth_deg, elevation_deg]), 180, 360)
    np.testing.assert_allclose(back, (row, column), atol=1e-12)


def test_b7_pixels_to_directions_and_back_is_identity():
    height, width = 32, 64
    row, column = np.mgrid[:height, :width].astype(np.float64)
    direction = angles_to_direction(*pixel_to_angles(row, column, height, width))
    np.testing.assert_array_equal(
        direction.reshape(-1, 3), equirect_grid(height, width).direction
    )
    back = angles_to_pixel(*direction_to_angles(direction), height, width)
    np.testing.assert_allclose(back, (row, column), atol=1e-12)

    @jax.jit
    def there_and_back(row, column):
        direction = angles_to_direction(*pixel_to_angles(row, column, height, width))
        return angles_to_pixel(*direction_to_angles(direction), height, width)

    traced = there_and_back(jnp.float32(row), jnp.float32(column))
    assert traced[0].dtype == traced[1].dtype == jnp.float32
    np.testing.assert_allclose(traced, (row, column), atol=1e-4)


@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8])
def test_gauss_legendre_integrates_monomials_up_to_its_degree(degree):
    x, y, z = gauss_legendre_grid(degree).direction.T
    weight = gauss_legendre_grid(degree).weight
    for i in range(degree + 1):
        for j in range(degree + 1 - i):
            for k in range(degree + 1 - i - j):
                # 4 pi (i-1)!! (j-1)!! (k-1)!! / (i+j+k+1)!! for even powers, else 0
                half = [math.gamma((power + 1) / 2) for power in (i, j, k)]
                expected = 2 * math.prod(half) / math.gamma((i + j + k + 3) / 2)
                if i % 2 or j % 2 or k % 2:
                    expected = 0
                found = (weight * x**i * y**j * z**k).sum()
                assert found == pytest.approx(expected, abs=1e-12)


def test_fibonacci_points_are_spread_evenly():
    direction = fibonacci_grid(500).direction
    cosine = direction @ direction.T
    np.fill_diagonal(cosine, -1)
    nearest_rad = np.arccos(cosine.max(-1))
    spacing_rad = math.sqrt(4 * math.pi / 500)
    assert (nearest_rad > 0.6 * spacing_rad).all()
    assert (nearest_rad < 1.2 * spacing_rad).all()
    np.testing.assert_allclose(direction.mean(0), 0, atol=1e-3)


def test_empty_grids_are_refused():
    with pytest.raises(ConfigError, match="width is 0"):
        equirect_grid(4, 0)
    with pytest.raises(ConfigError, match="num_points is 0"):
        fibonacci_grid(0)
    with pytest.raises(ConfigError, match="degree is -1"):
        gauss_legendre_grid(-1)
