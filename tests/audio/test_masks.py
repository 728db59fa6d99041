import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import (
    apply_mask,
    dominant_source_mask,
    hard_threshold,
    ideal_binary_mask,
    ideal_ratio_mask,
)

pytestmark = pytest.mark.usefixtures("strict_dtypes")
RNG = np.random.default_rng(0)
SOURCES = RNG.exponential(size=(2, 3, 9, 5)).astype(np.float32)
MIXTURE = RNG.exponential(size=(2, 9, 5)).astype(np.float32)


def test_binary_mask_compares_each_source_for_itself():
    for threshold in (0.5, 0.25):
        mask = ideal_binary_mask(jnp.asarray(SOURCES), jnp.asarray(MIXTURE), threshold)
        assert mask.dtype == jnp.float32
        expected = np.stack(
            [SOURCES[:, n] > np.float32(threshold) * MIXTURE for n in range(3)], 1
        )
        np.testing.assert_array_equal(np.asarray(mask), expected)
    assert mask.sum(1).max() > 1
    silent = ideal_binary_mask(jnp.zeros((2, 4, 4)), jnp.full((4, 4), 1e-10))
    assert not silent.any()


def test_ratio_mask_is_clipped_and_finite_in_silence():
    mask = ideal_ratio_mask(jnp.asarray(SOURCES), jnp.asarray(MIXTURE))
    expected = np.minimum(SOURCES / MIXTURE[:, None], 5)
    np.testing.assert_allclose(mask, expected, rtol=1e-6)
    assert mask.max() == 5
    assert not ideal_ratio_mask(jnp.zeros((2, 4, 4)), jnp.zeros((4, 4))).any()
    gradient = jax.grad(lambda m: ideal_ratio_mask(jnp.zeros((2, 4, 4)), m).sum())(
        jnp.zeros((4, 4))
    )
    assert np.isfinite(gradient).all()


def test_dominant_mask_picks_one_source_per_bin():
    mask = np.asarray(dominant_source_mask(jnp.asarray(SOURCES)))
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask.sum(1), 1)
    np.testing.assert_array_equal(mask.argmax(1), SOURCES.argmax(1))
    assert not dominant_source_mask(jnp.zeros((3, 4, 4))).any()
    tied = dominant_source_mask(jnp.ones((3, 4, 4)))
    assert tied[0].all()
    assert not tied[1:].any()


def test_masks_of_a_partition_give_the_mixture_back():
    spectrum = jax.lax.complex(jnp.asarray(MIXTURE), jnp.asarray(MIXTURE[::-1]))
    estimates = apply_mask(dominant_source_mask(jnp.asarray(SOURCES)), spectrum)
    assert estimates.dtype == jnp.complex64
    assert estimates.shape == SOURCES.shape
    np.testing.assert_array_equal(estimates.sum(1), spectrum)


def test_apply_mask_keeps_the_phase_and_takes_half_precision():
    spectrum = jax.lax.complex(jnp.asarray(MIXTURE), jnp.asarray(-MIXTURE))
    mask = jnp.full((2, 1, 9, 5), 0.5, jnp.bfloat16)
    np.testing.assert_allclose(apply_mask(mask, spectrum)[:, 0], 0.5 * spectrum)


def test_hard_threshold_is_strict():
    mask = hard_threshold(jnp.asarray([[0.2, 0.5, 0.500001, 1.0]]))
    assert mask.tolist() == [[0, 0, 1, 1]]
    assert hard_threshold(jnp.asarray([[0.2]]), 0.1).tolist() == [[1]]
