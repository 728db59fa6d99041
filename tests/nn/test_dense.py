import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.nn import Functional
from spatialjax.nn.dense import Dense


def _build(config, *, rngs):
    return Dense(3, 4, dtype=config, rngs=rngs)


def test_maps_the_last_axis_in_its_dtype():
    functional = Functional(_build, "bfloat16")
    params, state = functional.init(jax.random.key(0))
    params["bias"] = params["bias"] + jnp.arange(4.0)
    x = jax.random.normal(jax.random.key(1), (2, 5, 3))
    y, _ = functional.apply(params, state, x)
    assert (y.shape, y.dtype) == ((2, 5, 4), jnp.bfloat16)
    assert params["kernel"].dtype == jnp.float32
    expected = np.float64(x) @ np.float64(params["kernel"]) + np.arange(4)
    np.testing.assert_allclose(np.asarray(y, np.float32), expected, atol=0.05)
