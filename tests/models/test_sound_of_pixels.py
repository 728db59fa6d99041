import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ConfigError, ShapeError
from spatialjax.models import FrameNet, SoundOfPixels, SoundOfPixelsSpec
from spatialjax.nn import EVAL, Activation, Functional, Mode, NormConfig, Pooling
from tests.models.running import apply, count_parameters, variables

SMALL = SoundOfPixelsSpec(
    num_channels=4,
    sound_downs=3,
    sound_width=4,
    frame_net=FrameNet.SMALL,
    frame_widths=(4, 6),
)
RESNET = dataclasses.replace(SMALL, frame_net=FrameNet.RESNET18_DILATED, frame_width=4)


def _inputs(rows=8, side=32):
    rng = np.random.default_rng(0)
    log_magnitude = rng.normal(-3.0, 2.0, (rows, 16, 8))
    images = rng.normal(size=(rows, 2, 3, side, side, 3))
    images *= rng.uniform(0.2, 2.0, (rows, 2, 1, 1, 1, 3))
    return jnp.float32(log_magnitude), jnp.float32(images)


def _apply(spec, *inputs, method="__call__"):
    params, state = variables(SoundOfPixels, spec)
    return apply(SoundOfPixels, spec, params, inputs, (EVAL,), state, method=method)[0]


def test_published_sizes():
    whole = Functional(SoundOfPixels, SoundOfPixelsSpec())
    assert count_parameters(whole) == 30_274_210 + 11_324_000 + 33
    params, state = jax.eval_shape(whole.init, jax.random.key(0))
    assert set(params) == {"sound", "frame", "synthesizer"}
    assert set(params["frame"]) == {"features", "fc"}
    inputs = (
        jax.ShapeDtypeStruct((2, 256, 256), jnp.float32),
        jax.ShapeDtypeStruct((2, 2, 3, 224, 224, 3), jnp.float32),
    )
    apply = lambda *args: whole.apply(*args, Mode(train=True))  # noqa: E731
    logits, new_state = jax.eval_shape(apply, params, state, *inputs)
    assert (logits.shape, logits.dtype) == ((2, 2, 256, 256), jnp.float32)
    assert jax.tree.map(jnp.shape, new_state) == jax.tree.map(jnp.shape, state)


@pytest.mark.parametrize("pooling", Pooling)
@pytest.mark.parametrize("activation", [Activation.SIGMOID, Activation.SOFTMAX])
def test_logits_come_from_the_three_networks(pooling, activation):
    spec = dataclasses.replace(
        SMALL,
        frame_pooling=pooling,
        frame_activation=activation,
        sound_activation=Activation.TANH,
    )
    log_magnitude, images = _inputs(2)
    logits = _apply(spec, log_magnitude, images)
    sound = _apply(spec, log_magnitude, method="sound_features")
    visual = np.float64(_apply(spec, images, method="visual_map"))
    assert visual.shape == (2, 2, 3, 8, 8, 4)
    assert np.abs(sound).max() <= 1.0
    reduce = np.max if pooling is Pooling.MAX else np.mean
    vector = reduce(visual, axis=(2, 3, 4))
    exponential = np.exp(vector)
    vector = (
        1 / (1 + 1 / exponential)
        if activation is Activation.SIGMOID
        else exponential / exponential.sum(-1, keepdims=True)
    )
    expected = np.einsum("bnc,bfkc->bnfk", vector, np.float64(sound))
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_frame_rows_keep_their_source_and_example():
    log_magnitude, images = _inputs(2)
    whole = _apply(SMALL, images, method="visual_map")
    part = _apply(SMALL, images[1:, 1:, 2:], method="visual_map")
    np.testing.assert_allclose(whole[1:, 1:, 2:], part, atol=1e-5)
    flipped = _apply(SMALL, log_magnitude, images[:, ::-1])
    straight = _apply(SMALL, log_magnitude, images)
    np.testing.assert_allclose(flipped[:, ::-1], straight, atol=1e-5)


def test_place_logits_are_those_of_each_place():
    log_magnitude, images = _inputs(2)
    logits = _apply(SMALL, log_magnitude, images, method="place_logits")
    assert logits.shape == (2, 2, 8, 8, 16, 8)
    sound = np.float64(_apply(SMALL, log_magnitude, method="sound_features"))
    visual = np.float64(_apply(SMALL, images, method="visual_map"))
    place = 1 / (1 + np.exp(-visual[:, :, :, 5, 6].max(2)))
    expected = np.einsum("bnc,bfkc->bnfk", place, sound)
    np.testing.assert_allclose(logits[:, :, 5, 6], expected, atol=1e-5)


def test_examples_do_not_touch_in_evaluation():
    log_magnitude, images = _inputs(3)
    whole = _apply(SMALL, log_magnitude, images)
    alone = _apply(SMALL, log_magnitude[1:2], images[1:2])
    np.testing.assert_allclose(whole[1:2], alone, atol=1e-5)
    changed = _apply(SMALL, log_magnitude.at[0].add(1.0), images.at[0].multiply(2.0))
    np.testing.assert_array_equal(changed[1:], whole[1:])


def _loss(spec, params, state, log_magnitude, images, mode):
    functional = Functional(SoundOfPixels, spec)
    logits, state = functional.apply(params, state, log_magnitude, images, mode)
    target = (log_magnitude > -3.0)[:, None]
    return (jnp.logaddexp(0.0, logits) - logits * target).sum(), state


@pytest.mark.parametrize(
    "norm",
    [
        pytest.param(NormConfig(), marks=pytest.mark.slow),
        NormConfig(group_size=2, per_source=True, unbiased=True),
    ],
)
def test_eight_devices_equal_one(norm):
    spec = dataclasses.replace(SMALL, norm=norm)
    params, state = variables(SoundOfPixels, spec)
    inputs = _inputs(16, side=16)
    gradient = jax.grad(functools.partial(_loss, spec), has_aux=True)
    step = jax.jit(gradient, static_argnums=4)
    one = step(params, state, *inputs, Mode(True))
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    spread = step(params, state, *jax.device_put(inputs, rows), Mode(True))
    split = [a.reshape(8, 2, *a.shape[1:]) for a in inputs]
    mode = Mode(True, axis="devices")

    def part(log_magnitude, images):
        gradients, new_state = gradient(params, state, log_magnitude, images, mode)
        return jax.lax.psum(gradients, "devices"), new_state

    many = jax.tree.map(lambda a: a[3], jax.pmap(part, "devices")(*split))
    trees = map(jax.tree.leaves, (one, spread, many))
    for expected, *others in zip(*trees, strict=True):
        scale = np.abs(expected).max()
        for got in others:
            np.testing.assert_allclose(got, expected, atol=1e-4 * scale + 1e-6)


@pytest.mark.parametrize("spec", [SMALL, pytest.param(RESNET, marks=pytest.mark.slow)])
def test_gradients_are_finite_in_bfloat16(spec):
    spec = dataclasses.replace(spec, compute_dtype="bfloat16")
    params, state = variables(SoundOfPixels, spec)
    gradient = jax.jit(
        jax.value_and_grad(functools.partial(_loss, spec), has_aux=True),
        static_argnums=4,
    )
    (loss, new_state), gradients = gradient(params, state, *_inputs(4), Mode(True))
    exact = dataclasses.replace(spec, compute_dtype="float32")
    expected, _ = jax.jit(_loss, static_argnums=(0, 5))(
        exact, params, state, *_inputs(4), Mode(True)
    )
    np.testing.assert_allclose(loss, expected, rtol=0.02)
    for leaf in jax.tree.leaves((gradients, new_state)):
        assert leaf.dtype == jnp.float32
        assert bool(jnp.isfinite(leaf).all())
    assert all(float(jnp.abs(leaf).max()) > 0 for leaf in jax.tree.leaves(gradients))


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
@pytest.mark.parametrize("compute_dtype", ["float32", "bfloat16"])
def test_training_lowers_for_other_devices(platform, compute_dtype):
    spec = dataclasses.replace(RESNET, compute_dtype=compute_dtype)
    params, state = variables(SoundOfPixels, spec)
    step = jax.jit(
        jax.grad(functools.partial(_loss, spec), has_aux=True), static_argnums=4
    )
    traced = step.trace(params, state, *_inputs(2), Mode(True))
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert "stablehlo.convolution" in text
    assert ("bf16" in text) == (compute_dtype == "bfloat16")


def test_images_must_have_six_axes():
    log_magnitude, images = _inputs(2)
    with pytest.raises(ShapeError, match="images has shape"):
        _apply(SMALL, log_magnitude, images[:, 0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_channels", 0),
        ("sound_downs", 1),
        ("sound_width", 0),
        ("frame_widths", ()),
        ("frame_widths", (4, 0)),
        ("compute_dtype", "float16"),
        ("norm", NormConfig(group_size=0)),
    ],
)
def test_validate_refuses(field, value):
    SMALL.validate()
    with pytest.raises(ConfigError):
        dataclasses.replace(SMALL, **{field: value}).validate()
