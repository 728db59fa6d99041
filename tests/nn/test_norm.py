import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ConfigError, ShapeError
from spatialjax.nn.functional import Functional
from spatialjax.nn.norm import EVAL, GLOBAL_NORM, BatchNorm, Mode, NormConfig, Renorm
from tests.nn import reference

CHANNELS = 5
TRAIN = Mode(train=True)


def _build(config, *, rngs):
    return BatchNorm(CHANNELS, config, rngs=rngs)


@functools.partial(jax.jit, static_argnums=(0, 4))
def _apply(config, params, state, x, mode):
    return Functional(_build, config).apply(params, state, x, mode)


def _variables(rng):
    def draw(low):
        return jnp.asarray(rng.uniform(low, 2.0, CHANNELS), jnp.float32)

    params = {"scale": draw(0.5), "bias": draw(-1.0)}
    return params, {"mean": draw(-1.0), "var": draw(0.5)}


def _case(rows=8):
    rng = np.random.default_rng(0)
    params, state = _variables(rng)
    x = rng.normal(2.0, 3.0, (rows, 4, 3, CHANNELS)).astype(np.float32)
    x *= 1 + np.arange(rows, dtype=np.float32).reshape(-1, 1, 1, 1)
    return params, state, jnp.asarray(x)


def _assert_state(got, expected, rtol=2e-5):
    for name in ("mean", "var"):
        np.testing.assert_allclose(got[name], expected[name], rtol=rtol)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("unbiased", [False, True])
def test_global_equals_float64(train, unbiased):
    params, state, x = _case()
    config = NormConfig(unbiased=unbiased)
    y, new_state = _apply(config, params, state, x, Mode(train))
    expected, expected_state = reference.batch_norm(
        np.float64(x), params, state, train, unbiased=unbiased
    )
    np.testing.assert_allclose(y, expected, atol=1e-5)
    _assert_state(new_state, expected_state)


def test_start_is_the_unit_norm():
    params, state = Functional(_build, GLOBAL_NORM).init(jax.random.key(0))
    assert {name: float(a[0]) for name, a in params.items()} == {"scale": 1, "bias": 0}
    assert {name: float(a[0]) for name, a in state.items()} == {"mean": 0, "var": 1}


def test_gradient_equals_the_two_pass_form():
    params, state, x = _case()
    weight = jnp.asarray(np.random.default_rng(1).normal(size=x.shape), jnp.float32)

    def plain(x):
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        over = lambda a: a.reshape(1, 1, 1, -1)  # noqa: E731
        y = (x - over(mean)) * over(params["scale"] * jax.lax.rsqrt(var + 1e-5))
        return (y * weight).sum()

    def ours(x):
        return (_apply(GLOBAL_NORM, params, state, x, TRAIN)[0] * weight).sum()

    got, expected = (jax.jit(jax.grad(function))(x) for function in (ours, plain))
    np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max())


def test_large_offset_keeps_its_digits_once_the_running_mean_is_near():
    params, state, x = _case()
    x, state["mean"] = x + 1e4, state["mean"] + 1e4
    y, _ = _apply(GLOBAL_NORM, params, state, x, TRAIN)
    expected, _ = reference.batch_norm(np.float64(x), params, state, True)
    np.testing.assert_allclose(y, expected, atol=1e-3)


def test_groups_are_separate_batches_of_examples():
    params, state, x = _case(rows=12)  # 4 examples of 3 pictures, two in a group
    config = NormConfig(group_size=2)
    y, new_state = _apply(config, params, state, x, TRAIN.with_rows(1, 3))
    parts = [
        reference.batch_norm(np.float64(part), params, state, True)
        for part in np.split(x, 2)
    ]
    np.testing.assert_allclose(y, np.concatenate([p[0] for p in parts]), atol=1e-5)
    mean_state = jax.tree.map(lambda *a: np.mean(a, 0), *[p[1] for p in parts])
    _assert_state(new_state, mean_state)


def test_per_source_updates_the_running_statistics_in_order():
    params, state, x = _case(rows=12)  # 2 examples, 3 sources, 2 pictures
    config = NormConfig(per_source=True, unbiased=True)
    y, new_state = _apply(config, params, state, x, TRAIN.with_rows(3, 2))
    split = np.float64(x).reshape(2, 3, 2, *x.shape[1:])
    expected = np.empty_like(split)
    for source in range(3):
        rows = split[:, source].reshape(4, *x.shape[1:])
        out, state = reference.batch_norm(rows, params, state, True, unbiased=True)
        expected[:, source] = out.reshape(2, 2, *x.shape[1:])
    np.testing.assert_allclose(y, expected.reshape(x.shape), atol=1e-5)
    _assert_state(new_state, state)


@pytest.mark.parametrize(
    "config",
    [
        NormConfig(),
        NormConfig(per_source=True, unbiased=True),
        NormConfig(group_size=1),
        NormConfig(group_size=2, per_source=True),
        NormConfig(group_size=4),
        NormConfig(group_size=8, unbiased=True),
        NormConfig(group_size=16),
        NormConfig(renorm=Renorm()),
    ],
)
def test_pmap_equals_jit_on_the_global_batch(config):
    num_devices = jax.device_count()
    assert num_devices == 8
    params, state, x = _case(rows=16 * 4)  # 16 examples, 2 sources, 2 pictures
    functional = Functional(_build, config)
    weight = jnp.asarray(np.random.default_rng(1).normal(size=x.shape), jnp.float32)

    def loss(params, state, x, weight, axis):
        mode = Mode(True, axis).with_rows(2, 2)
        y, new_state = functional.apply(params, state, x, mode)
        return (y * weight).sum(), (y, new_state)

    gradient = jax.grad(loss, (0, 2), has_aux=True)
    one = jax.jit(gradient, static_argnums=4)(params, state, x, weight, None)
    split = lambda a: a.reshape(num_devices, -1, *a.shape[1:])  # noqa: E731
    many = jax.pmap(
        lambda x, weight: gradient(params, state, x, weight, "devices"), "devices"
    )(split(x), split(weight))
    (params_gradient, x_gradient), (y, new_state) = one
    (many_params_gradient, many_x_gradient), (many_y, many_state) = many
    joined = (
        jax.tree.map(lambda a: a.sum(0), many_params_gradient),
        many_x_gradient.reshape(x.shape),
        many_y.reshape(x.shape),
    )
    for got, expected in zip(
        jax.tree.leaves(joined),
        jax.tree.leaves((params_gradient, x_gradient, y)),
        strict=True,
    ):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(got, expected, atol=2e-5 * scale)
    for name, value in new_state.items():
        for device in range(num_devices):
            np.testing.assert_allclose(many_state[name][device], value, rtol=2e-5)


def test_renorm_follows_the_paper():
    params, state, x = _case()
    renorm = Renorm(r_max=1.5, d_max=0.5)
    y, new_state = _apply(NormConfig(renorm=renorm), params, state, x, TRAIN)
    x, (p, s) = np.float64(x), jax.tree.map(np.float64, (params, state))
    deviation = np.sqrt(x.var((0, 1, 2)) + 1e-5)
    running = np.sqrt(s["var"] + 1e-5)
    r = np.clip(deviation / running, 1 / 1.5, 1.5)
    d = np.clip((x.mean((0, 1, 2)) - s["mean"]) / running, -0.5, 0.5)
    normal = (x - x.mean((0, 1, 2))) / deviation * r + d
    np.testing.assert_allclose(y, normal * p["scale"] + p["bias"], atol=1e-5)
    new_deviation = 0.9 * running + 0.1 * deviation
    expected = {
        "mean": 0.9 * s["mean"] + 0.1 * x.mean((0, 1, 2)),
        "var": new_deviation**2 - 1e-5,
    }
    _assert_state(new_state, expected)


def test_renorm_without_limits_normalises_by_the_running_statistics():
    params, state, x = _case()
    config = NormConfig(renorm=Renorm(r_max=float("inf"), d_max=float("inf")))
    y, _ = _apply(config, params, state, x, TRAIN)
    expected, _ = _apply(GLOBAL_NORM, params, state, x, EVAL)
    np.testing.assert_allclose(y, expected, atol=2e-5 * np.abs(expected).max())


def test_bfloat16_rows_have_float32_statistics():
    params, state, x = _case()
    x = x.astype(jnp.bfloat16)
    y, new_state = _apply(GLOBAL_NORM, params, state, x, TRAIN)
    assert y.dtype == jnp.bfloat16
    assert new_state["var"].dtype == jnp.float32
    rows = np.float64(np.asarray(x, np.float32))
    _assert_state(new_state, reference.batch_norm(rows, params, state, True)[1])


def test_rows_and_groups_must_divide():
    params, state, x = _case(rows=8)
    config = NormConfig(group_size=3)
    with pytest.raises(ShapeError, match=r"groups of 3 examples .* batch of 8"):
        _apply(config, params, state, x, TRAIN)
    with pytest.raises(ShapeError, match="8 rows do not hold 3 sources of 1 images"):
        _apply(config, params, state, x, TRAIN.with_rows(3, 1))


@pytest.mark.parametrize("config", [NormConfig(group_size=0), NormConfig(momentum=0.0)])
def test_validate_refuses(config):
    with pytest.raises(ConfigError):
        config.validate()
