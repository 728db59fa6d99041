"""The optimiser: one rule, one schedule, groups of parameters with their own rates."""

import enum
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from spatialjax.config import register
from spatialjax.errors import ConfigError, nearest
from spatialjax.tasks.base import Variables
from spatialjax.training.paths import flatten, map_with_path
from spatialjax.typing import Array, PyTree


class OptimizerKind(enum.Enum):
    """The rule that turns a gradient into an update."""

    SGD = "sgd"
    ADAM = "adam"
    ADAMW = "adamw"


class ScheduleKind(enum.Enum):
    """How the learning rate changes over the run."""

    CONSTANT = "constant"
    STEP = "step"
    COSINE = "cosine"


@register("schedule")
@dataclass
class ScheduleConfig:
    """The factor on every learning rate, as a function of the step."""

    kind: ScheduleKind = ScheduleKind.CONSTANT
    boundaries: tuple[int, ...] = ()  # kind=step: steps from which the rate is smaller
    factor: float = 0.1  # kind=step: the rate is multiplied by this at each boundary
    final_factor: float = 0.0  # kind=cosine: what is left of the rate at the end
    warmup_steps: int = 0  # linear rise, 1/warmup_steps at the first step

    def validate(self) -> None:
        """Raises ConfigError for values that give no schedule."""
        if self.warmup_steps < 0:
            raise ConfigError(f"warmup_steps is {self.warmup_steps}, expected >= 0")
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise ConfigError(f"boundaries is {self.boundaries}, expected rising steps")
        if not 0 < self.factor <= 1 or not 0 <= self.final_factor <= 1:
            raise ConfigError(
                f"factor is {self.factor} and final_factor {self.final_factor}, "
                "expected within (0, 1] and [0, 1]: a schedule only lowers the rate"
            )


@register("group")
@dataclass
class Group:
    """Parameters that share a learning rate, chosen by their path."""

    pattern: str = ".*"  # regular expression of the whole path, as "frame/fc/.*"
    learning_rate: float | None = None  # None: that of the optimizer
    weight_decay: float | None = None  # None: that of the optimizer
    frozen: bool = False  # no updates
    freeze_statistics: bool = False  # running statistics below the path are kept

    def validate(self) -> None:
        """Raises ConfigError for a pattern that is no regular expression."""
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ConfigError(
                f"group pattern {self.pattern!r} is no regular expression: {error}"
            ) from error
        for name in ("learning_rate", "weight_decay"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ConfigError(f"group {name} is {value}, expected >= 0")

    def holds(self, path: str) -> bool:
        """Whether a path such as ``"sound/down1/kernel"`` belongs to the group."""
        return re.fullmatch(self.pattern, path) is not None


@register("optimizer")
@dataclass
class OptimizerConfig:
    """What moves the parameters."""

    kind: OptimizerKind = OptimizerKind.SGD
    learning_rate: float = 1e-3  # per step, before the schedule
    weight_decay: float = 0.0  # sgd, adam: added to the gradient; adamw: to the update
    momentum: float = 0.9  # sgd: no Nesterov, no dampening
    beta1: float = 0.9  # adam, adamw
    beta2: float = 0.999  # adam, adamw
    epsilon: float = 1e-8  # adam, adamw
    clip_norm: float | None = None  # largest norm of the whole gradient
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    groups: dict[str, Group] = field(default_factory=dict)  # empty: one group for all

    def validate(self) -> None:
        """Raises ConfigError for values out of range."""
        ranges = {
            "learning_rate": 0 <= self.learning_rate < math.inf,
            "weight_decay": 0 <= self.weight_decay < math.inf,
            "momentum": 0 <= self.momentum < 1,
            "beta1": 0 <= self.beta1 < 1,
            "beta2": 0 <= self.beta2 < 1,
            "epsilon": 0 < self.epsilon < 1,
            "clip_norm": self.clip_norm is None or self.clip_norm > 0,
        }
        for name, is_fit in ranges.items():
            if not is_fit:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}, which is out of range"
                )


Schedule = Callable[[Array], Array]


class Optimizer(NamedTuple):
    """The transformation and what a step needs besides it.

    `is_frozen` is a tree of bools like the parameters, `keeps_statistics` like the
    state; `learning_rates` gives the rate of each group, by the name it is logged as.
    """

    transform: optax.GradientTransformation
    is_frozen: PyTree
    keeps_statistics: PyTree
    learning_rates: dict[str, Schedule]


def make_schedule(config: ScheduleConfig, num_steps: int) -> Schedule:
    """The factor on the learning rates at a step (from 0), between 0 and 1.

    * step: ``factor ** (number of boundaries <= step)``
    * cosine: ``final + (1 - final) * (1 + cos(pi * p)) / 2``, where p runs from 0 at
      the end of the warm-up to 1 at `num_steps`
    * warm-up: times ``min(1, (step + 1) / warmup_steps)``
    """

    def factor(step: Array) -> Array:
        step = jnp.asarray(step, jnp.float32)
        value = jnp.ones_like(step)
        if config.kind is ScheduleKind.STEP:
            for boundary in config.boundaries:
                value = value * jnp.where(step >= boundary, config.factor, 1.0)
        elif config.kind is ScheduleKind.COSINE:
            span = max(num_steps - config.warmup_steps, 1)
            place = jnp.clip((step - config.warmup_steps) / span, 0.0, 1.0)
            fall = 0.5 * (1.0 + jnp.cos(math.pi * place))
            value = config.final_factor + (1.0 - config.final_factor) * fall
        if config.warmup_steps:
            value = value * jnp.minimum(1.0, (step + 1.0) / config.warmup_steps)
        return value

    return factor


def make_optimizer(
    config: OptimizerConfig, variables: Variables, num_steps: int
) -> Optimizer:
    """The optimiser of the given variables (arrays or their shapes).

    Raises:
      ConfigError: a parameter is in no group or in several, or a group is empty, or
        has no statistics to freeze.
    """
    groups = dict(config.groups) or {"all": Group()}
    labels = _labels(groups, flatten(variables.params))
    _check_statistics(groups, list(flatten(variables.state)))
    factor = make_schedule(config.schedule, num_steps)
    rates: dict[str, Schedule] = {}
    rules: dict[str, optax.GradientTransformation] = {}
    for name, group in groups.items():
        if group.frozen:
            rules[name] = optax.set_to_zero()
            continue
        rate = _or_default(group.learning_rate, config.learning_rate)
        decay = _or_default(group.weight_decay, config.weight_decay)
        schedule = _scaled(rate, factor)
        rates[f"learning_rate/{name}" if config.groups else "learning_rate"] = schedule
        rules[name] = _rule(config, decay, schedule)
    tree_of_labels = map_with_path(lambda path, _: labels[path], variables.params)
    transform = optax.partition(rules, tree_of_labels)
    if config.clip_norm is not None:
        transform = optax.chain(optax.clip_by_global_norm(config.clip_norm), transform)
    return Optimizer(
        transform,
        is_frozen=jax.tree.map(lambda label: groups[label].frozen, tree_of_labels),
        keeps_statistics=map_with_path(
            lambda path, _: any(
                g.freeze_statistics and g.holds(path) for g in groups.values()
            ),
            variables.state,
        ),
        learning_rates=rates,
    )


def _scaled(rate: float, factor: Schedule) -> Schedule:
    return lambda step: rate * factor(step)


def _or_default(value: float | None, default: float) -> float:
    return default if value is None else value


def _rule(
    config: OptimizerConfig, weight_decay: float, rate: Schedule
) -> optax.GradientTransformation:
    """Torch's order: decay joins the gradient first, the learning rate comes last."""
    decay = (
        optax.add_decayed_weights(weight_decay) if weight_decay else optax.identity()
    )
    descend = optax.scale_by_learning_rate(rate)
    if config.kind is OptimizerKind.SGD:
        return optax.chain(decay, optax.trace(config.momentum), descend)
    adam = optax.scale_by_adam(config.beta1, config.beta2, config.epsilon)
    if config.kind is OptimizerKind.ADAM:
        return optax.chain(decay, adam, descend)
    return optax.chain(adam, decay, descend)


def _labels(groups: Mapping[str, Group], paths: Iterable[str]) -> dict[str, str]:
    """The name of the group of each parameter."""
    labels: dict[str, str] = {}
    paths = list(paths)
    for path in paths:
        owners = [name for name, group in groups.items() if group.holds(path)]
        if len(owners) != 1:
            found = f"groups {', '.join(owners)}" if owners else "no group"
            patterns = ", ".join(f"{n}={g.pattern!r}" for n, g in groups.items())
            raise ConfigError(
                f"parameter {path!r} is in {found}, expected exactly one; mend the "
                f"patterns of optimizer.groups: {patterns}"
            )
        labels[path] = owners[0]
    for name in sorted(set(groups) - set(labels.values())):
        raise ConfigError(
            f"optimizer.groups.{name} holds no parameter: the whole path must match "
            f"{groups[name].pattern!r}; {nearest(groups[name].pattern, paths)}"
        )
    return labels


def _check_statistics(groups: Mapping[str, Group], paths: Sequence[str]) -> None:
    """Refuses a group that is to freeze statistics and holds none."""
    for name, group in groups.items():
        if group.freeze_statistics and not any(map(group.holds, paths)):
            raise ConfigError(
                f"optimizer.groups.{name} freezes statistics, but {group.pattern!r} "
                f"matches the whole path of none; {nearest(group.pattern, paths)}"
            )
