import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from spatialjax.config import from_json, to_json
from spatialjax.errors import ConfigError
from spatialjax.tasks.base import Variables
from spatialjax.training.optimizer import (
    Group,
    OptimizerConfig,
    OptimizerKind,
    ScheduleConfig,
    ScheduleKind,
    make_optimizer,
    make_schedule,
)

PARAMS = {
    "sound": {"kernel": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "bias": jnp.ones(2)},
    "frame": {"conv": {"kernel": jnp.arange(3.0)}, "fc": {"kernel": jnp.ones(3)}},
}
VARIABLES = Variables(PARAMS, {"frame": {"norm": {"mean": jnp.zeros(3)}}})


def gradients(num_steps):
    rng = np.random.default_rng(0)
    return [
        jax.tree.map(lambda p: jnp.array(rng.normal(size=p.shape), p.dtype), PARAMS)
        for _ in range(num_steps)
    ]


def descend(config, num_steps=3, run_steps=None):
    optimizer = make_optimizer(config, VARIABLES, run_steps or num_steps)
    params, state = PARAMS, optimizer.transform.init(PARAMS)
    for gradient in gradients(num_steps):
        updates, state = optimizer.transform.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    return params


def torch_sgd(value, steps, rates, weight_decay, momentum):
    """torch.optim.SGD: v = momentum v + (g + decay p); p = p - rate v."""
    value, velocity = np.array(value, np.float64), 0.0
    for gradient, rate in zip(steps, rates, strict=True):
        velocity = momentum * velocity + (np.array(gradient) + weight_decay * value)
        value = value - rate * velocity
    return value


def test_sgd_equals_the_published_rule():
    config = OptimizerConfig(
        learning_rate=0.1,
        weight_decay=1e-2,
        schedule=ScheduleConfig(ScheduleKind.STEP, boundaries=(2,)),
    )
    given = jax.tree.leaves(descend(config, 4))
    steps = list(zip(*(jax.tree.leaves(g) for g in gradients(4)), strict=True))
    for value, step, result in zip(jax.tree.leaves(PARAMS), steps, given, strict=True):
        expected = torch_sgd(value, step, [0.1, 0.1, 0.01, 0.01], 1e-2, 0.9)
        np.testing.assert_allclose(result, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("kind", [OptimizerKind.ADAM, OptimizerKind.ADAMW])
def test_adam_equals_its_formula(kind):
    config = OptimizerConfig(kind, learning_rate=0.1, weight_decay=0.02)
    value = np.array(PARAMS["sound"]["kernel"], np.float64)
    mean = square = 0.0
    for t, gradient in enumerate(gradients(3), 1):
        g = np.array(gradient["sound"]["kernel"], np.float64)
        if kind is OptimizerKind.ADAM:
            g = g + 0.02 * value
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        update = mean / (1 - 0.9**t) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8)
        if kind is OptimizerKind.ADAMW:
            update = update + 0.02 * value
        value = value - 0.1 * update
    np.testing.assert_allclose(descend(config)["sound"]["kernel"], value, rtol=1e-4)


def test_schedules_follow_their_closed_forms():
    steps = np.arange(12)
    constant = make_schedule(ScheduleConfig(), 12)
    np.testing.assert_array_equal(jax.vmap(constant)(steps), np.ones(12))

    config = ScheduleConfig(ScheduleKind.STEP, boundaries=(3, 7), factor=0.5)
    expected = 0.5 ** ((steps >= 3).astype(int) + (steps >= 7))
    np.testing.assert_allclose(jax.vmap(make_schedule(config, 12))(steps), expected)

    config = ScheduleConfig(ScheduleKind.COSINE, final_factor=0.1, warmup_steps=4)
    place = np.clip((steps - 4) / 8, 0, 1)
    expected = 0.1 + 0.9 * (1 + np.cos(math.pi * place)) / 2
    expected *= np.minimum(1, (steps + 1) / 4)
    found = jax.vmap(make_schedule(config, 12))(steps)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[3] == 1.0


def groups(**changes):
    return {
        "sound": Group("sound/.*", learning_rate=0.5),
        "frame": Group("frame/.*", **changes),
    }


def test_groups_have_their_own_rates_and_share_the_schedule():
    schedule = ScheduleConfig(ScheduleKind.STEP, boundaries=(1,))
    config = OptimizerConfig(
        learning_rate=0.1, momentum=0.0, schedule=schedule, groups=groups()
    )
    moved = descend(config, 2)
    first, second = gradients(2)
    for rate, name in ((0.5, "sound"), (0.1, "frame")):
        expected = jax.tree.map(
            lambda p, a, b, rate=rate: p - rate * a - 0.1 * rate * b,
            PARAMS[name], first[name], second[name],
        )  # fmt: skip
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
            moved[name],
            expected,
        )
    rates = make_optimizer(config, VARIABLES, 2).learning_rates
    assert {name: float(rate(1)) for name, rate in rates.items()} == pytest.approx(
        {"learning_rate/sound": 0.05, "learning_rate/frame": 0.01}
    )


def test_a_frozen_group_keeps_its_parameters_and_statistics():
    config = OptimizerConfig(
        weight_decay=0.1, groups=groups(frozen=True, freeze_statistics=True)
    )
    moved = descend(config)
    jax.tree.map(np.testing.assert_array_equal, moved["frame"], PARAMS["frame"])
    assert not np.array_equal(moved["sound"]["bias"], PARAMS["sound"]["bias"])
    optimizer = make_optimizer(config, VARIABLES, 3)
    assert optimizer.is_frozen["frame"] == {
        "conv": {"kernel": True},
        "fc": {"kernel": True},
    }
    assert optimizer.keeps_statistics == {"frame": {"norm": {"mean": True}}}
    assert "learning_rate/frame" not in optimizer.learning_rates


def test_a_group_may_decay_by_itself():
    config = OptimizerConfig(
        learning_rate=0.1, weight_decay=0.5, groups=groups(weight_decay=0.0)
    )
    plain = OptimizerConfig(learning_rate=0.1, groups=groups())
    jax.tree.map(
        np.testing.assert_array_equal,
        descend(config)["frame"],
        descend(plain)["frame"],
    )


def test_clipping_bounds_the_norm_of_the_whole_gradient():
    config = OptimizerConfig(learning_rate=1.0, momentum=0.0, clip_norm=0.5)
    moved = descend(config, 1)
    change = jax.tree.map(lambda a, b: a - b, moved, PARAMS)
    assert float(optax.tree.norm(change)) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        ({"a": "sound/.*"}, "'frame/conv/kernel' is in no group"),
        ({"a": ".*", "b": "frame/fc/.*"}, "'frame/fc/kernel' is in groups a, b"),
        ({"a": ".*", "b": "fram/.*"}, "groups.b holds no parameter"),
    ],
)
def test_each_parameter_is_in_exactly_one_group(patterns, text):
    config = OptimizerConfig(groups={n: Group(p) for n, p in patterns.items()})
    with pytest.raises(ConfigError, match=text):
        make_optimizer(config, VARIABLES, 1)


def test_statistics_that_a_group_lacks_cannot_be_frozen():
    parts = {"fc": Group("frame/fc/.*", freeze_statistics=True)}
    rest = {"rest": Group("sound/.*|frame/conv/.*")}
    with pytest.raises(ConfigError, match=r"groups\.fc freezes .*'frame/norm/mean'"):
        make_optimizer(OptimizerConfig(groups=parts | rest), VARIABLES, 1)


@pytest.mark.parametrize(
    "config",
    [
        OptimizerConfig(learning_rate=-1.0),
        OptimizerConfig(momentum=1.0),
        OptimizerConfig(clip_norm=0.0),
        OptimizerConfig(learning_rate=math.nan),
        ScheduleConfig(boundaries=(5, 3)),
        ScheduleConfig(warmup_steps=-1),
        ScheduleConfig(final_factor=2.0),
        ScheduleConfig(factor=2.0),
        ScheduleConfig(factor=0.0),
        Group("("),
        Group(learning_rate=-1.0),
    ],
)
def test_values_out_of_range_are_refused(config):
    with pytest.raises(ConfigError):
        config.validate()


def test_the_config_reloads_equal():
    config = OptimizerConfig(
        OptimizerKind.ADAM,
        clip_norm=1.0,
        schedule=ScheduleConfig(ScheduleKind.STEP, boundaries=(4, 5)),
        groups=groups(frozen=True),
    )
    assert from_json(to_json(config)) == config
