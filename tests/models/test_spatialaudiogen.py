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
    render_window,
    window_magnitude,
)
from spatialjax.models.spatialaudiogen_encoders import (
    AUDIO_LAYERS,
    VisualConfig,
    VisualEncoder,
)
from spatialjax.models.spatialaudiogen_names import published_names
from spatialjax.nn import EVAL, Functional, Mode, NormConfig
from spatialjax.nn.conv_transpose import conv_transpose
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


def test_b15_published_shapes_of_hearing_and_of_the_tracks():
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


def test_b15_published_shapes_on_the_way_back_to_the_masks():
    widths = [(64, 32), (128, 32), (256, 64), (512, 128), (1024, 256)]
    wholes = [(127, 1024), *(shape[1:3] for shape in HEARD)]
    for index, (taps, strides) in enumerate(AUDIO_LAYERS):
        inputs, outputs = widths[index]
        x = _float(2, *wholes[index + 1], inputs)
        kernel = _float(*taps, outputs, inputs)
        spread = functools.partial(conv_transpose, strides=strides)
        y = jax.eval_shape(spread, x, kernel)
        assert y.shape == (2, *wholes[index], outputs)


def test_b15_published_shapes_of_sight():
    images = _float(2, 1, 224, 448, 3)
    assert _shapes(PUBLISHED, "see", [images, images], EVAL) == (2, 1, 1024)
    maps = [(56, 112, 64), (28, 56, 128), (14, 28, 256), (7, 14, 512)]
    for num_stages, shape in enumerate(maps, 1):
        config = VisualConfig(depth=(2,) * num_stages)
        functional = Functional(VisualEncoder, config)
        trees = jax.eval_shape(functional.init, jax.random.key(0))
        see = lambda trees, x, f=functional: f.apply(*trees, x, EVAL)[0]  # noqa: E731
        assert jax.eval_shape(see, trees, _float(2, 224, 448, 3)).shape == (2, *shape)


def test_b15_published_counts():
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
    """Parameters and state with nothing at 0 or 1, where it could be forgotten."""
    rng = np.random.default_rng(2)

    def draw(path, leaf):
        fans = math.prod(leaf.shape[:-2]) * sum(leaf.shape[-2:])
        bound = math.sqrt(6 / fans) if leaf.ndim > 1 else 0.1
        middle = 1.0 if path[-1].key in ("scale", "var") else 0.0
        return jnp.float32(rng.uniform(middle - bound, middle + bound, leaf.shape))

    init = Functional(SpatialAudioGen, spec).init
    shapes = jax.eval_shape(init, jax.random.key(0))
    return jax.tree_util.tree_map_with_path(draw, shapes)


def _apply(spec, method, inputs, *rest):
    """What a method gives, and the state after the call."""
    params, state = _trees(spec)
    return apply(SpatialAudioGen, spec, params, inputs, rest, state, method=method)


@functools.cache
def _seen(is_train=False):
    return _apply(TOY, "see", pictures(), Mode(is_train))


@functools.cache
def _listened(rows=CHUNK_ROWS):
    inputs = [window_magnitude(windows()), _seen()[0]]
    return _apply(TOY, "listen", inputs, rows)[0]


@functools.cache
def _checkpoint_arrays():
    return plain.arrays_by_name(published_names(TOY), *_trees())


@functools.cache
def _plainly_listened():
    magnitude = jnp.float32(np.abs(plain.stft(np.float64(windows()))[:, 46:173]))
    return jax.jit(plain.listen)(_checkpoint_arrays(), magnitude, _seen()[0])


@pytest.mark.parametrize("is_train", [False, True])
def test_sees_as_published(is_train):
    see = jax.jit(plain.see, static_argnums=(1, 3))
    streams = zip(("video", "flow"), pictures(), strict=True)
    expected = [
        see(_checkpoint_arrays(), stream, images[:, 0], is_train)
        for stream, images in streams
    ]
    expected = jnp.concatenate(expected, -1)[:, None]
    assert float(expected.std()) > 0.1
    np.testing.assert_allclose(_seen(is_train)[0], expected, rtol=1e-4, atol=1e-5)


def test_listens_as_published():
    masks, *expected = _plainly_listened()
    tracks = _listened((43, 71))
    for got, value in zip((tracks.weights, tracks.bias), expected, strict=True):
        assert float(value.std()) > 0.01
        np.testing.assert_allclose(got, value, rtol=1e-4, atol=1e-5)
    mirrored = jnp.roll(masks[..., ::-1], 1, -1)
    folded = ((masks + mirrored) / 2)[..., :513].swapaxes(2, 3)
    assert float(folded.std()) > 0.01
    np.testing.assert_allclose(tracks.masks, folded, atol=1e-5)


@pytest.mark.parametrize("rows", [CHUNK_ROWS, (120, 127)])
def test_b17_some_rows_are_those_of_all(rows):
    expected = _listened((0, 127)).masks[..., slice(*rows)]
    np.testing.assert_allclose(_listened(rows).masks, expected, atol=1e-6)


def test_a_chunk_is_as_published():
    heard = map(np.float64, _plainly_listened())
    expected = plain.render(np.float64(windows()), *heard)
    chunk = render_window(windows(), _listened()).swapaxes(1, 2)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(chunk, expected, atol=1e-5 * scale)


def test_each_time_step_hears_95_frames_around_its_own():
    params, state = _trees()
    functional = Functional(SpatialAudioGen, TOY)

    def deepest(magnitude):
        return functional.apply(params, state, magnitude, method="hear")[0][-1]

    _, adjoint = jax.vjp(jax.jit(deepest), window_magnitude(windows()))
    for step, middle in enumerate(STEP_ROWS):
        (reach,) = adjoint(jnp.zeros((2, 3, 6, 64)).at[:, step].set(1.0))
        matters = np.flatnonzero(jnp.abs(reach).max((0, 2)))
        assert (matters[0], matters[-1]) == (middle - 47, middle + 47)


def test_one_picture_for_each_step():
    images = [_float(2, 3, *TOY.image_size, 3)] * 2
    assert _shapes(TOY, "see", images, EVAL) == (2, 3, 16)
    seen = _seen()[0]
    visual = jnp.concatenate([2.0 * seen, seen, 0.5 * seen], 1)
    tracks, _ = _apply(TOY, "listen", [window_magnitude(windows()), visual], CHUNK_ROWS)
    is_same = jnp.isclose(tracks.weights, _listened().weights, atol=1e-6)
    assert is_same.all((0, 2, 3)).tolist() == [False, True, False]


def test_evaluation_with_batch_statistics_depends_on_the_batch():
    images, flow = pictures()
    for is_train in (False, True):
        changed = (images.at[1].multiply(2.0), flow)
        first = _apply(TOY, "see", changed, Mode(is_train))[0][0]
        is_same = np.array_equal(first, _seen(is_train)[0][0])
        assert is_same == (not is_train)


def test_running_statistics_keep_99_percent():
    params, state = _trees()
    kernel = params["video_encoder"]["conv1"]["conv"]["kernel"]
    y = jax.lax.conv_general_dilated(
        pictures()[0][:, 0], kernel, (2, 2), "SAME", dimension_numbers=plain.AXES
    )
    trees = (state, _seen(True)[1])
    old, new = (tree["video_encoder"]["conv1"]["conv"]["bn"] for tree in trees)
    for name, value in {"mean": y.mean((0, 1, 2)), "var": y.var((0, 1, 2))}.items():
        expected = 0.99 * old[name] + 0.01 * value
        np.testing.assert_allclose(new[name], expected, rtol=1e-4)


def test_b19_first_outputs_are_much_weaker_than_the_input():
    spec = dataclasses.replace(TOY, has_video=False, has_flow=False)
    params, state = variables(SpatialAudioGen, spec)
    kernel = params["localization"]["fc3"]["kernel"]
    assert abs(float(kernel.std()) - 0.00088) < 0.0001
    assert float(jnp.abs(kernel).max()) <= 0.002
    inputs = [window_magnitude(windows()), None]
    tracks, _ = apply(
        SpatialAudioGen, spec, params, inputs, (CHUNK_ROWS,), state, method="listen"
    )
    loudest = float(jnp.abs(render_window(windows(), tracks)).max())
    assert 0 < loudest < 0.01 * float(jnp.abs(windows()).max())


def _loss(spec, params, state, mono, images, flow):
    """Distance from W; what is given and not seen is dropped."""
    seen = (images if spec.has_video else None, flow if spec.has_flow else None)
    functional = Functional(SpatialAudioGen, spec)
    inputs = (window_magnitude(mono), *seen, CHUNK_ROWS, Mode(True))
    tracks, state = functional.apply(params, state, *inputs)
    chunk = render_window(mono, tracks)
    return jnp.square(chunk - mono[:, None, 24_000:28_800]).mean(), (chunk, state)


_gradient = jax.jit(
    jax.value_and_grad(_loss, argnums=1, has_aux=True), static_argnums=0
)
ALONE = {"has_video": False, "has_flow": False, "order": 3}


@pytest.mark.parametrize(
    "fields",
    [
        ALONE,
        pytest.param({"has_flow": False}, marks=pytest.mark.slow),
        pytest.param({"has_video": False, "separation": NONE}, marks=pytest.mark.slow),
    ],
)
def test_ablations_learn(fields):
    spec = dataclasses.replace(TOY, **fields)
    spec.validate()
    inputs = (windows(), *pictures())
    (loss, (chunk, _)), gradients = _gradient(spec, *_trees(spec), *inputs)
    assert chunk.shape == (2, (spec.order + 1) ** 2 - 1, 4800)
    for leaf in jax.tree.leaves((loss, gradients)):
        assert leaf.dtype == jnp.float32
        assert bool(jnp.isfinite(leaf).all())
        assert float(jnp.abs(leaf).max()) > 0


def test_without_separation_there_is_one_track_as_loud_as_the_mono_sound():
    spec = dataclasses.replace(TOY, separation=NONE, **ALONE)
    inputs = [window_magnitude(windows()), None]
    tracks, _ = _apply(spec, "listen", inputs, CHUNK_ROWS)
    weights = jnp.repeat(tracks.weights[..., 0].swapaxes(1, 2), 1600, -1)
    bias = jnp.repeat(tracks.bias.swapaxes(1, 2), 1600, -1)
    expected = weights * windows()[:, None, 24_000:28_800] + bias
    np.testing.assert_allclose(render_window(windows(), tracks), expected, atol=1e-5)


def test_bfloat16_hears_nearly_the_same():
    spec = dataclasses.replace(TOY, compute_dtype="bfloat16")
    inputs = [window_magnitude(windows()), _seen()[0]]
    tracks, _ = _apply(spec, "listen", inputs, CHUNK_ROWS)
    for got, expected in zip(tracks, _listened(), strict=True):
        assert got.dtype == jnp.float32
        assert not np.array_equal(got, expected)
        scale = float(jnp.abs(expected).max())
        np.testing.assert_allclose(got, expected, atol=0.03 * scale)


@pytest.mark.slow
def test_bfloat16_learns():
    spec = dataclasses.replace(TOY, compute_dtype="bfloat16")
    inputs = (*_trees(), windows(), *pictures())
    (loss, (chunk, state)), gradients = _gradient(spec, *inputs)
    _, (expected, _) = jax.jit(_loss, static_argnums=0)(TOY, *inputs)
    assert chunk.dtype == jnp.float32
    assert not np.array_equal(chunk, expected)
    scale = float(jnp.abs(expected).max())
    np.testing.assert_allclose(chunk, expected, atol=0.03 * scale)
    for leaf in jax.tree.leaves((loss, gradients, state)):
        assert leaf.dtype == jnp.float32
        assert bool(jnp.isfinite(leaf).all())


def test_silence_has_finite_gradients():
    spec = dataclasses.replace(TOY, **ALONE)
    silence = jnp.zeros((2, 52_799))
    (_, (chunk, _)), gradients = _gradient(spec, *_trees(spec), silence, *pictures())
    for leaf in jax.tree.leaves((chunk, gradients)):
        assert bool(jnp.isfinite(leaf).all())


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
    assert shapes["video_encoder/conv3_1/shortcut/biases"] == (8,)


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
