import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.mirror import Mirror, mirror, mirror_signs
from spatialjax.errors import ConfigError, ShapeError
from tests.ambisonics.fields import plane_waves, random_directions, random_field

pytestmark = pytest.mark.usefixtures("strict_dtypes")
FLIPS = {
    Mirror.LEFT_RIGHT: [1, -1, 1],
    Mirror.UP_DOWN: [1, 1, -1],
    Mirror.FRONT_BACK: [-1, 1, 1],
}
NEGATED = {
    Mirror.LEFT_RIGHT: [1, 4, 5, 9, 10, 11],
    Mirror.UP_DOWN: [2, 5, 7, 10, 12, 14],
    Mirror.FRONT_BACK: [3, 4, 7, 10, 13, 15],
}


@pytest.mark.parametrize("axis", list(Mirror))
def test_b5_signs_are_the_listed_ones(axis):
    assert np.flatnonzero(mirror_signs(3, axis) < 0).tolist() == NEGATED[axis]


@pytest.mark.parametrize("axis", list(Mirror))
@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_b5_a_mirrored_field_is_that_of_the_mirrored_source(order, axis):
    signal = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    direction = random_directions(9)
    found = jax.jit(mirror, static_argnums=1)(
        plane_waves(signal, direction, order), axis
    )
    assert found.dtype == jnp.float32
    expected = plane_waves(signal, direction * np.array(FLIPS[axis]), order)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("axis", list(Mirror))
def test_b5_mirroring_twice_is_identity(axis):
    field = random_field(5, 2)
    np.testing.assert_array_equal(mirror(mirror(field, axis), axis), field)


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(ConfigError, match="axis is 'y', expected one of left_right"):
        mirror(jnp.zeros((4, 2)), "y")
    with pytest.raises(ShapeError, match="6 channels"):
        mirror(np.zeros((6, 2)), Mirror.UP_DOWN)
