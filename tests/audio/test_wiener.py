import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import wiener_masks
from spatialjax.errors import ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")
MAGNITUDES = np.random.default_rng(0).exponential(size=(2, 3, 9, 5))


@pytest.mark.parametrize("exponent", [1.0, 2.0, 0.7])
def test_masks_share_by_powers_and_sum_to_one(exponent):
    masks = wiener_masks(jnp.asarray(MAGNITUDES, jnp.float32), exponent)
    powers = MAGNITUDES**exponent
    np.testing.assert_allclose(masks, powers / powers.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(masks.sum(1), 1, rtol=1e-6)


def test_least_squares_of_uncorrelated_sources():
    # E|s - m·x|² over many draws is least at the Wiener mask of the true levels.
    rng = np.random.default_rng(1)
    levels = np.array([1.0, 0.5, 2.0])
    sources = levels[:, None] * rng.standard_normal((3, 200000))
    mixture = sources.sum(0)
    best = sources @ mixture / (mixture @ mixture)
    masks = wiener_masks(jnp.asarray(levels, jnp.float32)[:, None, None])
    np.testing.assert_allclose(masks[:, 0, 0], best, atol=5e-3)


def test_a_large_exponent_gives_all_to_the_largest():
    masks = wiener_masks(jnp.asarray(MAGNITUDES, jnp.float32), 1e4)
    largest = np.arange(3)[:, None, None] == MAGNITUDES.argmax(1)[:, None]
    np.testing.assert_allclose(masks, largest, atol=1e-3)


@pytest.mark.parametrize("level", [1e-30, 1.0, 1e30])
def test_levels_at_the_ends_of_float32_do_not_matter(level):
    masks = wiener_masks(jnp.asarray([3 * level, level], jnp.float32)[:, None, None])
    np.testing.assert_allclose(masks[:, 0, 0], [0.9, 0.1], rtol=1e-5)


def test_silence_stays_silent():
    masks = jnp.asarray(MAGNITUDES, jnp.float32).at[..., 2, 3].set(0)
    shared = wiener_masks(masks)
    assert not shared[..., 2, 3].any()
    np.testing.assert_allclose(shared.sum(1).at[..., 2, 3].set(1), 1, rtol=1e-6)


def test_an_axis_of_sources_is_needed():
    with pytest.raises(ShapeError, match=r"expected \[\.\.\. n f k\]"):
        wiener_masks(jnp.ones((4, 4)))
