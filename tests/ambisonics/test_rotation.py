import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.ambisonics.rotation import (
    harmonic_rotation,
    rotate,
    rotate_yaw,
    rotation_from_angles,
    turn_head,
    yaw_matrix,
)
from spatialjax.errors import ConfigError, ShapeError
from tests.ambisonics.fields import plane_waves, random_directions, random_field

pytestmark = pytest.mark.usefixtures("strict_dtypes")
fast_harmonic_rotation = jax.jit(harmonic_rotation, static_argnums=1)
fast_rotate = jax.jit(rotate)
fast_rotate_yaw = jax.jit(rotate_yaw)
FRONT, LEFT, UP = np.eye(3)
RANDOM = Rotation.random(20, rng=0).as_matrix()
# Quarter and half turns about the axes, where Euler angles are singular.
SPECIAL = Rotation.create_group("O").as_matrix()
ROTATIONS = np.concatenate([RANDOM, SPECIAL])
UNTURNED = 20 + np.abs(SPECIAL - np.eye(3)).sum((1, 2)).argmin()


def test_angles_turn_the_head_left_up_and_to_the_right_shoulder():
    quarter = math.pi / 2
    cases = [
        (rotation_from_angles(quarter, 0.0, 0.0), FRONT, LEFT),
        (yaw_matrix(quarter), FRONT, LEFT),
        (rotation_from_angles(0.0, quarter, 0.0), FRONT, UP),
        (rotation_from_angles(0.0, 0.0, quarter), LEFT, UP),
    ]
    for rotation, before, after in cases:
        np.testing.assert_allclose(rotation @ jnp.float32(before), after, atol=1e-7)


def test_angles_are_applied_as_scipy_applies_them():
    yaw, pitch, roll = np.random.default_rng(0).uniform(-3, 3, (3, 2, 5))
    found = rotation_from_angles(*(jnp.float32(angle) for angle in (yaw, pitch, roll)))
    assert found.dtype == jnp.float32
    angles = np.stack([yaw, -pitch, roll], -1).reshape(-1, 3)
    expected = Rotation.from_euler("ZYX", angles).as_matrix()
    np.testing.assert_allclose(found.reshape(-1, 3, 3), expected, atol=5e-7)
    only_yaw = rotation_from_angles(jnp.float32(yaw), 0.0, 0.0)
    np.testing.assert_allclose(only_yaw, yaw_matrix(jnp.float32(yaw)), atol=1e-7)


@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_b5_rotated_harmonics_are_harmonics_of_rotated_directions(order):
    direction = random_directions(30)
    matrices = fast_harmonic_rotation(jnp.float32(ROTATIONS), order)
    assert matrices.dtype == jnp.float32
    assert matrices.shape == (44, (order + 1) ** 2, (order + 1) ** 2)
    harmonics = spherical_harmonics(direction, order)
    turned = np.einsum("rij,qj->rqi", ROTATIONS, direction)
    expected = spherical_harmonics(turned, order)
    found = np.einsum("rij,qj->rqi", np.float64(matrices), harmonics)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_b5_rotations_compose_and_are_orthogonal():
    reverse = ROTATIONS[::-1]
    one, other, product = (
        np.asarray(fast_harmonic_rotation(jnp.float32(rotation), 5))
        for rotation in (ROTATIONS, reverse, ROTATIONS @ reverse)
    )
    np.testing.assert_allclose(one @ other, product, atol=3e-6)
    identity = np.broadcast_to(np.eye(36), one.shape)
    np.testing.assert_allclose(one @ one.swapaxes(1, 2), identity, atol=3e-6)
    np.testing.assert_allclose(one[UNTURNED], np.eye(36), atol=1e-6)


def test_the_block_of_degree_one_is_the_rotation_in_y_z_x_order():
    (matrix,) = RANDOM[:1]
    found = harmonic_rotation(jnp.float32(matrix), 1)
    np.testing.assert_array_equal(
        found[1:, 1:], np.float32(matrix)[[1, 2, 0]][:, [1, 2, 0]]
    )
    np.testing.assert_array_equal(found[0], [1, 0, 0, 0])


@pytest.mark.parametrize("order", [0, 1, 5])
def test_b5_yaw_has_a_closed_form(order):
    field = random_field(order, 6)
    yaw = jnp.linspace(-math.pi, math.pi, 6)
    found = fast_rotate_yaw(field, yaw)
    assert found.dtype == jnp.float32
    expected = fast_rotate(field, yaw_matrix(yaw))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_b5_yaw_of_first_order_is_the_textbook_matrix():
    w, y, z, x = random_field(1)
    cosine, sine = math.cos(0.3), math.sin(0.3)
    expected = [w, cosine * y + sine * x, z, cosine * x - sine * y]
    np.testing.assert_allclose(
        fast_rotate_yaw(random_field(1), 0.3), expected, atol=1e-6
    )


def test_b5_a_quarter_turn_moves_the_front_to_the_left():
    signal = np.ones(3, np.float32)
    found = fast_rotate_yaw(plane_waves(signal, FRONT, 4), math.pi / 2)
    np.testing.assert_allclose(found, plane_waves(signal, LEFT, 4), atol=1e-6)


@pytest.mark.parametrize("order", [1, 4])
def test_a_rotated_field_is_that_of_the_rotated_source(order):
    signal = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    direction = random_directions(5)
    found = fast_rotate(plane_waves(signal, direction, order), jnp.float32(RANDOM[0]))
    expected = plane_waves(signal, direction @ RANDOM[0].T, order)
    np.testing.assert_allclose(found, expected, atol=5e-6)


def test_leading_axes_broadcast():
    field = random_field(2, 3, 2)
    one = fast_rotate(field, jnp.float32(RANDOM[0]))
    assert one.shape == field.shape
    each = fast_rotate(field[0, 0], jnp.float32(RANDOM[:4]))
    assert each.shape == (4, *field.shape[2:])
    np.testing.assert_allclose(each[0], one[0, 0], atol=1e-6)
    mapped = jax.vmap(fast_rotate)(field[:, 0], jnp.float32(RANDOM[:3]))
    np.testing.assert_allclose(mapped[0], one[0, 0], atol=1e-6)
    np.testing.assert_allclose(
        fast_rotate_yaw(field[0, 0], jnp.array([0.0, 1.0]))[1],
        fast_rotate_yaw(field, 1.0)[0, 0],
        atol=1e-6,
    )


def test_a_turned_head_hears_what_it_faces_in_front():
    head = np.asarray(rotation_from_angles(0.7, 0.4, -0.2))
    signal = np.ones(2, np.float32)
    nose, left_ear, crown = head.T
    field = plane_waves(signal, [nose, left_ear, crown], 3)
    found = jax.jit(turn_head)(field, head)
    expected = plane_waves(signal, [FRONT, LEFT, UP], 3)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_gradients_with_respect_to_angles_are_differences():
    field, target = random_field(3), random_field(3, seed=1)

    def product(angles):
        return (rotate(field, rotation_from_angles(*angles)) * target).mean()

    value, gradient = jax.jit(product), jax.jit(jax.grad(product))
    step = 1e-2
    for angles in [(0.0, 0.0, 0.0), (0.5, math.pi / 2, 0.1)]:
        for axis, found in enumerate(gradient(np.float32(angles))):
            shift = step * np.eye(3)[axis]
            upper, lower = (value(np.float32(angles + s)) for s in (shift, -shift))
            np.testing.assert_allclose(found, (upper - lower) / (2 * step), atol=2e-3)


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match="5 channels"):
        rotate(np.zeros((5, 3)), np.eye(3))
    with pytest.raises(ShapeError, match="5 channels"):
        rotate_yaw(np.zeros((5, 3)), 0.1)
    with pytest.raises(ShapeError, match="rotation"):
        rotate(random_field(1), np.eye(4))
    with pytest.raises(ShapeError, match="head_rotation"):
        turn_head(random_field(1), np.eye(4))
    with pytest.raises(ConfigError, match="order is -1"):
        harmonic_rotation(np.eye(3), -1)
