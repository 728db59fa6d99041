import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from spatialjax.errors import ConfigError, ShapeError
from spatialjax.metrics import (
    REPORTS,
    bootstrap_mean,
    envelope_distance,
    mean_square_error,
    peak_amplitude,
    report,
    snr_compat_db,
)
from spatialjax.metrics.spatialaudiogen import envelope

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("num_samples", [4800, 4799, 2])
def test_envelope_equals_scipys(num_samples):
    signal = noise(2, num_samples)
    expected = np.abs(scipy.signal.hilbert(signal.astype(np.float64)))
    np.testing.assert_allclose(envelope(jnp.asarray(signal)), expected, atol=2e-5)


def test_equal_the_published_formulas():  # spec 5
    estimate, target = noise(2, 3, 4800), noise(2, 3, 4800, seed=1)
    given = [
        measure(jnp.asarray(estimate), jnp.asarray(target))
        for measure in (mean_square_error, envelope_distance, snr_compat_db)
    ]
    estimate, target = estimate.astype(np.float64), target.astype(np.float64)
    error = estimate - target
    envelopes = [np.abs(scipy.signal.hilbert(s)) for s in (estimate, target)]
    energies = [(s**2).sum(-1) + 0.1 for s in (target, error)]
    expected = [
        (error**2).mean(-1),
        np.sqrt(((envelopes[0] - envelopes[1]) ** 2).mean(-1)),
        10 * np.log10(energies[0] / energies[1]),
    ]
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-5)
    peak = peak_amplitude(jnp.asarray(estimate, jnp.float32))
    np.testing.assert_allclose(peak, np.abs(estimate).max((-2, -1)), rtol=1e-6)


def test_b22_a_perfect_estimate():  # B 22
    target = jnp.asarray(noise(3, 4800))
    assert (mean_square_error(target, target) == 0).all()
    assert (envelope_distance(target, target) == 0).all()
    energy = np.square(target, dtype=np.float64).sum(-1)
    expected = 10 * np.log10(energy / 0.1 + 1)
    np.testing.assert_allclose(snr_compat_db(target, target), expected, rtol=1e-5)
    assert (snr_compat_db(target, target) > 45).all()


def test_b22_envelopes_are_blind_to_the_sign():  # B 22
    estimate, target = jnp.asarray(noise(4800)), jnp.asarray(noise(4800, seed=1))
    plain = envelope_distance(estimate, target)
    for pair in ((-estimate, -target), (-estimate, target), (target, estimate)):
        np.testing.assert_allclose(envelope_distance(*pair), plain, rtol=1e-6)
    assert mean_square_error(-target, target) > 3.5


def test_b22_envelope_against_silence_is_its_root_mean_square():  # B 22
    target = jnp.asarray(noise(4800))
    expected = np.sqrt(np.mean(np.abs(scipy.signal.hilbert(target)) ** 2))
    given = envelope_distance(jnp.zeros(4800), target)
    assert given == pytest.approx(expected, rel=1e-5)
    time_s = np.arange(4800) / 48000
    sine = jnp.asarray(0.5 * np.sin(2 * np.pi * 1000 * time_s), jnp.float32)
    assert envelope_distance(0 * sine, sine) == pytest.approx(0.5, rel=1e-5)
    assert envelope_distance(0.5 * sine, sine) == pytest.approx(0.25, rel=1e-5)


def test_silence_is_defined():
    silence = jnp.zeros((2, 4800))
    for measure in (mean_square_error, envelope_distance, snr_compat_db):
        assert (measure(silence, silence) == 0).all()


def test_b24_reports_of_chunks_of_a_tenth_of_a_second():  # B 24
    root = 69.28203230275509
    assert report("env", np.float64(2.0)) == pytest.approx(2 * root)
    assert report("emd_dir", np.float64(0.5)) == pytest.approx(root / 2)
    assert report("stft", np.float64(3.0)) == 3.0
    error = noise(3, 4800).astype(np.float64)
    given = report("mse", (error**2).mean(-1))
    np.testing.assert_allclose(given, np.linalg.norm(error, axis=-1))
    assert report("env", np.float64(2.0), 100) == pytest.approx(20.0)
    assert report("direction_error_rad", np.float64(np.pi / 3)) == pytest.approx(60)
    labels = [entry.label for entry in REPORTS.values()]
    assert labels == ["STFT", "MSE", "ENV", "EMD", "direction"]
    assert all(entry.unit for entry in REPORTS.values())


def test_b24_published_means_are_over_clips_of_transformed_chunks():  # B 24
    mean_squares = np.array([1.0, 4.0, 9.0, 100.0])
    values = report("mse", mean_squares)
    clips = ["a", "a", "a", "b"]
    found = bootstrap_mean(values, np.ones(4), num_resamples=10, groups=clips)
    assert found.mean == pytest.approx((2.0 + 10.0) / 2 * np.sqrt(4800))


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_envelopes_lower_for_accelerators(platform):
    traced = jax.jit(envelope_distance).trace(*2 * [jnp.zeros((8, 3, 4800))])
    assert traced.lower(lowering_platforms=(platform,)).as_text()


def test_bad_input_is_refused():
    with pytest.raises(ConfigError, match="'emd_dirs'; did you mean 'emd_dir'"):
        report("emd_dirs", np.zeros(3))
    for measure in (mean_square_error, envelope_distance, snr_compat_db):
        with pytest.raises(ShapeError, match="target"):
            jax.eval_shape(measure, jnp.zeros((2, 50)), jnp.zeros((1, 50)))
