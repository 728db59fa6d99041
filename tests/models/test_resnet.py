import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.models.resnet import Resnet, ResnetConfig
from spatialjax.nn import EVAL, Functional, Mode
from tests.models.running import apply, count_parameters, variables
from tests.nn import reference


@pytest.mark.parametrize("total_stride", [8, 16, 32])
@pytest.mark.parametrize(
    ("num_channels", "expected"),
    [
        (32, 11_324_000),
        (16, 11_250_256),
        (8, 11_213_384),
        (48, 11_397_744),
        (64, 11_471_488),
    ],
)
def test_parameter_count(total_stride, num_channels, expected):
    config = ResnetConfig(num_channels, total_stride)
    assert count_parameters(Functional(Resnet, config)) == expected


@pytest.mark.parametrize(("total_stride", "side"), [(8, 28), (16, 14), (32, 7)])
def test_map_of_a_published_picture(total_stride, side):
    functional = Functional(Resnet, ResnetConfig(total_stride=total_stride))
    params, state = jax.eval_shape(functional.init, jax.random.key(0))
    images = jax.ShapeDtypeStruct((2, 224, 224, 3), jnp.float32)
    run = lambda *args: functional.apply(*args, EVAL)[0]  # noqa: E731
    y = jax.eval_shape(run, params, state, images)
    assert y.shape == (2, side, side, 32)


DILATIONS = {  # stride and dilations of the four convolutions of layers 3 and 4
    32: [(2, (1, 1, 1, 1)), (2, (1, 1, 1, 1))],
    16: [(2, (1, 1, 1, 1)), (1, (1, 2, 2, 2))],
    8: [(1, (1, 2, 2, 2)), (1, (2, 4, 4, 4))],
}


def _reference(x, params, state, train, total_stride):
    """The network as published."""
    new_state = jax.tree.map(lambda a: None, state)

    def norm(x, path):
        trees = [params["features"], state["features"]]
        *parents, name = path
        target = new_state["features"]
        for key in parents:
            trees, target = [tree[key] for tree in trees], target[key]
        y, target[name] = reference.batch_norm(x, *(t[name] for t in trees), train)
        return y

    stages = [(1, (1,) * 4), (2, (1,) * 4), *DILATIONS[total_stride]]
    trunk = params["features"]
    x = reference.conv(x, trunk["conv1"]["kernel"], 2, 3)
    x = reference.max_pool(reference.relu(norm(x, ["bn1"])))
    for index, (stage_stride, dilations) in enumerate(stages):
        for block in range(2):
            path = [f"layer{index + 1}", str(block)]
            tree, stride = trunk[path[0]][path[1]], stage_stride if block == 0 else 1
            first, second = dilations[2 * block : 2 * block + 2]
            y = reference.conv(x, tree["conv1"]["kernel"], stride, first, first)
            y = reference.relu(norm(y, [*path, "bn1"]))
            y = reference.conv(y, tree["conv2"]["kernel"], 1, second, second)
            y = norm(y, [*path, "bn2"])
            if "downsample" in tree:
                x = reference.conv(x, tree["downsample"]["0"]["kernel"], stride)
                x = norm(x, [*path, "downsample", "1"])
            x = reference.relu(x + y)
    top = params["fc"]
    return reference.conv(x, top["kernel"], 1, 1, 1, top["bias"]), new_state


@pytest.mark.parametrize(
    ("total_stride", "train"), [(8, False), (16, False), (16, True), (32, False)]
)
def test_equals_float64(total_stride, train):
    config = ResnetConfig(5, total_stride, 3)
    params, state = variables(Resnet, config)
    state = jax.tree.map(lambda a: a + 0.3, state)
    images = jax.random.normal(jax.random.key(1), (2, 72, 64, 3))
    y, new_state = apply(Resnet, config, params, [images], (Mode(train),), state)
    expected, expected_state = _reference(images, params, state, train, total_stride)
    np.testing.assert_allclose(y, expected, atol=2e-4 * np.abs(expected).max())
    if train:
        pairs = (jax.tree.leaves(tree) for tree in (new_state, expected_state))
        for got, value in zip(*pairs, strict=True):
            np.testing.assert_allclose(got, value, rtol=2e-4, atol=1e-5)


def test_top_is_drawn_as_its_library_does():
    params, _ = variables(Resnet, ResnetConfig(base_width=8))
    bound = (9 * 64) ** -0.5
    for name in ("kernel", "bias"):
        largest = float(jnp.abs(params["fc"][name]).max())
        assert 0.8 * bound < largest <= bound
