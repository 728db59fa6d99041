"""Clips loaded in order by a pool of processes; those that fail are counted."""

import collections
import concurrent.futures
import contextlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Protocol

from spatialjax.errors import DataError, UserError
from tfds_builders.segments import ClipMedia


class ClipSource(Protocol):
    """A clip that can be loaded, in this process or, pickled, in another."""

    @property
    def clip_id(self) -> str: ...

    @property
    def path(self) -> str:
        """The file that a user has to look at if the clip cannot be loaded."""
        ...

    def load(self) -> ClipMedia:
        """Sound and pictures; a `UserError` says why the clip cannot be used."""
        ...


@dataclass(frozen=True)
class BrokenClip:
    """A clip that could not be loaded: an entry of ``missing.json``."""

    clip_id: str
    reason: str
    path: str


@dataclass
class MissingBudget:
    """Counts missing and broken clips against what is allowed.

    `fraction` of the `num_clips` clips, rounded down, may be broken.
    """

    num_clips: int
    fraction: float
    broken: list[BrokenClip] = field(default_factory=list)

    def add(self, clip: BrokenClip) -> None:
        """Count one more.

        Raises:
          DataError: there are too many now.
        """
        self.broken.append(clip)
        if len(self.broken) > self.fraction * self.num_clips:
            raise DataError(
                f"at least {len(self.broken)} of {self.num_clips} clips are missing or "
                f"broken, more than max_missing = {self.fraction:g} allows; clip "
                f"{clip.clip_id!r}: {clip.reason}. Mend the source, or raise "
                "max_missing and read missing.json"
            )


def load_clip(clip: ClipSource) -> ClipMedia | BrokenClip:
    """A clip, or why it cannot be used."""
    try:
        return clip.load()
    except UserError as error:
        reason = str(error)
    except OSError as error:
        if error.filename is None:
            raise
        reason = f"{error.filename} cannot be read: {error.strerror}"
    return BrokenClip(clip.clip_id, reason, clip.path)


@contextlib.contextmanager
def worker_pool(num_workers: int) -> Iterator[concurrent.futures.Executor | None]:
    """A pool of processes, None for 0; it is gone when the context ends.

    Workers are spawned: a fork would copy the threads of JAX and of decoders.
    """
    if num_workers == 0:
        yield None
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        num_workers, mp_context=multiprocessing.get_context("spawn")
    )
    try:
        yield pool
    except BrokenProcessPool as error:
        raise DataError(
            "a worker process was ended from outside, perhaps for lack of memory: "
            f"build with fewer than {num_workers} workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def load_clips(
    clips: Sequence[ClipSource],
    pool: concurrent.futures.Executor | None,
    num_ahead: int,
) -> Iterator[ClipMedia | BrokenClip]:
    """The clips in their order; at most `num_ahead` are loaded before they are used."""
    if pool is None:
        yield from map(load_clip, clips)
        return
    waiting: collections.deque[concurrent.futures.Future] = collections.deque()
    for clip in clips:
        waiting.append(pool.submit(load_clip, clip))
        if len(waiting) > num_ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
