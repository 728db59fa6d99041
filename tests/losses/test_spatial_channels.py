import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from spatialjax.errors import ShapeError
from spatialjax.losses import masked_mean_shares, masked_sums

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def examples():
    rng = np.random.default_rng(0)
    value = rng.exponential(size=(16, 3)).astype(np.float32)
    mask = np.ones((16, 3), np.float32)
    mask[:, 1] = rng.uniform(size=16) > 0.6
    mask[3] = 0.0
    return value, mask


def mesh():
    return jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))


def test_means_are_those_of_the_examples_that_have_the_channel():
    value, mask = examples()
    given = masked_mean_shares(jnp.asarray(value), jnp.asarray(mask))
    expected = [value[mask[:, c] > 0, c].mean() for c in range(3)]
    np.testing.assert_allclose(given, expected, rtol=1e-6)


def test_b21_a_channel_that_no_example_has_gives_zero_and_no_nan():  # B 21
    value, mask = examples()
    mask[:, 1], value[:, 1] = 0, np.nan

    def mean(level):
        values = level * jnp.asarray(value)
        return masked_mean_shares(values, jnp.asarray(mask)).mean()

    sums, counts = masked_sums(jnp.asarray(value), jnp.asarray(mask))
    assert sums[1] == 0
    assert counts.tolist() == [15, 0, 15]
    assert masked_mean_shares(jnp.asarray(value), jnp.asarray(mask))[1] == 0
    assert np.isfinite(mean(jnp.float32(1)))


def test_gradient_reaches_only_what_counts():
    value, mask = examples()
    gradient = jax.grad(lambda v: masked_mean_shares(v, jnp.asarray(mask)).sum())(
        jnp.asarray(value)
    )
    np.testing.assert_allclose(gradient, mask / mask.sum(0), rtol=1e-6)


def test_b21_eight_devices_give_the_sums_of_one():  # B 21
    value, mask = examples()
    expected = masked_sums(jnp.asarray(value), jnp.asarray(mask))
    split = NamedSharding(mesh(), PartitionSpec("data"))
    placed = jax.device_put((value, mask), split)
    sharded = jax.jit(masked_sums)(*placed)
    mapped = jax.shard_map(
        lambda v, m: jax.lax.psum(masked_sums(v, m), "data"),
        mesh=mesh(),
        in_specs=PartitionSpec("data"),
        out_specs=PartitionSpec(),
    )(*placed)
    for given in (sharded, mapped):
        jax.tree.map(
            lambda g, e: np.testing.assert_allclose(g, e, rtol=1e-6), given, expected
        )


def test_b21_shares_and_gradients_of_eight_devices_add_up_to_those_of_one():  # B 21
    value, mask = examples()

    def loss(values, masks, axis=None):
        return masked_mean_shares(jnp.square(values), masks, axis).mean()

    expected = jax.value_and_grad(loss)(jnp.asarray(value), jnp.asarray(mask))

    def on_device(scale, values, masks):
        share, gradient = jax.value_and_grad(
            lambda s: loss(s * values, masks, axis="data")
        )(scale)
        return jax.lax.psum((share, gradient), "data")

    rows = (value.reshape(8, 2, 3), mask.reshape(8, 2, 3))
    mapped = jax.pmap(on_device, axis_name="data", in_axes=(None, 0, 0))
    total, gradient = mapped(jnp.float32(1), *rows)
    np.testing.assert_allclose(total, np.full(8, expected[0]), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.full(8, 2 * expected[0]), rtol=1e-6)
    divided_first = [loss(*map(jnp.asarray, pair)) for pair in zip(*rows, strict=True)]
    assert abs(np.mean(divided_first) - expected[0]) > 5e-4


def test_shapes_must_be_equal():
    with pytest.raises(ShapeError, match="mask"):
        masked_sums(jnp.zeros((4, 3)), jnp.zeros((4, 1)))
