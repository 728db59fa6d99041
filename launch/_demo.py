"""What the demos share: a dataset that is built once, and a training to its end."""

import contextlib
import pathlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spatialjax.training import Experiment


def build_dataset(name: str, data_dir: str) -> None:
    """Build a dataset, unless it is there."""
    from spatialjax.data import open_dataset
    from spatialjax.errors import DataError
    from tfds_builders.build import build

    with contextlib.suppress(DataError):
        open_dataset(data_dir, name)
        return
    before_s = time.monotonic()
    path = build(name, data_dir, num_workers=2)
    print(f"built {path} in {time.monotonic() - before_s:.0f} s", flush=True)


def train_to_end(experiment: "Experiment", workdir: pathlib.Path) -> None:
    """Train, or go on, to the last step.

    Raises:
      UserError: a signal ended it before.
    """
    from spatialjax.errors import UserError
    from spatialjax.training import train

    before_s = time.monotonic()
    result = train(experiment, workdir)
    if result.stopped_by:
        raise UserError(f"stopped by {result.stopped_by}; run again to go on")
    took_s = time.monotonic() - before_s
    print(f"trained to step {result.step} in {took_s:.0f} s", flush=True)
