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
Compiled programs are not kept unless --compilation_cache is given: compiling is timed.
`python -m launch.benchmark_page FOLDER` makes a page of the JSON files in a folder.
"""

import json
import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from launch import _app, _config_flag
from spatialjax.errors import UserError

if TYPE_CHECKING:
    from spatialjax.benchmarks import Effort
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
_SECONDS = flags.DEFINE_float("seconds", 60.0, "of sound, of spatialize", 0.0)
_WINDOWS = flags.DEFINE_integer("windows", None, "at once, of spatialize", 1)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "of train; needed in several processes (default: a temporary one)"
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write besides")


def main(experiment: "Experiment") -> None:
    """Measure, print, write; where a row fails, those before it are kept."""
    import jax

    if _DEVICES.value is not None:
        _take_cpu_devices(_DEVICES.value)
    if "compilation_cache" in flags.FLAGS and not flags.FLAGS.compilation_cache:
        jax.config.update("jax_compilation_cache_dir", None)  # compiling is timed, too

    from spatialjax import benchmarks
    from spatialjax.training.workdir import check_file_place

    what = _WHAT.value
    given = {"parallel": _PARALLEL.value, "dtype": _DTYPE.value, "batch": _BATCH.value}
    benchmarks.check_swept(what, [name for name in given if given[name]])
    if _OUTPUT.value is not None:
        check_file_place(_OUTPUT.value)
    variants = list(benchmarks.variants(experiment, given))
    rows: list[Any] = []
    try:
        for index, variant in enumerate(variants):
            rows += benchmarks.measure(what, variant, _effort(index, len(variants)))
    finally:
        if rows and jax.process_index() == 0:
            changes = _config_flag.changed_fields(experiment, sys.argv)
            _tell(benchmarks.to_json_object(what, experiment.name, changes, rows))


def _take_cpu_devices(count: int) -> None:
    """Makes several devices of this processor."""
    import jax

    if jax.distributed.is_initialized():
        raise UserError("--num_cpu_devices is for one process; several have their own")
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", count)


def _effort(index: int, count: int) -> "Effort":
    """How much to measure; each of several runs has a folder of its own."""
    from spatialjax.benchmarks import Effort

    workdir = _WORKDIR.value
    return Effort(
        num_calls=_CALLS.value,
        num_items=_ITEMS.value,
        sweep=_SWEEP.value,
        duration_s=_SECONDS.value,
        num_windows=_WINDOWS.value,
        workdir=workdir if workdir is None or count == 1 else f"{workdir}/{index}",
    )


def _tell(found: dict[str, Any]) -> None:
    from spatialjax.media import write_file

    text = json.dumps(found, indent=2)
    print(text)
    if _OUTPUT.value is not None:
        write_file(_OUTPUT.value, f"{text}\n".encode())


if __name__ == "__main__":
    _app.run(main, config_flag=True, several_processes=True, urls=["workdir"])
