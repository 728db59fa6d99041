"""Removal of what a second recording holds: a microphone at the noise, a known track.

The reference must hold little of what is wanted: all that it holds is removed. Both
recordings run on one clock, at one rate.
"""

import jax.numpy as jnp

from spatialjax.audio.adaptive_settings import (
    PostFilter,
    PostFilterSettings,
    init_filter,
    run_filter,
)
from spatialjax.errors import check_shape
from spatialjax.typing import Array, PyTree

REFERENCE_SETTINGS = PostFilterSettings(
    kind=PostFilter.RLS,
    num_taps=64,
    delay=16,
    forgetting_factor=0.99998,
    step_size=0.005,
)
"""At 11025 Hz: from 1.5 ms before to 4.3 ms after the reference, learnt over 4.5 s.

The step size is for the other kinds; lms is stable with it for references whose powers
add up to less than 6.
"""


def init_cancel_reference(
    settings: PostFilterSettings, channels: int, num_references: int
) -> PyTree:
    """State of `cancel_reference` before the first block.

    Raises:
      ConfigError: the kind is not adaptive, or a number is out of range.
    """
    return init_filter(settings, num_references, (channels,))


def cancel_reference(
    settings: PostFilterSettings, primary: Array, references: Array, state: PyTree
) -> tuple[Array, PyTree]:
    """The primary [c, t] without what the references foretell of it; the next state.

    The result lags by `settings.delay` samples: it begins with so many zeros, and as
    many zeros after the end of both signals bring out its last samples. Blocks of any
    length give what the whole would give at once.

    Args:
      settings: of kind lms, nlms or rls, fixed when compiled; see `REFERENCE_SETTINGS`.
      primary: [c, t], float32; each channel has its own filter.
      references: [r, t], float32; together they foretell each channel.
      state: from `init_cancel_reference` or from the block before.

    Raises:
      ShapeError: primary, references and state do not belong together.
      ConfigError: the kind is not adaptive, or a number is out of range.
    """
    sizes = check_shape("primary", primary, "c t")
    check_shape("references", references, "r t", {"t": sizes["t"]})
    every = jnp.broadcast_to(references, (sizes["c"], *references.shape))
    return run_filter(settings, primary, every, state)
