"""What training would take of a TPU pod, told by its compiler without one.

    python -m launch.compile_ahead --config=pixels_music --topology=v5e:4x4

compiles the training step for 16 chips of TPU v5e and prints, as one JSON object, the
memory of a device, the FLOPs and the exchanges between devices. It takes minutes, no
data and no TPU, but libtpu, which the extra spatialjax[tpu] installs.
"""

import json
from typing import TYPE_CHECKING

from absl import flags

from launch import _app

if TYPE_CHECKING:
    from spatialjax.training import Experiment

_TOPOLOGY = flags.DEFINE_string(
    "topology",
    None,
    "kind of TPU and its chips along each axis, as v5e:4x4, v4:2x2x2 or v5e:1x1",
    required=True,
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write besides")


def main(experiment: "Experiment") -> None:
    """Compile, print, write."""
    import jax

    from spatialjax.media import write_file
    from spatialjax.training import cost_ahead, describe_cost

    jax.config.update("jax_platforms", "cpu")  # what is here has other work
    cost = cost_ahead(experiment, _TOPOLOGY.value)
    found = {
        "topology": _TOPOLOGY.value,
        **describe_cost(experiment, cost),
    }
    text = json.dumps(found, indent=2)
    print(text)
    if _OUTPUT.value is not None:
        write_file(_OUTPUT.value, f"{text}\n".encode())


if __name__ == "__main__":
    _app.run(main, config_flag=True)
