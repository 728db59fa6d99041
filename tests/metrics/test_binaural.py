import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.metrics import ild_db, ild_error_db, itd_error_s, itd_s

pytestmark = pytest.mark.usefixtures("strict_dtypes")
RATE_HZ = 48000
itd = jax.jit(functools.partial(itd_s, sample_rate_hz=RATE_HZ))
itd_error = jax.jit(functools.partial(itd_error_s, sample_rate_hz=RATE_HZ))


def ears(left_leads_s, left_over_right_db=0.0, highest_hz=20000, num_samples=9600):
    """Periodic noise, the right ear delayed by any time: exact in the spectrum."""
    rng = np.random.default_rng(0)
    frequency_hz = np.fft.rfftfreq(num_samples, 1 / RATE_HZ)
    shape = (2, frequency_hz.size)
    spectrum = np.dot([1, 1j], rng.normal(size=shape)) * (frequency_hz < highest_hz)
    shift = np.exp(-1j * np.pi * frequency_hz * left_leads_s)
    both = np.fft.irfft([spectrum / shift, spectrum * shift], num_samples)
    both *= 10 ** (np.array([[1], [-1]]) * left_over_right_db / 40)
    return np.float32(0.1 * both / np.sqrt((both**2).mean()))


def test_time_difference_to_a_fraction_of_a_sample():
    times_s = np.array([0, 1e-4, -1e-4, 3.3e-4, -6.6e-4, 7.15e-4, 1e-3])
    given = itd(jnp.asarray(np.stack([ears(time_s) for time_s in times_s])))
    np.testing.assert_allclose(given, times_s, atol=0.05 / RATE_HZ)


def test_high_frequencies_do_not_count():
    clean = ears(4e-4, highest_hz=1400)
    whistle = np.sin(2 * np.pi * 6000 * np.arange(9600) / RATE_HZ)
    noisy = clean + np.float32([[1], [-1]] * whistle)
    assert itd(jnp.asarray(noisy)) == pytest.approx(4e-4, abs=1e-6)


def test_level_difference():
    given = ild_db(jnp.asarray(np.stack([ears(0, level) for level in (0, 6, -15)])))
    np.testing.assert_allclose(given, [0, 6, -15], atol=1e-3)
    one_ear = ears(0) * np.float32([[1], [0]])
    assert ild_db(jnp.asarray(one_ear)) == 60
    assert ild_db(jnp.asarray(one_ear[::-1].copy())) == -60


def test_swapped_ears_change_the_sign():
    both = jnp.asarray(ears(2.5e-4, 4.0))
    swapped = both[::-1]
    np.testing.assert_allclose(itd(swapped), -itd(both), atol=1e-7)
    np.testing.assert_allclose(ild_db(swapped), -ild_db(both), atol=1e-5)


def test_errors_between_two_scenes():
    estimate = jnp.asarray(np.stack([ears(1e-4, 2), ears(-5e-4, 0)]))
    target = jnp.asarray(np.stack([ears(3e-4, -4), ears(-5e-4, 0)]))
    time, level = itd_error(estimate, target), ild_error_db(estimate, target)
    np.testing.assert_allclose(time.value, [2e-4, 0], atol=1e-6)
    np.testing.assert_allclose(level.value, [6, 0], atol=1e-3)
    assert time.weight.tolist() == level.weight.tolist() == [1, 1]


def test_silence_is_defined_and_does_not_count():
    some, silence = jnp.asarray(ears(2e-4)), jnp.zeros((2, 9600))
    deaf = some * jnp.asarray([[1.0], [0.0]])
    assert itd(silence) == 0
    assert ild_db(silence) == 0
    for measure in (itd_error, ild_error_db):
        for target in (silence, deaf, 1e-3 * some):
            assert measure(some, target).weight == 0
            assert np.isfinite(measure(some, target).value)
        assert measure(silence, some).weight == 1
    assert itd_error(silence, some).value == pytest.approx(2e-4, abs=1e-6)


def test_bad_shapes_are_refused():
    with pytest.raises(ShapeError, match="ears"):
        ild_db(jnp.zeros((3, 500)))
    with pytest.raises(ShapeError, match=r"48 samples.*more than 48"):
        itd_s(jnp.zeros((2, 48)), RATE_HZ)
    with pytest.raises(ShapeError, match="target"):
        ild_error_db(jnp.zeros((1, 2, 500)), jnp.zeros((2, 500)))
    with pytest.raises(ShapeError, match="target"):
        itd_error_s(jnp.zeros((1, 2, 500)), jnp.zeros((2, 500)), RATE_HZ)
