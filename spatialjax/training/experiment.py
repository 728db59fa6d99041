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


class TaskConfig(Protocol):
    """Any registered settings of a system."""

    def build(self) -> Any:
        """The frozen task."""
        ...


@register("training")
@dataclass
class TrainingConfig:
    """How long a run is and how often it reports."""

    num_steps: int = 10000  # updates in all
    log_every_steps: int = 50  # a line of metrics.jsonl and of progress
    validate_every_steps: int = 1000  # 0: only at the end

    def validate(self) -> None:
        """Raises ConfigError for counts out of range."""
        if self.num_steps < 1 or self.log_every_steps < 1:
            raise ConfigError(
                f"num_steps is {self.num_steps} and log_every_steps "
                f"{self.log_every_steps}, expected >= 1"
            )
        if self.validate_every_steps < 0:
            raise ConfigError(
                f"validate_every_steps is {self.validate_every_steps}, expected >= 0"
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
        """Raises ConfigError for a seed that no generator takes."""
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"seed is {self.seed}, expected 0 to {2**31 - 1}")
