import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.metrics import si_sdr
from spatialjax.metrics.si_sdr import SI_SDR_LIMIT_DB

pytestmark = pytest.mark.usefixtures("strict_dtypes")
si_sdr_db = jax.jit(si_sdr.si_sdr_db, static_argnames="zero_mean")


def signals(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def si_sdr_by_definition(estimate, reference):
    estimate, reference = estimate.astype(np.float64), reference.astype(np.float64)
    estimate, reference = estimate - estimate.mean(), reference - reference.mean()
    target = (estimate @ reference) / (reference @ reference) * reference
    return 10 * np.log10((target**2).sum() / ((estimate - target) ** 2).sum())


def test_equals_the_definition_in_float64():
    reference, other = signals(2, 3, 4000) + 0.3, signals(2, 3, 4000, seed=1)
    for level in (1e-4, 1e-2, 1.0, 30.0):
        estimate = reference + level * other
        given = si_sdr_db(jnp.asarray(estimate), jnp.asarray(reference))
        assert given.shape == (2, 3)
        expected = [
            [si_sdr_by_definition(e, r) for e, r in zip(*pair, strict=True)]
            for pair in zip(estimate, reference, strict=True)
        ]
        np.testing.assert_allclose(given, expected, atol=2e-3)


def test_orthogonal_noise_gives_its_ratio():
    time_s = np.arange(8000) / 8000
    reference = np.sin(2 * np.pi * 400 * time_s).astype(np.float32)
    noise = np.cos(2 * np.pi * 400 * time_s).astype(np.float32)
    given = si_sdr_db(jnp.asarray(reference + 0.1 * noise), jnp.asarray(reference))
    assert given == pytest.approx(20.0, abs=1e-3)


@pytest.mark.parametrize("scale", [1e-4, -3.0, 100.0])
def test_level_sign_and_offset_do_not_count(scale):
    reference = jnp.asarray(signals(4000))
    estimate = reference + 0.2 * jnp.asarray(signals(4000, seed=1))
    plain = si_sdr_db(estimate, reference)
    np.testing.assert_allclose(si_sdr_db(scale * estimate, reference), plain, atol=1e-3)
    np.testing.assert_allclose(si_sdr_db(estimate, scale * reference), plain, atol=1e-3)
    np.testing.assert_allclose(si_sdr_db(estimate + 0.7, reference), plain, atol=1e-3)
    assert si_sdr_db(estimate + 0.7, reference, zero_mean=False) < plain - 1


def test_limits_and_silence():
    signal, silence = jnp.asarray(signals(500)), jnp.zeros(500)
    assert si_sdr_db(signal, signal) == pytest.approx(SI_SDR_LIMIT_DB, abs=1e-3)
    for pair in ((signal, silence), (silence, signal), (silence, silence)):
        assert si_sdr_db(*pair) == pytest.approx(-SI_SDR_LIMIT_DB, abs=1e-3)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(("left", "right"), [(1, 1), (0, 1), (1, 0), (0, 0)])
def test_gradients_are_finite(left, right, dtype):
    estimate = (left * jnp.asarray(signals(200))).astype(dtype)
    reference = (right * jnp.asarray(signals(200))).astype(dtype)
    gradients = jax.jit(jax.grad(si_sdr_db, (0, 1)))(estimate, reference)
    for gradient in gradients:
        assert np.isfinite(gradient.astype(jnp.float32)).all()


def test_shapes_must_be_equal():
    with pytest.raises(ShapeError, match="reference"):
        si_sdr_db(jnp.zeros((2, 50)), jnp.zeros((1, 50)))
