"""What several processes of one run decide together."""

import zlib

import jax
import numpy as np
from jax.experimental import multihost_utils

from spatialjax.errors import ConfigError
from spatialjax.typing import HostArray


def check_same(what: str, text: str) -> None:
    """Refuse to go on where processes were given different texts; all of them call it.

    Raises:
      ConfigError: names the processes whose text is not that of the first.
    """
    if jax.process_count() == 1:
        return
    own = np.array(zlib.crc32(text.encode()), np.uint32)
    found = np.asarray(multihost_utils.process_allgather(own))
    if others := np.flatnonzero(found != found[0]).tolist():
        raise ConfigError(
            f"processes {others} were given another {what} than process 0: start all "
            "of them with the same flags, on the same files"
        )


def gather(number: float) -> HostArray:
    """The numbers of all processes ``[p]`` float32; all of them call it."""
    own = np.array(number, np.float32)
    if jax.process_count() == 1:
        return own[None]
    return np.asarray(multihost_utils.process_allgather(own))


def all_agree(answer: bool) -> bool:
    """Whether every process answers yes; all of them call it."""
    return bool(gather(answer).all())


def as_first_says(number: int) -> int:
    """The number of the first process; all of them call it."""
    if jax.process_count() == 1:
        return number
    return int(multihost_utils.broadcast_one_to_all(np.array(number, np.int32)))
