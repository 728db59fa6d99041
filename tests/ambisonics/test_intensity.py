import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.directions import (
    angle_between_rad,
    angles_to_direction,
    direction_to_angles,
)
from spatialjax.ambisonics.encode import encode
from spatialjax.ambisonics.grids import gauss_legendre_grid
from spatialjax.ambisonics.intensity import (
    diffuseness,
    energy_density,
    intensity,
    intensity_direction,
)
from spatialjax.ambisonics.rotation import rotate, rotate_yaw, rotation_from_angles
from spatialjax.errors import ShapeError
from tests.ambisonics.fields import random_directions, random_field

pytestmark = pytest.mark.usefixtures("strict_dtypes")
FUNCTIONS = [intensity, energy_density, intensity_direction, diffuseness]
SIGNAL = random_field(0, num_samples=200)[0]


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("level", [1.0, 1e-6, 1e6])
def test_b10_intensity_points_to_the_source(order, level):
    direction = random_directions(50)
    field = encode(level * SIGNAL, direction, order)
    found = jax.jit(intensity_direction)(field)
    assert found.dtype == jnp.float32
    np.testing.assert_array_less(angle_between_rad(found, jnp.float32(direction)), 1e-4)
    np.testing.assert_allclose(
        direction_to_angles(found), direction_to_angles(direction), atol=1e-4
    )


def test_b10_a_plane_wave_is_not_diffuse():
    field = encode(SIGNAL, random_directions(50), 1)
    found = jax.jit(diffuseness)(field)
    assert found.dtype == jnp.float32
    assert found.shape == (50,)
    np.testing.assert_allclose(found, 0, atol=1e-6)
    assert (found >= 0).all()


def test_b10_pressure_alone_is_diffuse():
    field = np.zeros((4, SIGNAL.size), np.float32)
    field[0] = SIGNAL
    assert diffuseness(field) == 1
    np.testing.assert_array_equal(intensity_direction(field), 0)


def test_independent_sounds_from_all_sides_are_diffuse():
    grid = gauss_legendre_grid(3)
    each = np.sqrt(grid.weight / (4 * np.pi)).astype(np.float32)[:, None]
    signals = each * random_field(0, 8, num_samples=20000)[:, 0]
    field = encode(signals, grid.direction, 1).sum(0)
    assert diffuseness(field) > 0.97


def test_intensity_and_energy_are_the_means_of_products():
    field = random_field(2, 2, 3)
    w, y, z, x = np.moveaxis(np.float64(field), -2, 0)[:4]
    expected = np.stack([w * x, w * y, w * z], -2).mean(-1)
    np.testing.assert_allclose(intensity(field), expected, atol=1e-6)
    expected = (w**2 + x**2 + y**2 + z**2).mean(-1) / 2
    np.testing.assert_allclose(energy_density(field), expected, rtol=1e-5)
    assert (diffuseness(field) < 1).all()


def test_b25_rotation_turns_the_direction_of_arrival():
    azimuth, turn = np.deg2rad(20.0), np.deg2rad(115.0)
    field = encode(SIGNAL, angles_to_direction(azimuth, 0.3), 1)
    found = direction_to_angles(intensity_direction(rotate_yaw(field, turn)))
    np.testing.assert_allclose(found, (azimuth + turn, 0.3), atol=1e-5)
    rotation = rotation_from_angles(0.4, -0.3, 1.2)
    found = intensity_direction(rotate(field, rotation))
    np.testing.assert_allclose(found, rotation @ intensity_direction(field), atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("level", [0, 1e-25, 1e-10, 1])
@pytest.mark.parametrize("channel", [0, 2])
def test_values_and_gradients_are_finite_where_the_direction_is_unknown(
    function, level, channel
):
    field = np.zeros((4, SIGNAL.size), np.float32)
    field[channel] = np.float32(level) * SIGNAL
    value, gradient = jax.value_and_grad(lambda f: function(f).sum())(
        jnp.asarray(field)
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_silence_is_diffuse_and_comes_from_nowhere():
    silence = jnp.zeros((4, 10))
    assert diffuseness(silence) == 1
    np.testing.assert_array_equal(intensity_direction(silence), 0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_vmap_is_a_leading_axis_and_other_channels_are_refused(function):
    field = jnp.asarray(random_field(1, 3))
    np.testing.assert_allclose(jax.vmap(function)(field), function(field), rtol=1e-6)
    with pytest.raises(ShapeError, match="1 channel"):
        function(field[:, :1])
    with pytest.raises(ShapeError, match="3 channels"):
        function(field[:, :3])
