import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics.channels import (
    acn_index,
    degrees,
    indices,
    num_channels,
    order_of,
    scale_channels,
)
from spatialjax.errors import ConfigError, ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")


@pytest.mark.parametrize("order", [0, 1, 2, 3, 10, 70])
def test_channels_run_through_degrees_and_their_indices(order):
    expected = [(n, m) for n in range(order + 1) for m in range(-n, n + 1)]
    assert num_channels(order) == len(expected)
    assert order_of(len(expected)) == order
    assert list(zip(degrees(order), indices(order), strict=True)) == expected
    assert [acn_index(n, m) for n, m in expected] == list(range(len(expected)))
    assert degrees(order).dtype == indices(order).dtype == np.int32


@pytest.mark.parametrize("number", [-4, 0, 2, 3, 5, 6, 8, 15])
def test_a_number_that_is_no_square_is_refused(number):
    with pytest.raises(ShapeError, match=rf"^{number} channels"):
        order_of(number)


def test_orders_and_indices_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="order is -1"):
        num_channels(-1)
    with pytest.raises(ConfigError, match="degree 1 and index -2"):
        acn_index(1, -2)


def test_each_channel_takes_its_gain():
    ambisonics = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    gains = np.array([1.0, 2.0, -1.0, 0.5])
    scaled = scale_channels(jnp.asarray(ambisonics), gains)
    assert scaled.dtype == jnp.float32
    np.testing.assert_array_equal(scaled, ambisonics * gains[:, None])
    each = np.stack([gains, -gains])
    np.testing.assert_array_equal(
        scale_channels(ambisonics, each), ambisonics * each[..., None]
    )
    with pytest.raises(ShapeError, match="c=3"):
        scale_channels(ambisonics, gains[:3])
