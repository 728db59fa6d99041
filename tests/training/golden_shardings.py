"""How fsdp lays out the published models: ``python -m tests.training.golden_shardings``

writes the file anew, after a change that is meant.
"""

import json
import pathlib

import jax

from launch._config_flag import load_config
from spatialjax.training import ParallelConfig, Strategy
from spatialjax.training.paths import flatten

CONFIGS = ("pixels_music", "ambix_yt_all")
FILE = pathlib.Path(__file__).with_suffix(".json")


def shardings(name):
    """Shape and split of each parameter on all devices, by path.

    Its moments in the optimizer, which are of its shape, lie as it does.
    """
    task = load_config(name).task.build()
    variables = jax.eval_shape(task.init, jax.random.key(0))
    parallel = ParallelConfig(Strategy.FSDP).build()
    return {
        path: f"{list(leaf.shape)} {tuple(parallel.state_sharding(leaf.shape).spec)}"
        for path, leaf in flatten(variables.params).items()
    }


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 8)
    found = {name: shardings(name) for name in CONFIGS}
    FILE.write_text(json.dumps(found, indent=1) + "\n")
