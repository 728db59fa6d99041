import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.directions import (
    angle_between_rad,
    angles_to_direction,
    direction_to_angles,
)
from spatialjax.ambisonics.grids import gauss_legendre_grid
from spatialjax.ambisonics.intensity import (
    diffuseness,
    energy_density,
    intensity,
    intensity_direction,
)
from spatialjax.ambisonics.rotation import rotate, rotate_yaw, rotation_from_angles
from spatialjax.errors import ShapeError
from tests.ambisonics.fields import plane_waves, random_directions, random_field

pytestmark = pytest.mark.usefixtures("strict_dtypes")
FUNCTIONS = [intensity, energy_density, intensity_direction, diffuseness]
fast_diffuseness, fast_direction = jax.jit(diffuseness), jax.jit(intensity_direction)
SIGNAL = random_field(0, num_samples=200)[0]


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("level", [1.0, 1e-6, 1e6])
def test_b10_intensity_points_to_the_source(order, level):
    direction = random_directions(50)
    field = plane_waves(level * SIGNAL, direction, order)
    found = fast_direction(field)
    assert found.dtype == jnp.float32
    found = np.float64(found)
    np.testing.assert_array_less(angle_between_rad(found, direction), 1e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-6)


def test_b10_a_plane_wave_is_not_diffuse():
    field = plane_waves(SIGNAL, random_directions(50), 1)
    found = fast_diffuseness(field)
    assert found.dtype == jnp.float32
    assert found.shape == (50,)
    np.testing.assert_allclose(found, 0, atol=1e-6)
    assert (found >= 0).all()


def test_b10_pressure_alone_is_diffuse():
    field = np.zeros((4, SIGNAL.size), np.float32)
    field[0] = SIGNAL
    assert fast_diffuseness(field) == 1
    np.testing.assert_array_equal(fast_direction(field), 0)


def test_independent_sounds_from_all_sides_are_diffuse():
    grid = gauss_legendre_grid(3)
    each = np.sqrt(grid.weight / (4 * np.pi)).astype(np.float32)[:, None]
    signals = each * random_field(0, 8, num_samples=20000)[:, 0]
    field = plane_waves(signals, grid.direction, 1).sum(0)
    assert fast_diffuseness(field) > 0.97


def test_intensity_and_energy_are_the_means_of_products():
    field = random_field(2, 2, 3)
    w, y, z, x = np.moveaxis(np.float64(field), -2, 0)[:4]
    expected = np.stack([w * x, w * y, w * z], -2).mean(-1)
    np.testing.assert_allclose(jax.jit(intensity)(field), expected, atol=1e-6)
    expected = (w**2 + x**2 + y**2 + z**2).mean(-1) / 2
    np.testing.assert_allclose(jax.jit(energy_density)(field), expected, rtol=1e-5)
    assert (fast_diffuseness(field) < 1).all()


def test_b25_rotation_turns_the_direction_of_arrival():
    azimuth, turn = np.deg2rad(20.0), np.deg2rad(115.0)
    field = plane_waves(SIGNAL, angles_to_direction(azimuth, np.float64(0.3)), 1)
    found = np.float64(fast_direction(rotate_yaw(field, turn)))
    np.testing.assert_allclose(
        direction_to_angles(found), (azimuth + turn, 0.3), atol=1e-5
    )
    rotation = np.asarray(rotation_from_angles(0.4, -0.3, 1.2))
    found = fast_direction(rotate(field, rotation))
    np.testing.assert_allclose(found, rotation @ fast_direction(field), atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_and_gradients_are_finite_where_the_direction_is_unknown(function):
    both = jax.jit(jax.value_and_grad(lambda field: function(field).sum()))
    for level in (0, 1e-25, 1e-10, 1):
        for channel in (0, 2):
            field = np.zeros((4, SIGNAL.size), np.float32)
            field[channel] = np.float32(level) * SIGNAL
            value, gradient = both(field)
            assert np.isfinite(value)
            assert np.isfinite(gradient).all()


def test_silence_is_diffuse_and_comes_from_nowhere():
    silence = np.zeros((4, SIGNAL.size), np.float32)
    assert fast_diffuseness(silence) == 1
    np.testing.assert_array_equal(fast_direction(silence), 0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_vmap_is_a_leading_axis_and_other_channels_are_refused(function):
    field = jnp.asarray(random_field(1, 3))
    each, whole = jax.jit(lambda f: (jax.vmap(function)(f), function(f)))(field)
    np.testing.assert_allclose(each, whole, rtol=1e-6)
    with pytest.raises(ShapeError, match="1 channel"):
        function(field[:, :1])
    with pytest.raises(ShapeError, match="3 channels"):
        function(field[:, :3])
