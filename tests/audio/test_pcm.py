import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import float_to_pcm16, pcm16_to_float

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def test_every_int16_survives_the_round_trip():
    pcm = np.arange(-32768, 32768).astype(np.int16).reshape(2, -1)
    signal = pcm16_to_float(jnp.asarray(pcm))
    assert signal.dtype == jnp.float32
    np.testing.assert_array_equal(np.asarray(signal), pcm / 32768.0)
    np.testing.assert_array_equal(np.asarray(float_to_pcm16(signal)), pcm)


def test_encoding_rounds_and_saturates():
    signal = jnp.asarray([1.0, 7.0, -1.0, -7.0, 0.4 / 32768, 0.6 / 32768, -1.6 / 32768])
    expected = [32767, 32767, -32768, -32768, 0, 1, -2]
    pcm = float_to_pcm16(signal)
    assert pcm.dtype == jnp.int16
    assert pcm.tolist() == expected
