"""A run in a process of its own: ``python -m tests.training.child WORKDIR MODE``."""

import os
import pathlib
import signal
import sys

from tests.training.runs import make_batches, make_experiment, run_fit

NUM_STEPS = {"kill": 6, "endless": 10**6}


def main(workdir, mode):
    workdir = pathlib.Path(workdir)

    def die_late(step, batch):
        """Killed after step 4, once the checkpoint of step 3 is on the disk."""
        if mode == "kill" and step == 5:
            while not (workdir / "checkpoints" / "3").exists():
                pass
            os.kill(os.getpid(), signal.SIGKILL)

    experiment = make_experiment(NUM_STEPS[mode])
    result = run_fit(workdir, experiment, make_batches(edit=die_late))
    print(result.stopped_by, result.step, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
