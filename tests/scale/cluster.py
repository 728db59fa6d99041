"""Real processes that train together on this machine, and what they leave."""

import itertools
import json
import os
import pathlib
import re
import socket
import subprocess
import sys

from spatialjax.training.checkpoint import Checkpoints

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = "tests/scale/tiny_experiment.py"
TIMEOUT_S = 300
STARTS = itertools.count()


class Cluster:
    """Processes of one run; those that are left are killed on leaving."""

    def __init__(
        self,
        data_dir,
        workdir,
        *words,
        count=2,
        num_devices=1,
        slow=None,
        trusts_disk=False,
    ):
        """Starts them.

        With `slow`, the number of a process whose batches each take a while; with
        `trusts_disk`, no process looks for room before it writes.
        """
        port = free_port()
        start = str(next(STARTS))
        flags = os.environ.get("XLA_FLAGS", "")
        flags = re.sub(r"--xla_force_host_platform_device_count=\d+", "", flags)
        flags += f" --xla_force_host_platform_device_count={num_devices}"
        self.processes = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.scale.train", f"--config={CONFIG}"),
                    f"--config.data.data_dir={data_dir}",
                    f"--workdir={workdir}",
                    "--report_items=0",
                    *(meeting(port, count, index) if count > 1 else ()),
                    *words,
                    *self.words_of(index),
                ],
                cwd=ROOT,
                env={
                    **os.environ,
                    "XLA_FLAGS": flags,
                    "START": start,
                    "SLOW": str(slow),
                    "TRUSTS_DISK": str(trusts_disk),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for index in range(count)
        ]

    def words_of(self, index):
        """Flags that one process alone gets."""
        del index
        return ()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process in self.processes:
            process.kill()
            process.communicate()

    def read_until(self, start):
        """The lines of process 0 up to one that starts so."""
        lines = []
        for line in self.processes[0].stderr:
            lines.append(line)
            if line.startswith(start):
                return lines
        raise AssertionError(f"ended before {start!r}: {''.join(lines)}")

    def send(self, index, number):
        self.processes[index].send_signal(number)

    def finish(self):
        """Status and last line of each process."""
        errors = [p.communicate(timeout=TIMEOUT_S)[1] for p in self.processes]
        statuses = [process.returncode for process in self.processes]
        lasts = [(error.strip().splitlines() or [""])[-1] for error in errors]
        return statuses, lasts

    def succeed(self):
        """Waits for a run that ends well."""
        errors = [p.communicate(timeout=TIMEOUT_S)[1] for p in self.processes]
        assert not any(p.returncode for p in self.processes), "\n".join(errors)


def free_port():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def meeting(port, count, index):
    """The flags by which processes find each other."""
    return (
        f"--coordinator=localhost:{port}",
        f"--num_processes={count}",
        f"--process_id={index}",
        "--peer_timeout_s=10",
    )


def losses(workdir):
    """Those of each step."""
    lines = (pathlib.Path(workdir) / "metrics.jsonl").read_text().splitlines()
    return [line["loss"] for line in map(json.loads, lines) if "loss" in line]


def scores(workdir):
    """Those of the last validation."""
    lines = (pathlib.Path(workdir) / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    return {name: value for name, value in last.items() if "validation/" in name}


def seen(workdir):
    """Hashes of the examples of each step, of all processes, sorted.

    Of a step that was made twice, before a kill and after it, those of the last start.
    """
    steps = {}
    for path in pathlib.Path(workdir, "seen").iterdir():
        for line in path.read_text().splitlines():
            start, step, hashes = json.loads(line)
            steps.setdefault(step, {}).setdefault(start, []).extend(hashes)
    return {step: sorted(starts[max(starts)]) for step, starts in steps.items()}


def arrays(workdir, step):
    """All that a checkpoint holds, by path."""
    with Checkpoints(workdir) as checkpoints:
        return checkpoints.restore_leaves(step, checkpoints.shapes(step))
