import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import enforce_mixture_consistency

pytestmark = pytest.mark.usefixtures("strict_dtypes")


@pytest.mark.parametrize("axis", [-2, -3, 1])
def test_estimates_add_up_and_move_least(axis):
    rng = np.random.default_rng(0)
    estimates = jnp.asarray(rng.normal(size=(2, 3, 4, 50)), jnp.float32)
    mixture = jnp.asarray(rng.normal(size=(2, 3, 4, 50)), jnp.float32).sum(axis)
    consistent = enforce_mixture_consistency(estimates, mixture, axis)
    np.testing.assert_allclose(consistent.sum(axis), mixture, atol=1e-5)
    # The projection is orthogonal: all sources move by the same amount.
    moved = np.asarray(consistent - estimates)
    assert np.ptp(moved, axis=axis).max() < 2e-6
    again = enforce_mixture_consistency(consistent, mixture, axis)
    np.testing.assert_allclose(again, consistent, atol=1e-6)


def test_true_sources_stay():
    sources = jnp.asarray(np.random.default_rng(1).normal(size=(2, 30)), jnp.float32)
    consistent = enforce_mixture_consistency(sources, sources.sum(0))
    np.testing.assert_allclose(consistent, sources, atol=1e-6)
