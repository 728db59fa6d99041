"""The processor time of this process and of the processes that it has started."""

import multiprocessing
import os
import pathlib
import time

from spatialjax.errors import ConfigError

_PROC = pathlib.Path("/proc")


def cpu_time_s() -> float:
    """Seconds of all threads of this process, and of its live worker processes.

    Of this process as `time.process_time` tells it. Of each process that
    `multiprocessing` has started and that has not ended, as Linux counts it in
    ``/proc/PID/stat``, user and system, to a hundredth of a second: the count of a
    process that has ended is lost, so take differences while the workers live.

    Raises:
      ConfigError: there are workers, and no ``/proc`` that knows them.
    """
    children = multiprocessing.active_children()
    return time.process_time() + sum(_time_of_s(child.pid) for child in children)


def _time_of_s(pid: int | None) -> float:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except FileNotFoundError as error:
        if (_PROC / "self" / "stat").exists():
            return 0.0  # it has just ended
        raise ConfigError(
            "the processor time of worker processes is read from /proc, which is not "
            "here: measure with data.num_workers=0"
        ) from error
    # The name, in parentheses, may hold anything; user and system are fields 14, 15.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
