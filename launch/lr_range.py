"""Find learning rates: raise that of each group of parameters until the loss bursts.

    python -m launch.lr_range --config=pixels_music --output=rates

prints a rate for each group, as the flag that sets it, and writes lr_range.json with
every step and lr_range.svg with the curves.
"""

import json
from typing import TYPE_CHECKING

from absl import flags

from launch import _app

if TYPE_CHECKING:
    from spatialjax.training import Experiment

_OUTPUT = flags.DEFINE_string("output", None, "folder to write", required=True)
_GROUPS = flags.DEFINE_list(
    "groups", [], "groups of parameters (default: all that are not frozen)"
)
_NUM_STEPS = flags.DEFINE_integer("num_steps", 1000, "of each test", lower_bound=2)
_LOWEST = flags.DEFINE_float("lowest", 1e-10, "rate of the first step")
_HIGHEST = flags.DEFINE_float("highest", 10.0, "rate of the last step")


def main(experiment: "Experiment") -> None:
    """Test each group, print what to set, write the folder."""
    from spatialjax.convert import first_weights
    from spatialjax.media import check_replaceable, replaced_folder, write_file
    from spatialjax.reports import curves_svg
    from spatialjax.training import find_rates

    check_replaceable(_OUTPUT.value)
    found = []
    for result in find_rates(
        experiment,
        _GROUPS.value,
        _NUM_STEPS.value,
        _LOWEST.value,
        _HIGHEST.value,
        first_weights(experiment.task),
    ):
        field = f"groups.{result.group}." if experiment.optimizer.groups else ""
        print(
            f"--config.optimizer.{field}learning_rate={result.suggestion:.2g}",
            flush=True,
        )
        found.append(result)
    content = {
        result.group: {
            "suggestion": result.suggestion,
            "learning_rates": result.learning_rates.tolist(),
            "losses": result.losses.tolist(),
            "means": result.means.tolist(),
        }
        for result in found
    }
    curves = {
        result.group: (result.learning_rates.tolist(), result.means.tolist())
        for result in found
    }
    picture = curves_svg(curves, "loss", "learning rate", "log")
    with replaced_folder(_OUTPUT.value) as folder:
        text = f"{json.dumps(content, indent=1)}\n"
        write_file(folder / "lr_range.json", text.encode())
        write_file(folder / "lr_range.svg", picture.encode())


if __name__ == "__main__":
    _app.run(main, config_flag=True)
