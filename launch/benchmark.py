"""How fast a config runs on this machine, as one JSON object.

    python -m launch.benchmark --config=ambix_toy --what=spatialize --output=speed.json

`spatialize` makes the sound field of a stream of noise and random pictures: how many
chunks a second, and how many times as fast as real time. Reading and writing of files
are not part of it; nor is what the model has learnt, so none needs to be trained.
"""

import dataclasses
import json
from typing import TYPE_CHECKING

from absl import flags

from launch import _app

if TYPE_CHECKING:
    from spatialjax.training import Experiment

_WHAT = flags.DEFINE_enum("what", "spatialize", ["spatialize"], "what is measured")
_SECONDS = flags.DEFINE_float("seconds", 60.0, "of sound, at least", lower_bound=0.0)
_WINDOWS = flags.DEFINE_integer(
    "windows", None, "computed at once (default: as spatialize does)", lower_bound=1
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write besides")


def main(experiment: "Experiment") -> None:
    """Measure, print, write."""
    import jax

    from spatialjax.evaluation import versions
    from spatialjax.inference import FieldModel, time_stream
    from spatialjax.media import write_file

    task = experiment.task.build()
    variables = jax.jit(task.init)(jax.random.key(experiment.seed))
    model = FieldModel(task, variables, experiment.data.image_spacing_s)
    speed = time_stream(model, _SECONDS.value, _WINDOWS.value)
    found = {
        "what": _WHAT.value,
        "config": experiment.name,
        "device": jax.devices()[0].device_kind,
        "num_devices": jax.device_count(),
        "versions": versions(),
        **dataclasses.asdict(speed),
    }
    text = json.dumps(found, indent=2)
    print(text)
    if _OUTPUT.value is not None:
        write_file(_OUTPUT.value, f"{text}\n".encode())


if __name__ == "__main__":
    _app.run(main, config_flag=True)
