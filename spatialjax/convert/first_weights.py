"""First weights of a task out of the files that its config names."""

from collections.abc import Callable
from typing import Any

from spatialjax.convert.resnet18 import load_resnet18
from spatialjax.tasks.base import Variables


def first_weights(task_config: Any) -> Callable[[Variables], Variables] | None:
    """What changes random variables to those of the named file; None without one.

    The file is ``frame_init`` of the config, a ResNet-18 for the frame network. It is
    the `amend` of `training.train`.

    Raises:
      CheckpointError: when called, if the file is missing, damaged or of another net.
    """
    path = getattr(task_config, "first_weights_file", None)
    if path is None:
        return None

    def amend(variables: Variables) -> Variables:
        params, state = variables
        frame = load_resnet18(path, params["frame"], state["frame"])
        return Variables({**params, "frame": frame[0]}, {**state, "frame": frame[1]})

    return amend
