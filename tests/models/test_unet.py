import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.models.unet import Unet, UnetConfig
from spatialjax.nn import EVAL, Functional, Initialization, Mode
from tests.models.running import apply, count_parameters, variables
from tests.nn import reference


@pytest.mark.parametrize(
    ("num_downs", "num_channels", "expected"),
    [
        (7, 32, 30_274_210),
        (6, 32, 21_359_266),
        (5, 32, 12_444_322),
        (7, 33, 30_274_210 + 1153),
        (7, 16, 30_255_762),
    ],
)
def test_parameter_count(num_downs, num_channels, expected):
    config = UnetConfig(num_channels=num_channels, num_downs=num_downs)
    assert count_parameters(Functional(Unet, config)) == expected


def test_published_shapes_of_the_levels():
    params, state = jax.eval_shape(
        Functional(Unet, UnetConfig()).init, jax.random.key(0)
    )
    levels = [params["levels"][str(index)] for index in range(7)]
    downs = [level["down"]["kernel"].shape[2:] for level in levels]
    ups = [level["up"]["kernel"].shape[2:] for level in levels]
    assert downs == [(1, 64), (64, 128), (128, 256), (256, 512), *[(512, 512)] * 3]
    assert ups == [
        (128, 32),
        (256, 64),
        (512, 128),
        (1024, 256),
        (1024, 512),
        (1024, 512),
        (512, 512),
    ]
    assert [("down_norm" in level, "up_norm" in level) for level in levels] == [
        (False, False),
        *[(True, True)] * 5,
        (False, True),
    ]
    assert ["bias" in level["up"] for level in levels] == [True] + [False] * 6
    assert state["norm"]["mean"].shape == (1,)


def _reference(x, params, state, train):
    """The network as published, with its in-place rectifier on the way down."""
    new_state = {"norm": None, "levels": {key: {} for key in state["levels"]}}

    def norm(name, level, x):
        p, s = params["levels"][level][name], state["levels"][level][name]
        y, new_state["levels"][level][name] = reference.batch_norm(x, p, s, train)
        return y

    def block(index, x):
        level, last = str(index), len(params["levels"]) - 1
        tree = params["levels"][level]
        if index > 0:
            x = reference.leaky_relu(x)
        y = reference.conv(x, tree["down"]["kernel"], stride=2, padding=1)
        if 0 < index < last:
            y = norm("down_norm", level, y)
        y = y if index == last else block(index + 1, y)
        y = reference.upsample(reference.relu(y))
        y = reference.conv(y, tree["up"]["kernel"], 1, 1, 1, tree["up"].get("bias"))
        if index == 0:
            return y
        return np.concatenate([x, norm("up_norm", level, y)], -1)

    x, new_state["norm"] = reference.batch_norm(
        np.float64(x)[..., None], params["norm"], state["norm"], train
    )
    return block(0, x), new_state


@pytest.mark.parametrize("num_downs", [2, 3])
@pytest.mark.parametrize("train", [False, True])
def test_equals_float64(num_downs, train):
    config = UnetConfig(5, num_downs, 3)
    params, state = variables(Unet, config)
    state = jax.tree.map(lambda a: a + 0.3, state)
    x = jax.random.normal(jax.random.key(1), (2, 16, 8)) * 3 - 10
    y, new_state = apply(Unet, config, params, [x], (Mode(train),), state)
    expected, expected_state = _reference(x, params, state, train)
    np.testing.assert_allclose(y, expected, atol=2e-4 * np.abs(expected).max())
    if train:
        pairs = (jax.tree.leaves(tree) for tree in (new_state, expected_state))
        for got, value in zip(*pairs, strict=True):
            np.testing.assert_allclose(got, value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_downs", [5, 6, 7])
def test_output_has_the_places_of_the_input(num_downs):
    functional = Functional(Unet, UnetConfig(num_downs=num_downs))
    params, state = jax.eval_shape(functional.init, jax.random.key(0))
    x = jax.ShapeDtypeStruct((2, 256, 128), jnp.float32)
    y = jax.eval_shape(lambda *args: functional.apply(*args, EVAL)[0], params, state, x)
    assert y.shape == (2, 256, 128, 32)


def test_sides_must_halve():
    functional = Functional(Unet, UnetConfig(2, 3, 2))
    params, state = variables(Unet, UnetConfig(2, 3, 2))
    with pytest.raises(ShapeError, match=r"\[1, 16, 12, 1\].* multiples of 8"):
        functional.apply(params, state, jnp.zeros((1, 16, 12)), EVAL)


def test_published_initial_values():
    config = UnetConfig(8, 4, 16, initialization=Initialization.PUBLISHED)
    params, _ = variables(Unet, config)
    level = params["levels"]["2"]
    assert abs(np.std(level["down"]["kernel"]) - 1e-3) < 2e-5
    assert abs(np.std(level["up"]["kernel"]) - 1e-3) < 2e-5
    assert 0.01 < np.std(level["down_norm"]["scale"]) < 0.03
    assert abs(np.mean(level["down_norm"]["scale"]) - 1.0) < 0.01
    bias = np.abs(params["levels"]["0"]["up"]["bias"])
    assert 0 < bias.max() <= (9 * 32) ** -0.5
