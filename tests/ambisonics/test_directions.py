import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.directions import (
    angle_between_rad,
    angles_to_direction,
    direction_to_angles,
    vector_length,
)
from spatialjax.errors import ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")
FRONT, LEFT, UP = np.eye(3)
NAMED = [
    (0, 0, FRONT),
    (90, 0, LEFT),
    (-90, 0, -LEFT),
    (-180, 0, -FRONT),
    (0, 90, UP),
    (0, -90, -UP),
]


def random_directions(count, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


fast_angles, fast_angle_between = (
    jax.jit(direction_to_angles),
    jax.jit(angle_between_rad),
)


@functools.cache
def gradients(function, num_vectors):
    argnums = tuple(range(num_vectors))
    return jax.jit(jax.grad(lambda *v: function(*v).sum(), argnums))


def gradient(function, *vectors):
    vectors = [np.asarray(vector, np.float32) for vector in vectors]
    return gradients(function, len(vectors))(*map(jnp.asarray, vectors))


def azimuth_of(direction):
    return direction_to_angles(direction)[0]


def elevation_of(direction):
    return direction_to_angles(direction)[1]


@pytest.mark.parametrize(("azimuth_deg", "elevation_deg", "direction"), NAMED)
def test_axes_are_front_left_and_up(azimuth_deg, elevation_deg, direction):
    angles = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    np.testing.assert_allclose(angles_to_direction(*angles), direction, atol=1e-15)
    np.testing.assert_allclose(direction_to_angles(direction), angles, atol=1e-15)


@pytest.mark.parametrize(
    ("as_array", "dtype", "tolerance"),
    [(np.asarray, np.float64, 1e-14), (jnp.float32, jnp.float32, 1e-6)],
)
def test_angles_and_directions_are_inverse(as_array, dtype, tolerance):
    rng = np.random.default_rng(1)
    azimuth = as_array(rng.uniform(-math.pi, math.pi, (4, 50)))
    elevation = as_array(rng.uniform(-1.5, 1.5, (4, 50)))
    direction = angles_to_direction(azimuth, elevation)
    assert direction.shape == (4, 50, 3)
    assert direction.dtype == dtype
    np.testing.assert_allclose(
        (np.asarray(direction) ** 2).sum(-1), 1, rtol=0, atol=tolerance
    )
    # Any length will do.
    found = direction_to_angles(direction * 3)
    np.testing.assert_allclose(found, (azimuth, elevation), atol=20 * tolerance)
    assert found[0].dtype == found[1].dtype == dtype


@pytest.mark.parametrize("length", [1e-60, 1e-13, 1e20, 1e200])
def test_angles_are_those_of_a_vector_of_any_length(length):
    expected = direction_to_angles(np.array([0.0, 1.0, 1.0]))
    found = direction_to_angles(length * np.array([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    if 1e-30 < length < 1e30:
        single = fast_angles(jnp.float32(length) * jnp.float32([0, 1, 1]))
        np.testing.assert_allclose(single, expected, rtol=1e-6)


def test_python_numbers_give_float32_and_shapes_broadcast():
    assert angles_to_direction(0.0, 0.0).dtype == jnp.float32
    ring = angles_to_direction(np.linspace(0, 1, 5), 0.5)
    assert ring.dtype == np.float64
    np.testing.assert_allclose(ring[:, 2], math.sin(0.5))
    grid = angles_to_direction(jnp.zeros((3, 1)), jnp.zeros((1, 4)))
    assert grid.shape == (3, 4, 3)


def test_the_back_is_minus_pi():
    for y in (0.0, -0.0, -1e-30):
        assert fast_angles(jnp.array([-1, y, 0]))[0] == -np.float32(math.pi)
        assert direction_to_angles(np.array([-1, y, 0]))[0] == -math.pi


@pytest.mark.parametrize("vector", [(0, 0, 1), (0, 0, -2), (0, 0, 0), (1e-13, 0, 1)])
def test_angles_and_gradients_are_finite_at_poles_and_for_no_vector(vector):
    azimuth, elevation = fast_angles(jnp.array(vector, jnp.float32))
    assert azimuth == 0
    assert elevation == np.sign(vector[2]) * np.float32(math.pi / 2)
    for function in (azimuth_of, elevation_of):
        (found,) = gradient(function, vector)
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(found[:2], 0)


def test_gradients_of_angles_are_the_textbook_ones():
    x, y, z = direction = random_directions(1)[0]
    horizontal = math.hypot(x, y)
    azimuth, elevation = (
        gradient(function, direction)[0] for function in (azimuth_of, elevation_of)
    )
    np.testing.assert_allclose(azimuth, np.array([-y, x, 0]) / horizontal**2, rtol=1e-5)
    expected = [-x * z / horizontal, -y * z / horizontal, horizontal]
    np.testing.assert_allclose(elevation, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("angle_rad", [1e-6, 1e-3, 0.3, 1.57, 2.0, 3.1, math.pi - 1e-5])
def test_angles_between_keep_their_digits(angle_rad):
    a = random_directions(100).astype(np.float32)
    across = np.cross(a, random_directions(100, seed=1))
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    b = (math.cos(angle_rad) * a + math.sin(angle_rad) * across).astype(np.float32)
    exact_a, exact_b = a.astype(np.float64), b.astype(np.float64)
    sine = np.linalg.norm(np.cross(exact_a, exact_b), axis=-1)
    expected = np.arctan2(sine, (exact_a * exact_b).sum(-1))
    found = np.asarray(fast_angle_between(jnp.asarray(a), jnp.asarray(b)), np.float64)
    np.testing.assert_allclose(found, expected, rtol=3e-7, atol=0)
    np.testing.assert_allclose(
        math.pi - found, math.pi - expected, rtol=3e-7, atol=3e-7
    )
    np.testing.assert_allclose(angle_between_rad(a, b), expected, rtol=1e-9)


def test_the_lengths_do_not_matter_for_the_angle_between():
    assert angle_between_rad(7 * FRONT, 0.1 * LEFT) == pytest.approx(math.pi / 2)
    each = angle_between_rad(random_directions(5), FRONT)
    np.testing.assert_allclose(np.cos(each), random_directions(5)[:, 0])


@pytest.mark.parametrize("length", [1e-30, 1e-15, 3e-7, 1e15, 1e30])
@pytest.mark.parametrize("angle_rad", [0.0, 1e-5, 1.0, math.pi - 0.01])
def test_nor_do_they_when_they_leave_the_range_of_squares(length, angle_rad):
    a = jnp.float32(length) * jnp.float32(FRONT)
    b = jnp.float32(length) * angles_to_direction(jnp.float32(angle_rad), 0.0)
    found = fast_angle_between(a, b)
    np.testing.assert_allclose(found, np.float32(angle_rad), rtol=1e-6)
    assert np.isfinite(gradient(angle_between_rad, a, b)).all()


@pytest.mark.parametrize(
    ("a", "b", "angle_rad"),
    [(FRONT, FRONT, 0), (FRONT, -FRONT, math.pi), (FRONT, 0 * UP, 0)],
)
def test_gradients_of_the_angle_between_are_finite_at_its_ends(a, b, angle_rad):
    found = fast_angle_between(jnp.float32(a), jnp.float32(b))
    assert found == np.float32(angle_rad)
    np.testing.assert_array_equal(gradient(angle_between_rad, a, b), 0)


def test_the_gradient_of_the_angle_between_is_a_unit_tangent():
    a, b = random_directions(2)
    angle = float(angle_between_rad(a, b))
    found, _ = gradient(angle_between_rad, a, b)
    expected = (a * math.cos(angle) - b) / math.sin(angle)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_short_vector_has_no_length_and_no_gradient():
    assert vector_length(jnp.float32([3, 4])) == 5
    assert vector_length(jnp.float32([1e-13, 0])) == 0
    np.testing.assert_array_equal(gradient(vector_length, np.zeros(4))[0], 0)


def test_other_shapes_are_refused():
    for function in (direction_to_angles, lambda v: angle_between_rad(FRONT, v)):
        with pytest.raises(ShapeError, match=r"\[2\]"):
            function(np.zeros(2))


def test_jit_and_vmap_change_nothing():
    directions = jnp.float32(random_directions(6))
    there = jax.jit(jax.vmap(direction_to_angles))(directions)
    np.testing.assert_allclose(there, direction_to_angles(directions), atol=1e-6)
    back = jax.jit(jax.vmap(angles_to_direction))(*there)
    np.testing.assert_allclose(back, directions, atol=1e-6)
