import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import pcm16_to_float

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def test_every_int16_is_exact():
    pcm = np.arange(-32768, 32768).astype(np.int16).reshape(2, -1)
    signal = pcm16_to_float(jnp.asarray(pcm))
    assert signal.dtype == jnp.float32
    np.testing.assert_array_equal(np.asarray(signal), pcm / 32768.0)
