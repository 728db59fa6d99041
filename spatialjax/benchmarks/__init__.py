"""How fast a config runs here: its step, its reading, its transforms, its scores."""

from spatialjax.benchmarks.input import (
    InputSettings,
    InputSpeed,
    best_input,
    sweep_input,
    time_input,
)
from spatialjax.benchmarks.measure import Effort, check_swept, measure
from spatialjax.benchmarks.measurement import describe_machine, to_json_object
from spatialjax.benchmarks.page import benchmark_page
from spatialjax.benchmarks.run import RunSpeed, time_run
from spatialjax.benchmarks.scores import ScoreSpeed, time_scores
from spatialjax.benchmarks.step import StepSpeed, time_step
from spatialjax.benchmarks.transforms import TransformSpeed, time_transforms
from spatialjax.benchmarks.variants import variants

__all__ = [
    "Effort",
    "InputSettings",
    "InputSpeed",
    "RunSpeed",
    "ScoreSpeed",
    "StepSpeed",
    "TransformSpeed",
    "benchmark_page",
    "best_input",
    "check_swept",
    "describe_machine",
    "measure",
    "sweep_input",
    "time_input",
    "time_run",
    "time_scores",
    "time_step",
    "time_transforms",
    "to_json_object",
    "variants",
]
