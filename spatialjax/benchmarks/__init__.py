"""How fast the parts of a run are on this machine."""

from spatialjax.benchmarks.input import (
    InputSettings,
    InputSpeed,
    best_input,
    sweep_input,
    time_input,
)

__all__ = [
    "InputSettings",
    "InputSpeed",
    "best_input",
    "sweep_input",
    "time_input",
]
