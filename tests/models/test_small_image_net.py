import jax
import numpy as np

from spatialjax.models.small_image_net import SmallImageNet, SmallImageNetConfig
from spatialjax.nn import EVAL, Functional
from tests.models.running import apply, count_parameters, variables
from tests.nn import reference


def test_equals_float64():
    config = SmallImageNetConfig(5, (4, 6, 8))
    params, state = variables(SmallImageNet, config)
    images = jax.random.normal(jax.random.key(1), (2, 20, 16, 3))
    y, _ = apply(SmallImageNet, config, params, [images], (EVAL,), state)
    x = np.float64(images)
    for index in range(3):
        tree = params["features"][str(index)]
        x = reference.conv(x, tree["conv"]["kernel"], 2, 1)
        stats = state["features"][str(index)]["norm"]
        x, _ = reference.batch_norm(x, tree["norm"], stats, train=False)
        x = reference.relu(x)
    expected = reference.conv(x, params["fc"]["kernel"], 1, 1, 1, params["fc"]["bias"])
    assert y.shape == (2, 3, 2, 5)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_default_is_small():
    functional = Functional(SmallImageNet, SmallImageNetConfig())
    assert count_parameters(functional) < 100_000
