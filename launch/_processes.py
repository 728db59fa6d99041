"""One program in several processes: how they find each other, and how they leave.

On a TPU pod, under SLURM or Open MPI the processes find each other by themselves;
elsewhere each is told by three flags. A process that loses another cannot go on, as
each step needs all of them: it ends within ``--peer_timeout_s``, with one line at the
end and the status `RESTART`, by which a scheduler starts all of them again.
"""

import ctypes
import os
import re
import signal
import socket
import sys
import traceback
from types import TracebackType
from typing import Any, NoReturn

from absl import flags

from spatialjax.errors import ConfigError, UserError

RESTART = 75
"""Status of a program that the same command continues: EX_TEMPFAIL of sysexits.h."""

INTERRUPTED = 130
"""Status that a shell gives a program after ctrl-C: 128 + SIGINT."""

_LOST = re.compile(
    "unavailable|deadline.exceeded|aborted|cancelled|gloo|nccl|barrier|coordination|"
    "heartbeat|socket closed|connection (reset|closed|refused)",
    re.IGNORECASE,
)
"""What is said of a step, or of a meeting, that another process did not come to."""

_JOIN_TIMEOUT_S = 300


class _Run:
    """The run that this process is a part of, and its last words if it breaks."""

    index = 0
    count = 1
    text = ""
    on_abort: Any = None  # kept, as the C library only has its address


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the flags by which a process finds the others."""
    flags.DEFINE_string(
        "coordinator",
        None,
        "HOST:PORT of process 0, the same for all (default: as TPU pods, SLURM and "
        "Open MPI tell; without these, one process)",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "num_processes",
        None,
        "processes of the run; 1 keeps to this one, whatever a cluster says",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "process_id", None, "which one this is, from 0", lower_bound=0,
        flag_values=flag_values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "peer_timeout_s",
        60,
        "seconds without a sign of another process after which this one ends",
        lower_bound=5,
        flag_values=flag_values,
    )


def join(flag_values: flags.FlagValues) -> None:
    """Meet the other processes, if there are any; before anything else of JAX.

    Raises:
      UserError: the flags do not go together, or the address cannot be used.
    """
    import jax

    values: dict[str, Any] = flag_values.flag_values_dict()
    coordinator, num_processes, process_id, timeout_s = (
        values[name]
        for name in ("coordinator", "num_processes", "process_id", "peer_timeout_s")
    )
    is_told = coordinator is not None
    if is_told:
        _check(coordinator, num_processes, process_id)
    elif process_id is not None or num_processes not in (None, 1):
        raise ConfigError(
            "--coordinator is missing: it tells --num_processes=N where to meet"
        )
    elif num_processes == 1:
        return
    _Run.text = (
        f"the processes did not meet{f' at {coordinator}' if is_told else ''} within "
        f"{_JOIN_TIMEOUT_S} s; start all of them, with the same --coordinator"
    )
    _end_in_one_line()
    try:
        jax.distributed.initialize(
            coordinator,
            num_processes,
            process_id,
            initialization_timeout=_JOIN_TIMEOUT_S,
            heartbeat_timeout_seconds=timeout_s,
        )
    except ValueError:
        if is_told:
            raise
    except RuntimeError as error:
        if "must be called before" not in str(error):
            raise
        raise ConfigError(
            "the config computes with JAX while it is read, which keeps processes from "
            "meeting; leave that to its task, or set --num_processes=1"
        ) from error
    if not jax.distributed.is_initialized():  # no cluster tells of others
        _end_as_usual()
        return
    _Run.index, _Run.count = jax.process_index(), jax.process_count()
    _Run.text = (
        f"process {_Run.index} of {_Run.count} lost another one; start all of them "
        "again by the same command: the run goes on from its last checkpoint"
    )


def _check(coordinator: str, num_processes: int | None, process_id: int | None) -> None:
    """Refuse what JAX answers with an abort."""
    if num_processes is None or process_id is None:
        raise ConfigError("--coordinator needs --num_processes=N and --process_id=I")
    if process_id >= num_processes:
        raise ConfigError(
            f"--process_id is {process_id}, expected 0 to {num_processes - 1}"
        )
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"--coordinator is {coordinator!r}, expected HOST:PORT")
    try:
        socket.getaddrinfo(host.strip("[]"), int(port))
        if process_id == 0:
            socket.create_server(("", int(port))).close()
    except OSError as error:
        raise UserError(
            f"--coordinator={coordinator} cannot be used: {error.strerror}"
        ) from None


def is_one_of_many() -> bool:
    """Whether there are other processes, which wait for this one."""
    return _Run.count > 1


def own_name() -> list[str]:
    """The words that tell this process from the others; none where it is alone."""
    return [f"process {_Run.index} of {_Run.count}:"] if is_one_of_many() else []


def is_lost_peer(error: BaseException | None) -> bool:
    """Whether a library failed as it does when another process is gone."""
    while error is not None:
        if not isinstance(error, UserError) and _LOST.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def leave(status: int) -> NoReturn:
    """Exit at once: a usual exit waits for the others, who wait for this one."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def leave_lost() -> NoReturn:
    """Exit where another process is gone: each step needs all of them."""
    print(_last_line(), file=sys.stderr)
    leave(RESTART)


def _last_line() -> str:
    program = os.path.basename(sys.argv[0]).removesuffix(".py")
    return f"{program}: {_Run.text}"


def _end_in_one_line() -> None:
    """Lets an abort and a defect, too, end this process at once, with a line.

    JAX aborts a process that lost another one. The handler stands where the C library
    looks for it: Python would call one of its own when it is too late.
    """

    def on_abort(number: int) -> None:
        del number
        os.write(2, f"{_last_line()}\n".encode())
        os._exit(RESTART)

    def on_defect(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if is_one_of_many() and is_lost_peer(error):
            leave_lost()
        traceback.print_exception(kind, error, trace)
        leave(1)

    _Run.on_abort = ctypes.CFUNCTYPE(None, ctypes.c_int)(on_abort)
    ctypes.CDLL(None).signal(signal.SIGABRT, _Run.on_abort)
    sys.excepthook = on_defect


def _end_as_usual() -> None:
    """Takes back `_end_in_one_line`."""
    ctypes.CDLL(None).signal(signal.SIGABRT, None)
    sys.excepthook = sys.__excepthook__
