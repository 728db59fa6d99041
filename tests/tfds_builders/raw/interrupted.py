"""Ctrl-C while the first worker process starts: ``... interrupted FOLDER``."""

import os
import pathlib
import signal
import sys

from tfds_builders.raw.pool import run_jobs, worker_pool
from tfds_builders.workplace import workplace


def main(folder):
    try:
        with (
            workplace(pathlib.Path(folder), ".work") as place,
            worker_pool(1, place) as pool,
        ):
            list(run_jobs(abs, range(10**6), pool, 1))
    except KeyboardInterrupt:
        print("interrupted")


if __name__ == "__mp_main__":  # this is the worker
    os.killpg(0, signal.SIGINT)
if __name__ == "__main__":
    main(*sys.argv[1:])
