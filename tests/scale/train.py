"""`launch.train`, which writes down what it sees: ``python -m tests.scale.train ...``

Each process appends a line for each batch to ``seen/<process>.jsonl`` of the workdir:
which start of the run it is, the number of the batch and, row by row, a hash of all
that is in it.
"""

import hashlib
import json
import os
import pathlib
import threading

from absl import flags

from launch import _app
from launch import train as program
from spatialjax.training import Checkpoints, run

whole = run.train_batches


def watched(dataset, spec, data, seed, start_step, process_index, *counts):
    folder = pathlib.Path(flags.FLAGS.workdir, "seen")
    folder.mkdir(parents=True, exist_ok=True)
    start = int(os.environ["START"])
    batches = whole(dataset, spec, data, seed, start_step, process_index, *counts)
    with (folder / f"{process_index}.jsonl").open("a", buffering=1) as file:
        for index, batch in enumerate(batches, start_step):
            rows = zip(*(batch[name] for name in sorted(batch)), strict=True)
            hashes = [
                hashlib.sha256(b"".join(entry.tobytes() for entry in row)).hexdigest()[
                    :16
                ]
                for row in rows
            ]
            if str(process_index) == os.environ["SLOW"]:
                threading.Event().wait(0.3)
            file.write(json.dumps([start, index, hashes]) + "\n")
            yield batch


if __name__ == "__main__":
    run.train_batches = watched
    if os.environ["TRUSTS_DISK"] == "True":
        Checkpoints._check_room = lambda *_: None
    _app.run(program.main, config_flag=True, several_processes=True)
