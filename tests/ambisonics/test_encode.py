import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.encode import encode, encode_moving
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.errors import ConfigError, ShapeError
from tests.ambisonics.fields import random_directions

pytestmark = pytest.mark.usefixtures("strict_dtypes")
fast_encode = jax.jit(encode, static_argnums=2)
fast_encode_moving = jax.jit(encode_moving, static_argnums=2)
SIGNAL = np.random.default_rng(0).normal(size=(3, 20)).astype(np.float32)


@pytest.mark.parametrize("order", [0, 1, 4])
def test_a_field_is_the_signal_times_the_harmonics(order):
    direction = random_directions(3)
    field = fast_encode(jnp.asarray(SIGNAL), jnp.float32(direction), order)
    assert field.dtype == jnp.float32
    expected = spherical_harmonics(direction, order)[:, :, None] * SIGNAL[:, None]
    np.testing.assert_allclose(field, expected, atol=4e-6)
    np.testing.assert_array_equal(field[:, 0], SIGNAL)


def test_leading_axes_broadcast():
    direction = random_directions(3)
    one_place = fast_encode(SIGNAL, direction[0], 1)
    assert one_place.shape == (3, 4, 20)
    one_sound = fast_encode(SIGNAL[0], direction, 1)
    assert one_sound.shape == (3, 4, 20)
    np.testing.assert_array_equal(one_place[0], one_sound[0])


def test_a_source_that_rests_is_a_moving_one_with_one_direction():
    direction = random_directions(3)
    always = np.repeat(direction[:, None], 20, axis=1)
    moving = fast_encode_moving(SIGNAL, always, 2)
    np.testing.assert_allclose(moving, fast_encode(SIGNAL, direction, 2), atol=1e-6)


def test_a_moving_source_is_encoded_sample_by_sample():
    path = random_directions(20)
    moving = fast_encode_moving(SIGNAL[0], path, 3)
    assert moving.shape == (16, 20)
    assert moving.dtype == jnp.float32
    for sample in (0, 7, 19):
        expected = spherical_harmonics(path[sample], 3) * SIGNAL[0, sample]
        np.testing.assert_allclose(moving[:, sample], expected, atol=4e-6)


def test_the_direction_of_a_field_can_be_learnt():
    direction = jnp.float32(random_directions(1)[0])
    target = fast_encode(SIGNAL[0], jnp.float32(random_directions(2)[1]), 2)

    def loss(direction):
        return jnp.square(fast_encode(SIGNAL[0], direction, 2) - target).mean()

    value, gradient = jax.jit(jax.value_and_grad(loss))(direction)
    step = 1e-2 * gradient / jnp.linalg.norm(gradient)
    assert loss(direction - step) < value < loss(direction + step)


def test_wrong_shapes_and_orders_are_refused():
    with pytest.raises(ShapeError, match="direction"):
        encode_moving(SIGNAL, random_directions(19), 1)
    with pytest.raises(ShapeError, match="direction"):
        encode(SIGNAL, np.zeros(2), 1)
    with pytest.raises(ConfigError, match="order is -2"):
        encode(SIGNAL, random_directions(3), -2)
