"""A training that dies: ``... killed CONFIG DATA_DIR WORKDIR``.

It kills itself while step 5 waits for its batch, after the checkpoint of step 3.
"""

import itertools
import os
import pathlib
import signal
import sys

from launch._config_flag import load_config
from spatialjax.training import run, train


def main(config, data_dir, workdir):
    experiment = load_config(config)
    experiment.data.data_dir = data_dir
    checkpoint = pathlib.Path(workdir, "checkpoints", "3")
    whole = run.train_batches

    def dying(*args):
        yield from itertools.islice(whole(*args), 4)
        while not checkpoint.exists():
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    run.train_batches = dying
    train(experiment, workdir)


if __name__ == "__main__":
    main(*sys.argv[1:])
