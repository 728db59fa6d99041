import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.models import AudioOnlyField, AudioOnlyFieldSpec
from spatialjax.nn import EVAL, Functional


def test_gains_of_all_channels_are_bounded():
    spec = AudioOnlyFieldSpec(order=2, num_rows=32, sound_downs=3, sound_width=4)
    net = Functional(AudioOnlyField, spec)
    variables = net.init(jax.random.key(0))
    magnitude = jnp.asarray(np.random.default_rng(0).random((2, 65, 16), np.float32))
    found, _ = net.apply(*variables, 100 * magnitude, EVAL)
    assert found.gain.shape == (2, 8, 65, 16)
    assert found.offset is None
    assert found.attention is None
    assert 0 < np.abs(found.gain).max() <= 2
