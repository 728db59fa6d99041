"""Training: the settings of an experiment, the loop, and what it leaves behind."""

from spatialjax.training.ahead import StepCost, cost_ahead, describe_cost
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.experiment import Experiment, TrainingConfig
from spatialjax.training.guard import NonFiniteError
from spatialjax.training.init_from import InitFrom
from spatialjax.training.loop import FitResult, Validate, fit
from spatialjax.training.lr_range import RateRange, find_rates
from spatialjax.training.optimizer import (
    Group,
    OptimizerConfig,
    OptimizerKind,
    ScheduleConfig,
    ScheduleKind,
    make_optimizer,
)
from spatialjax.training.parallel import Parallel, ParallelConfig, Strategy
from spatialjax.training.run import Validation, train
from spatialjax.training.step import TrainState, init_state, make_train_step
from spatialjax.training.workdir import Trained, load_trained
from spatialjax.training.workdir_evaluation import (
    Baseline,
    WorkdirEvaluation,
    open_evaluation,
)

__all__ = [
    "Baseline",
    "CheckpointConfig",
    "Checkpoints",
    "Experiment",
    "FitResult",
    "Group",
    "InitFrom",
    "NonFiniteError",
    "OptimizerConfig",
    "OptimizerKind",
    "Parallel",
    "ParallelConfig",
    "RateRange",
    "StepCost",
    "ScheduleConfig",
    "ScheduleKind",
    "Strategy",
    "TrainState",
    "Trained",
    "TrainingConfig",
    "Validate",
    "Validation",
    "WorkdirEvaluation",
    "cost_ahead",
    "describe_cost",
    "find_rates",
    "fit",
    "init_state",
    "load_trained",
    "make_optimizer",
    "make_train_step",
    "open_evaluation",
    "train",
]
