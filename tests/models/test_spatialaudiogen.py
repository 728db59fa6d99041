import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ConfigError, ShapeError
from spatialjax.models import SeparationKind, SpatialAudioGen, SpatialAudioGenSpec
from spatialjax.models.spatialaudiogen_chain import (
    CHUNK_ROWS,
    STEP_ROWS,
    STREAM_ROWS,
    render_window,
    window_magnitude,
)
from spatialjax.models.spatialaudiogen_encoders import VisualConfig, VisualEncoder
from spatialjax.models.spatialaudiogen_names import published_names
from spatialjax.nn import EVAL, Functional, Mode, NormConfig
from tests.models import spatialaudiogen_reference as plain
from tests.models.running import apply, variables
from tests.models.spatialaudiogen_toy import TOY, pictures, windows

NONE = SeparationKind.NONE
PUBLISHED = SpatialAudioGenSpec()


def _float(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def _shapes(spec, method, inputs, *rest):
    functional = Functional(SpatialAudioGen, spec)
    trees = jax.eval_shape(functional.init, jax.random.key(0))
    run = lambda trees, x: functional.apply(*trees, *x, *rest, method=method)[0]  # noqa: E731
    return jax.tree.map(jnp.shape, jax.eval_shape(run, trees, inputs))


HEARD = (
    (2, 31, 127, 32),
    (2, 15, 31, 64),
    (2, 7, 14, 128),
    (2, 5, 10, 256),
    (2, 3, 6, 512),
)


def test_published_shapes_of_hearing_and_of_the_tracks():
    heard = _shapes(PUBLISHED, "hear", [_float(2, 127, 1024)])
    assert heard == HEARD
    layers = tuple(_float(*shape) for shape in HEARD)
    fused = _shapes(PUBLISHED, "fuse", [layers, _float(2, 1, 1024)])
    assert fused == (2, 3, 2048)
    weights, bias = _shapes(PUBLISHED, "localise", [_float(*fused)])
    assert (weights, bias) == ((2, 3, 3, 32), (2, 3, 3))
    inputs = [layers, _float(*fused)]
    assert _shapes(PUBLISHED, "masks", inputs, (43, 71)) == (2, 32, 513, 28)
    assert _shapes(PUBLISHED, "masks", inputs, (0, 127)) == (2, 32, 513, 127)


def test_published_shapes_of_sight():
    images = _float(2, 1, 224, 448, 3)
    assert _shapes(PUBLISHED, "see", [images, images], EVAL) == (2, 1, 1024)
    maps = [(56, 112, 64), (28, 56, 128), (14, 28, 256), (7, 14, 512)]
    for num_stages, shape in enumerate(maps, 1):
        config = VisualConfig(depth=(2,) * num_stages)
        functional = Functional(VisualEncoder, config)
        trees = jax.eval_shape(functional.init, jax.random.key(0))
        see = lambda trees, x, f=functional: f.apply(*trees, x, EVAL)[0]  # noqa: E731
        assert jax.eval_shape(see, trees, _float(2, 224, 448, 3)).shape == (2, *shape)


def test_published_counts():
    def count(names, start):
        sizes = [
            math.prod(shape)
            for path, (_, shape) in names.items()
            if path.startswith(start)
        ]
        return sum(sizes)

    names = published_names(PUBLISHED)
    for start, expected in {
        "audio_encoder": 2_628_064,
        "separation/deconv": 5_476_864,
        "separation/fc_feats": 1_049_088,
        "bottleneck/audio_fc": 3_146_752,
        "bottleneck/video_fc_red": 65_664,
        "bottleneck/flow_fc_red": 65_664,
        "bottleneck/video_fc/": 6_423_040,
        "bottleneck/flow_fc/": 6_423_040,
        "localization/fc1": 1_049_088,
        "localization/fc2": 262_656,
        "localization/fc3": 50_787,
        "video_encoder": 11_182_528,
        "flow_encoder": 11_182_528,
        "": 49_005_763,
    }.items():
        assert count(names, start) == expected, start
    without_flow = dataclasses.replace(PUBLISHED, has_flow=False)
    assert count(published_names(without_flow), "") == 30_810_243
    statistics = {k: v for k, v in names.items() if k.endswith(("/mean", "/var"))}
    assert count(statistics, "video_encoder") == 7_808


def _checkpoint():
    """Names and shapes of a published file with all streams, written out."""
    audio = [(7, 16, 1, 32), (3, 7, 32, 64), (3, 5, 64, 128), (3, 5, 128, 256)]
    audio.append((3, 5, 256, 512))
    decoder = [(7, 16, 32, 64), (3, 7, 32, 128), (3, 5, 64, 256), (3, 5, 128, 512)]
    decoder.append((3, 5, 256, 1024))
    yield from ((f"audio_encoder/conv{i}", s, s[3]) for i, s in enumerate(audio, 1))
    yield from ((f"separation/deconv{i}", s, s[2]) for i, s in enumerate(decoder, 1))
    for name, inputs, outputs in [
        ("bottleneck/audio-fc", 3072, 1024),
        ("bottleneck/video-fc-red", 512, 128),
        ("bottleneck/flow-fc-red", 512, 128),
        ("bottleneck/video-fc", 12_544, 512),
        ("bottleneck/flow-fc", 12_544, 512),
        ("localization/fc1", 2048, 512),
        ("localization/fc2", 512, 512),
        ("localization/fc3", 512, 99),
        ("separation/fc-feats", 2048, 512),
    ]:
        yield name, (inputs, outputs), outputs
    for scope in ("video_encoder", "flow_encoder"):
        yield f"{scope}/conv1/conv", (7, 7, 3, 64), None
        width = 64
        for stage in (2, 3, 4, 5):
            inputs, width = width, 64 * 2 ** (stage - 2)
            yield f"{scope}/conv{stage}_1/conv_1", (3, 3, inputs, width), None
            for layer in ("1/conv_2", "2/conv_1", "2/conv_2"):
                yield f"{scope}/conv{stage}_{layer}", (3, 3, width, width), None
            if stage > 2:
                yield f"{scope}/conv{stage}_1/shortcut", (1, 1, inputs, width), 0


def test_published_names_cover_every_array_once():
    expected = {}
    for name, shape, num_biases in _checkpoint():
        expected[f"{name}/weights"] = shape
        if num_biases is None:
            for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
                expected[f"{name}/bn/{leaf}"] = shape[-1:]
        elif num_biases:
            expected[f"{name}/biases"] = (num_biases,)
    names = published_names(PUBLISHED)
    assert dict(names.values()) == expected
    assert len(names) == len(expected)
    init = Functional(SpatialAudioGen, PUBLISHED).init
    leaves = jax.tree.leaves(jax.eval_shape(init, jax.random.key(0)))
    assert len(names) == len(leaves)


@functools.cache
def _trees(spec=TOY):
    """Parameters and state away from what they begin with."""

    def move(trees):
        leaves, tree = jax.tree.flatten(trees)
        sizes = np.cumsum([leaf.size for leaf in leaves])
        draws = jax.random.uniform(jax.random.key(2), (int(sizes[-1]),), minval=-1)
        parts = zip(leaves, jnp.split(draws, sizes[:-1]), strict=True)
        return tree.unflatten(a + 0.1 * part.reshape(a.shape) for a, part in parts)

    return jax.jit(move)(variables(SpatialAudioGen, spec))


def _apply(spec, method, inputs, *rest, trees=None):
    params, state = trees or _trees(spec)
    return apply(SpatialAudioGen, spec, params, inputs, rest, state, method=method)


@functools.cache
def _seen(is_train=False):
    return _apply(TOY, "see", pictures(), Mode(is_train))[0]


@pytest.mark.parametrize("is_train", [False, True])
def test_sees_as_published(is_train):
    params, state = _trees()
    arrays = plain.arrays_by_name(published_names(TOY), params, state)
    streams = zip(("video", "flow"), pictures(), strict=True)
    see = jax.jit(plain.see, static_argnums=(1, 3))
    expected = [see(arrays, s, rows[:, 0], is_train) for s, rows in streams]
    expected = jnp.concatenate(expected, -1)[:, None]
    assert float(expected.std()) > 0.1
    np.testing.assert_allclose(_seen(is_train), expected, rtol=1e-4, atol=1e-5)


def test_listens_as_published():
    params, state = _trees()
    arrays = plain.arrays_by_name(published_names(TOY), params, state)
    magnitude = window_magnitude(windows())
    two_sided, *expected = jax.jit(plain.listen)(arrays, magnitude, _seen())
    tracks = _apply(TOY, "listen", [magnitude, _seen()], (43, 71))[0]
    for got, value in zip((tracks.weights, tracks.bias), expected, strict=True):
        assert float(value.std()) > 0.01
        np.testing.assert_allclose(got, value, rtol=1e-4, atol=1e-5)
    folded = (
        two_sided[..., :513] + jnp.roll(two_sided[..., ::-1], 1, -1)[..., :513]
    ) / 2
    np.testing.assert_allclose(tracks.masks, folded.swapaxes(2, 3), atol=1e-5)


@pytest.mark.parametrize(
    "rows", [CHUNK_ROWS, STREAM_ROWS, (0, 1), (120, 127), (62, 63)]
)
def test_some_rows_are_those_of_all(rows):
    inputs = [window_magnitude(windows()), _seen()]
    whole = _apply(TOY, "listen", inputs, (0, 127))[0].masks
    some = _apply(TOY, "listen", inputs, rows)[0].masks
    np.testing.assert_allclose(some, whole[..., slice(*rows)], atol=1e-6)


def test_a_chunk_is_as_published():
    params, state = _trees()
    arrays = plain.arrays_by_name(published_names(TOY), params, state)
    mono = windows()
    magnitude = jnp.abs(plain.stft(mono)[:, 46:173])
    expected = plain.render(mono, *plain.listen(arrays, magnitude, _seen()))
    inputs = [window_magnitude(mono), _seen()]
    chunk = render_window(mono, _apply(TOY, "listen", inputs, CHUNK_ROWS)[0])
    scale = float(jnp.abs(expected).max())
    np.testing.assert_allclose(chunk.swapaxes(1, 2), expected, atol=1e-5 * scale)


def test_each_time_step_hears_95_frames_around_its_own():
    magnitude = window_magnitude(windows())
    params, state = _trees()
    functional = Functional(SpatialAudioGen, TOY)

    def weights(magnitude, step):
        heard, _ = functional.apply(params, state, magnitude, method="hear")
        fused, _ = functional.apply(params, state, heard, _seen(), method="fuse")
        return jnp.square(fused[:, step]).sum()

    for step, middle in enumerate(STEP_ROWS):
        gradient = jax.jit(jax.grad(weights), static_argnums=1)(magnitude, step)
        matters = np.flatnonzero(jnp.abs(gradient).max((0, 2)))
        assert (matters[0], matters[-1]) == (middle - 47, middle + 47)


def test_one_picture_for_each_step():
    magnitude = window_magnitude(windows())
    visual = _apply(TOY, "see", pictures(num_images=3), EVAL)[0]
    assert visual.shape == (2, 3, 16)
    three = _apply(TOY, "listen", [magnitude, visual], (0, 1))[0].weights
    for step in range(3):
        one = _apply(TOY, "listen", [magnitude, visual[:, step : step + 1]], (0, 1))[0]
        np.testing.assert_allclose(three[:, step], one.weights[:, step], atol=1e-6)


def test_evaluation_with_batch_statistics_depends_on_the_batch():
    images, flow = pictures()
    for is_train in (False, True):
        alone, _ = _apply(TOY, "see", (images[:1], flow[:1]), Mode(is_train))
        differs = bool(jnp.abs(alone - _seen(is_train)[:1]).max() > 1e-3)
        assert differs == is_train


def test_running_statistics_keep_99_percent():
    params, state = _trees()
    images, flow = pictures()
    _, new_state = _apply(TOY, "see", (images, flow), Mode(True), trees=(params, state))
    kernel = params["video_encoder"]["conv1"]["conv"]["kernel"]
    y = jax.lax.conv_general_dilated(
        images[:, 0], kernel, (2, 2), "SAME", dimension_numbers=plain.AXES
    )
    old, new = (
        tree["video_encoder"]["conv1"]["conv"]["bn"] for tree in (state, new_state)
    )
    for name, value in {"mean": y.mean((0, 1, 2)), "var": y.var((0, 1, 2))}.items():
        expected = 0.99 * old[name] + 0.01 * value
        np.testing.assert_allclose(new[name], expected, rtol=1e-4)


def test_first_outputs_are_much_weaker_than_the_input():
    init = Functional(SpatialAudioGen, PUBLISHED).init
    kernel = jax.jit(lambda key: init(key)[0]["localization"]["fc3"]["kernel"])
    assert abs(float(kernel(jax.random.key(0)).std()) - 0.00088) < 1e-5
    mono, (params, state) = windows(), variables(SpatialAudioGen, TOY)
    inputs = [window_magnitude(mono), *pictures()]
    tracks, _ = _apply(TOY, "__call__", inputs, CHUNK_ROWS, EVAL, trees=(params, state))
    chunk = render_window(mono, tracks)
    assert 0 < float(jnp.abs(chunk).max()) < 0.05 * float(jnp.abs(mono).max())


ABLATIONS = {
    "all": {},
    "no flow": {"has_flow": False},
    "no video": {"has_video": False},
    "sound alone": {"has_video": False, "has_flow": False},
    "no separation": {"separation": NONE, "has_flow": False},
    "order 3": {"order": 3, "has_video": False, "has_flow": False},
}


def _loss(spec, params, state, mono, images, flow):
    functional = Functional(SpatialAudioGen, spec)
    images, flow = (
        (images if spec.has_video else None),
        (flow if spec.has_flow else None),
    )
    inputs = (window_magnitude(mono), images, flow, CHUNK_ROWS, Mode(True))
    tracks, state = functional.apply(params, state, *inputs)
    chunk = render_window(mono, tracks)
    return jnp.square(chunk - mono[:, None, 24_000:28_800]).mean(), (chunk, state)


_gradient = jax.jit(
    jax.value_and_grad(_loss, argnums=1, has_aux=True), static_argnums=0
)


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_learn(name):
    spec = dataclasses.replace(TOY, **ABLATIONS[name])
    spec.validate()
    params, state = _trees(spec)
    (loss, (chunk, _)), gradients = _gradient(
        spec, params, state, windows(), *pictures()
    )
    assert chunk.shape == (2, (spec.order + 1) ** 2 - 1, 4800)
    for leaf in jax.tree.leaves((loss, gradients)):
        assert leaf.dtype == jnp.float32
        assert bool(jnp.isfinite(leaf).all())
        assert float(jnp.abs(leaf).max()) > 0


def test_bfloat16_is_near():
    spec = dataclasses.replace(TOY, compute_dtype="bfloat16", has_flow=False)
    exact = dataclasses.replace(spec, compute_dtype="float32")
    params, state = _trees(spec)
    inputs = (params, state, windows(), *pictures())
    (loss, (chunk, new_state)), gradients = _gradient(spec, *inputs)
    _, (expected, _) = jax.jit(_loss, static_argnums=0)(exact, *inputs)
    assert chunk.dtype == jnp.float32
    scale = float(jnp.abs(expected).max())
    np.testing.assert_allclose(chunk, expected, atol=0.03 * scale)
    assert not np.array_equal(chunk, expected)
    for leaf in jax.tree.leaves((loss, gradients, new_state)):
        assert leaf.dtype == jnp.float32
        assert bool(jnp.isfinite(leaf).all())


def test_silence_has_finite_gradients():
    spec = dataclasses.replace(TOY, has_video=False, has_flow=False)
    mono = jnp.zeros((2, 52_799))
    (_, (chunk, _)), gradients = _gradient(spec, *_trees(spec), mono, None, None)
    leaves = jax.tree.leaves((chunk, gradients))
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_lowers_for_other_devices(platform):
    spec = dataclasses.replace(TOY, compute_dtype="bfloat16")
    traced = _gradient.trace(spec, *_trees(spec), windows(), *pictures())
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert "stablehlo.convolution" in text
    assert "bf16" in text


def test_a_bias_takes_up_the_norm_of_a_shortcut():
    spec = dataclasses.replace(TOY, has_shortcut_bias=True, has_flow=False)
    shapes = dict(published_names(spec).values())
    assert shapes["video_encoder/conv4_1/shortcut/biases"] == (16,)


@pytest.mark.parametrize(
    ("method", "inputs", "rest", "text"),
    [
        ("hear", [_float(2, 126, 1024)], (), r"magnitude has shape \[2, 126, 1024\]"),
        ("hear", [_float(2, 127, 513)], (), "magnitude has shape"),
        ("see", [_float(2, 1, 40, 72, 3), None], (EVAL,), "sees flow, but none"),
        ("see", [_float(2, 1, 72, 40, 3)] * 2, (EVAL,), "video has shape"),
        ("see", [_float(2, 40, 72, 3)] * 2, (EVAL,), "video has shape"),
    ],
)
def test_refuses_other_sizes(method, inputs, rest, text):
    with pytest.raises(ShapeError, match=text):
        _shapes(TOY, method, inputs, *rest)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_tracks", 0),
        ("order", 0),
        ("audio_width", 0),
        ("visual_depth", ()),
        ("visual_depth", (2, 0)),
        ("image_size", (0, 8)),
        ("localization_units", (0,)),
        ("compute_dtype", "float16"),
        ("norm", NormConfig(group_size=0)),
    ],
)
def test_validate_refuses(field, value):
    TOY.validate()
    with pytest.raises(ConfigError):
        dataclasses.replace(TOY, **{field: value}).validate()
