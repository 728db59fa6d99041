"""The forms that convolutions take on a CPU, each beside XLA's own."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from spatialjax.nn.conv import conv
from spatialjax.nn.conv_cpu import cpu_form
from spatialjax.nn.patch_conv import patch_conv, plane_conv
from spatialjax.nn.plain_conv import plain_conv
from spatialjax.nn.winograd import winograd_conv
from tests.nn import reference

CASES = [  # form, sides, taps, channels, stride, pads, dilation
    (winograd_conv, (7, 10), (3, 3), (2, 3), 1, (1, 1), 1),
    (winograd_conv, (13, 11), (3, 3), (2, 3), 1, (4, 4), 4),
    (patch_conv, (9, 7), (3, 3), (5, 4), 2, (1, 1), 1),
    (patch_conv, (8, 9), (1, 1), (6, 2), 2, (0, 0), 1),
    (plane_conv, (13, 16), (7, 7), (3, 4), 2, (3, 3), 1),
]
MORE_CASES = [
    (winograd_conv, (8, 8), (3, 3), (3, 5), 1, (1, 1), 1),
    (winograd_conv, (9, 5), (3, 3), (4, 2), 1, (0, 0), 1),
    (winograd_conv, (14, 14), (3, 3), (2, 2), 1, (2, 2), 2),
    (winograd_conv, (1, 2), (3, 3), (2, 3), 1, (1, 1), 1),
    (winograd_conv, (6, 6), (3, 3), (2, 3), 1, (0, 2), 1),
    (patch_conv, (8, 8), (4, 4), (3, 5), 2, (1, 1), 1),
    (patch_conv, (5, 4), (1, 1), (6, 2), 1, (0, 0), 1),
    (patch_conv, (10, 11), (4, 3), (2, 3), 3, (0, 1), 1),
    (patch_conv, (4, 4), (4, 4), (64, 3), 2, (1, 1), 1),  # columns of zeros
    (plane_conv, (8, 8), (4, 4), (1, 4), 2, (1, 1), 1),
]


def _arrays(sides, taps, channels, batch=2):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *sides, channels[0]))
    kernel = rng.normal(size=(*taps, *channels))
    return jnp.asarray(x, jnp.float32), jnp.asarray(kernel, jnp.float32)


def _settings(stride, pads, dilation):
    return {
        "strides": (stride, stride),
        "pads": (pads, pads),
        "dilation": (dilation, dilation),
    }


def _value_and_gradients(form, settings, x, kernel):
    @jax.jit
    def run(x, kernel):
        y, pull = jax.vjp(functools.partial(form, **settings), x, kernel)
        return y, *pull(jnp.sin(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    return run(x, kernel)


def _assert_near(found, expected, part=1e-5):
    for one, other in zip(found, expected, strict=True):
        scale = float(jnp.abs(other).max())
        np.testing.assert_allclose(one, other, rtol=0, atol=part * scale)


@pytest.mark.parametrize(
    "case",
    [*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in MORE_CASES)],
)
def test_value_and_gradients_are_those_of_xla(case, strict_dtypes):
    form, sides, taps, channels, *rest = case
    x, kernel = _arrays(sides, taps, channels)
    settings = _settings(*rest)
    found = _value_and_gradients(form, settings, x, kernel)
    _assert_near(found, _value_and_gradients(plain_conv, settings, x, kernel))


@pytest.mark.parametrize("dilation", [1, 2])
def test_winograd_keeps_the_digits_of_float32(dilation):
    x, kernel = _arrays((14, 14), (3, 3), (128, 32))
    settings = _settings(1, (dilation, dilation), dilation)
    y = winograd_conv(jax.nn.relu(x), kernel, **settings)
    exact = reference.conv(jax.nn.relu(x), kernel, 1, dilation, dilation)
    assert np.abs(y - exact).max() < 1e-5 * np.abs(exact).max()


SHAPES = [  # x, kernel, stride, pad, dilation, form
    ((24, 56, 56, 64), (3, 3, 64, 64), 1, 1, 1, winograd_conv),
    ((24, 14, 14, 512), (3, 3, 512, 512), 1, 2, 2, winograd_conv),
    ((24, 2, 2, 512), (3, 3, 512, 512), 1, 1, 1, plain_conv),  # tiles mostly empty
    ((24, 56, 56, 16), (3, 3, 16, 64), 1, 1, 1, plain_conv),
    ((1, 14, 14, 32), (3, 3, 32, 32), 1, 1, 1, plain_conv),
    ((24, 56, 56, 64), (3, 3, 64, 128), 2, 1, 1, patch_conv),
    ((24, 56, 56, 64), (1, 1, 64, 128), 2, 0, 1, patch_conv),
    ((24, 224, 224, 3), (7, 7, 3, 64), 2, 3, 1, plane_conv),
    ((24, 56, 56, 64), (5, 5, 64, 64), 1, 2, 1, plain_conv),
    ((2, 32, 32, 16), (4, 4, 16, 32), 2, 1, 1, plain_conv),
]


@pytest.mark.parametrize(("x", "kernel", "stride", "pad", "dilation", "form"), SHAPES)
def test_form_follows_from_the_shapes(x, kernel, stride, pad, dilation, form):
    settings = _settings(stride, (pad, pad), dilation)
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (x, kernel)]
    assert cpu_form(*arrays, **settings) is form
    short = [jax.ShapeDtypeStruct(shape, jnp.bfloat16) for shape in (x, kernel)]
    assert cpu_form(*short, **settings) is plain_conv


@pytest.fixture
def every_size(monkeypatch):
    """Small convolutions take the forms of large ones."""
    for name in ("MIN_WINOGRAD", "MIN_PATCHES", "MIN_CHANNELS", "MIN_GAIN"):
        monkeypatch.setattr(f"spatialjax.nn.conv_cpu.{name}", 0)


LAYERS = [((3, 3), 1, 1, 1), ((3, 3), 1, 2, 2), ((3, 3), 2, 1, 1), ((1, 1), 2, 0, 1)]


def _network(x, kernels):
    for kernel, (_, stride, pad, dilation) in zip(kernels, LAYERS, strict=True):
        x = jax.nn.relu(conv(x, kernel, stride, pad, dilation))
    return jnp.square(x).sum()


def _network_arrays():
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.normal(size=(16, 11, 12, 5)), jnp.float32)
    kernels = [
        jnp.asarray(rng.normal(size=(*taps, 5, 5)), jnp.float32) for taps, *_ in LAYERS
    ]
    return x, kernels


@pytest.mark.slow
def test_batch_stays_split_over_devices(every_size):
    x, kernels = _network_arrays()
    expected = jax.jit(jax.grad(_network, (0, 1)))(x, kernels)
    mesh = Mesh(np.array(jax.devices()), ("data",), axis_types=(AxisType.Auto,))
    split = NamedSharding(mesh, PartitionSpec("data"))
    same = NamedSharding(mesh, PartitionSpec())
    step = jax.jit(
        jax.grad(_network, (0, 1)),
        in_shardings=(split, same),
        out_shardings=(split, same),
    )
    compiled = step.lower(x, kernels).compile()
    for exchange in ("all-gather", "all-to-all", "collective-permute"):
        assert exchange not in compiled.as_text()
    placed = jax.device_put(x, split), jax.device_put(kernels, same)
    found = compiled(*placed)
    _assert_near(jax.tree.leaves(found), jax.tree.leaves(expected))


@pytest.mark.slow
def test_maps_and_checkpoints(every_size):
    x, kernels = _network_arrays()
    gradient = jax.grad(jax.checkpoint(_network), 1)
    rows = x.reshape(8, 2, *x.shape[1:])
    expected = [gradient(part, kernels) for part in rows]
    for mapped in (
        jax.pmap(gradient, in_axes=(0, None)),
        jax.vmap(gradient, (0, None)),
    ):
        found = mapped(rows, kernels)
        for index, part in enumerate(expected):
            own = jax.tree.map(lambda a, index=index: a[index], found)
            _assert_near(own, part)


def test_other_devices_keep_the_convolution(every_size):
    x, kernels = _network_arrays()
    traced = jax.jit(jax.grad(_network, 1)).trace(x, kernels)
    text = traced.lower(lowering_platforms=("tpu",)).as_text()
    assert text.count("stablehlo.convolution") >= 3 * len(LAYERS) - 1
    assert "dot_general" not in text
    own = traced.lower(lowering_platforms=("cpu",)).as_text()
    assert "stablehlo.convolution" not in own
