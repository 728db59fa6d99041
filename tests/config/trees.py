"""A small config tree with a field of every type that is allowed."""

import enum
from dataclasses import dataclass, field
from typing import Any, Protocol

from spatialjax.config import register
from spatialjax.errors import ConfigError


class Loss(enum.Enum):
    BCE = "bce"
    L1 = "l1"
    SQUARED = "l2"


@register("sample_group")
@dataclass
class Group:
    learning_rate: float | None = None
    frozen: bool = False


@register("sample_optimizer")
@dataclass
class Optimizer:
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    boundaries: tuple[int, ...] = ()
    best: tuple[tuple[str, str], ...] = (("sdr_db", "max"), ("loss", "min"))
    groups: dict[str, Group] = field(
        default_factory=lambda: {"sound": Group(), "frame": Group(1e-4)}
    )

    def validate(self):
        if self.learning_rate < 0:
            raise ConfigError(f"learning_rate is {self.learning_rate}, expected >= 0")


class Task(Protocol):
    def build(self) -> Any: ...


@register("sample_pixels")
@dataclass
class Pixels:
    loss: Loss = Loss.BCE
    size: tuple[int, int] = (224, 224)
    crop: tuple[int, int] | None = None
    fallback: Loss | None = None

    def build(self):
        return self.loss, self.size


@register("sample_other_task")
@dataclass
class OtherTask:
    order: int = 1

    def build(self):
        return self.order


@register("sample_experiment")
@dataclass
class Experiment:
    name: str = "sample"
    seed: int = 0
    flip: bool = False
    note: str | None = None
    num_workers: int | None = None
    task: Task = field(default_factory=Pixels)
    optimizer: Optimizer = field(default_factory=Optimizer)

    def validate(self):
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}, expected >= 0")
