"""One experiment as typed settings: everything that decides a run."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from spatialjax.config import register
from spatialjax.data.config import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.evaluation.config import EvaluationConfig
from spatialjax.training.checkpoint import CheckpointConfig
from spatialjax.training.init_from import InitFrom
from spatialjax.training.optimizer import OptimizerConfig
from spatialjax.training.parallel import ParallelConfig
from spatialjax.training.remat import Remat


class TaskConfig(Protocol):
    """Any registered settings of a system."""

    def build(self) -> Any:
        """The frozen task."""
        ...


@register("training")
@dataclass
class TrainingConfig:
    """How long a run is, how it computes a step and how often it reports."""

    num_steps: int = 10000  # updates in all
    log_every_steps: int = 50  # a line of metrics.jsonl and of progress
    validate_every_steps: int = 1000  # 0: only at the end
    num_micro_batches: int = 1  # parts of a batch whose gradients a step adds up
    steps_per_call: int = 1  # steps in one compiled call, for small models
    remat: Remat = Remat.NONE  # what the backward pass computes anew, to save memory

    def validate(self) -> None:
        """Raises ConfigError for counts out of range."""
        for name in ("num_steps", "log_every_steps", "num_micro_batches"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected >= 1")
        self.check_calls("num_steps", self.num_steps)
        self.check_calls("log_every_steps", self.log_every_steps)
        self.check_calls("validate_every_steps", self.validate_every_steps)
        if self.validate_every_steps < 0:
            raise ConfigError(
                f"validate_every_steps is {self.validate_every_steps}, expected >= 0"
            )

    def check_calls(self, name: str, num_steps: int) -> None:
        """Raises ConfigError for a number of steps that whole calls do not make."""
        count = self.steps_per_call
        if count < 1 or num_steps % count:
            raise ConfigError(
                f"steps_per_call is {count}, expected a divisor of {name}, {num_steps}"
            )


@register("experiment")
@dataclass
class Experiment:
    """A run: what is learnt, from what, how, and how it is judged."""

    task: TaskConfig
    name: str = "experiment"  # shown in reports
    seed: int = 0  # of the first weights, the data order and every draw
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    init_from: InitFrom = field(default_factory=InitFrom)

    def validate(self) -> None:
        """Raises ConfigError for a seed, a batch or a call that cannot be."""
        self.training.check_calls("checkpoint.every_steps", self.checkpoint.every_steps)
        num_parts = self.training.num_micro_batches
        if self.data.batch_size % num_parts:
            raise ConfigError(
                f"num_micro_batches is {num_parts}, expected a divisor of "
                f"data.batch_size, {self.data.batch_size}"
            )
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"seed is {self.seed}, expected 0 to {2**31 - 1}")
