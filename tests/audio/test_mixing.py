import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import mix
from spatialjax.errors import ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")


@pytest.mark.parametrize("num_sources", [1, 2, 3])
def test_gain_then_clip_then_share(num_sources):
    rng = np.random.default_rng(0)
    audio = rng.integers(-32768, 32768, (4, num_sources, 2, 60)).astype(np.int16)
    gain = rng.uniform(0.5, 1.5, (4, num_sources)).astype(np.float32)
    mixture, sources = jax.jit(mix)(jnp.asarray(audio), jnp.asarray(gain))
    amplified = audio / 32768.0 * gain[:, :, None, None]
    expected = np.clip(amplified, -1, 1) / num_sources
    assert np.abs(amplified).max() > 1
    np.testing.assert_allclose(sources, expected, atol=1e-6)
    np.testing.assert_allclose(mixture, expected.sum(1), atol=1e-6)
    assert np.abs(mixture).max() <= 1
    assert mixture.dtype == sources.dtype == jnp.float32


def test_gains_of_another_number_of_sources_are_refused():
    with pytest.raises(ShapeError, match="gain"):
        mix(jnp.zeros((2, 3, 1, 8), jnp.int16), jnp.ones((2, 2)))
