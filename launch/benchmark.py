r"""How fast a config runs on this machine, as one JSON object.

    python -m launch.benchmark --config=pixels_music --what=step --batch=4,8 \
        --config.task.norm_group_size=none --output=step.json
    python -m launch.benchmark --config=pixels_toy --what=step \
        --parallel=data,pmap,fsdp --num_cpu_devices=8

What is measured:
  step        the compiled training step, on a batch of noise
  input       the loader of a training run, without steps
  train       the loop of launch.train, with its data and checkpoints
  stft        the transforms of the sound of one batch, by each method
  metrics     the scores of a validation, on devices and on the host
  spatialize  the stream of launch.spatialize, without files

--parallel, --dtype and --batch take several values each: one row for each combination.
`python -m launch.benchmark_page FOLDER` makes a page of the JSON files in a folder.
"""

import json
import sys
from typing import TYPE_CHECKING

from absl import flags

from launch import _app

if TYPE_CHECKING:
    from spatialjax.training import Experiment

_WHATS = ["step", "input", "train", "stft", "metrics", "spatialize"]
_WHAT = flags.DEFINE_enum("what", "step", _WHATS, "what is measured")
_PARALLEL = flags.DEFINE_list("parallel", [], "strategies: data, fsdp, pmap")
_DTYPE = flags.DEFINE_list("dtype", [], "compute dtypes: float32, bfloat16")
_BATCH = flags.DEFINE_list("batch", [], "batch sizes, of all devices together")
_CALLS = flags.DEFINE_integer(
    "calls", 20, "that are timed; of train: steps", lower_bound=1
)
_DEVICES = flags.DEFINE_integer(
    "num_cpu_devices", None, "that share this processor", lower_bound=1
)
_ITEMS = flags.DEFINE_integer("items", 512, "that input reads", lower_bound=1)
_SWEEP = flags.DEFINE_boolean("sweep", False, "try settings of the loader; the best")
_SECONDS = flags.DEFINE_float(
    "seconds", 60.0, "of sound, at least, of spatialize", lower_bound=0.0
)
_WINDOWS = flags.DEFINE_integer(
    "windows", None, "computed at once by spatialize", lower_bound=1
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "of train; needed in several processes (default: a temporary one)"
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write besides")


def main(experiment: "Experiment") -> None:
    """Measure, print, write."""
    import jax

    if _DEVICES.value is not None:
        jax.config.update("jax_num_cpu_devices", _DEVICES.value)
    if "compilation_cache" in flags.FLAGS and not flags.FLAGS.compilation_cache:
        jax.config.update("jax_compilation_cache_dir", None)  # compiling is timed, too

    from spatialjax import benchmarks
    from spatialjax.media import write_file

    values = {"parallel": _PARALLEL.value, "dtype": _DTYPE.value, "batch": _BATCH.value}
    effort = benchmarks.Effort(
        num_calls=_CALLS.value,
        num_items=_ITEMS.value,
        sweep=_SWEEP.value,
        seconds=_SECONDS.value,
        num_windows=_WINDOWS.value,
        workdir=_WORKDIR.value,
    )
    rows = [
        row
        for variant in benchmarks.variants(experiment, values)
        for row in benchmarks.measure(_WHAT.value, variant, effort)
    ]
    words = [word for word in sys.argv[1:] if "config." in word]
    changes = [word for word in words if ".data_dir=" not in word]
    found = benchmarks.to_json_object(_WHAT.value, experiment.name, changes, rows)
    text = json.dumps(found, indent=2)
    if jax.process_index() == 0:
        print(text)
        if _OUTPUT.value is not None:
            write_file(_OUTPUT.value, f"{text}\n".encode())


if __name__ == "__main__":
    _app.run(main, config_flag=True, several_processes=True, urls=["workdir"])
