"""What several processes of one run decide together."""

import jax
import numpy as np
from jax.experimental import multihost_utils


def all_agree(answer: bool) -> bool:
    """Whether every process answers yes; all of them call it."""
    if jax.process_count() == 1:
        return answer
    return bool(multihost_utils.process_allgather(np.array(answer)).all())


def as_first_says(number: int) -> int:
    """The number of the first process; all of them call it."""
    if jax.process_count() == 1:
        return number
    return int(multihost_utils.broadcast_one_to_all(np.array(number, np.int32)))
