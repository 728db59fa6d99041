"""Worker processes that never outlive the run which started them."""

import contextlib
import fcntl
import itertools
import multiprocessing
import os
import pathlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import TypeVar

from spatialjax.errors import DataError
from tfds_builders.workplace import workers_lock

Job = TypeVar("Job")
Result = TypeVar("Result")


def num_cores() -> int:
    """Number of cores that this process may use; of all, where nobody tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def worker_pool(num_workers: int, place: pathlib.Path) -> Iterator[Executor | None]:
    """A pool of spawned processes at work in a `workplace`, None for 0.

    Workers end at once, whatever they are at, if an error leaves the context or the
    process that holds it is killed: what they were making stays in the workplace.

    Raises:
      DataError: a worker was ended from outside.
    """
    if num_workers == 0:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")
    told, telling = spawn.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        num_workers,
        mp_context=spawn,
        initializer=_follow,
        initargs=(told, workers_lock(place)),
    )
    try:
        yield pool
    except BrokenProcessPool as error:
        raise DataError(
            "a worker process was ended from outside, perhaps for lack of memory: free "
            f"some, or take fewer than {num_workers} workers, and run again"
            if num_workers > 1
            else "the worker process was ended from outside, perhaps for lack of "
            "memory: free some and run again"
        ) from error
    except BaseException:
        telling.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        telling.close()
        told.close()


def _follow(told: Connection, lock: pathlib.Path) -> None:
    """Have this worker end when the other end of a pipe is closed.

    The system closes it if the main process dies, whatever it dies of. Until then the
    worker holds its lock, so that the next run does not begin beside it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the main process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

    def follow() -> None:
        told.poll(None)
        os._exit(1)

    handle = os.open(lock, os.O_RDONLY)  # open, and so locked, until the process ends
    fcntl.flock(handle, fcntl.LOCK_SH)
    if told.poll():
        os._exit(1)
    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """A signal waits until the end of the context, and so it does in new processes.

    A worker lets it through when it is ready to ignore it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    pool: Executor | None,
    num_ahead: int,
) -> Iterator[tuple[Job, Result]]:
    """Each job with its result, as they are ready; at most `num_ahead` at a time.

    A pool of None works in this process, in order.
    """
    if pool is None:
        for job in jobs:
            yield job, function(job)
        return
    waiting: dict[Future[Result], Job] = {}
    rest = iter(jobs)
    while True:
        for job in itertools.islice(rest, num_ahead - len(waiting)):
            with _held_back(signal.SIGINT):
                waiting[pool.submit(function, job)] = job
        if not waiting:
            return
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            yield waiting.pop(future), future.result()
