"""What is heard of a sound field by two ears or at two sides, chunk by chunk."""

from collections.abc import Iterable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics import binaural_step, init_binaural, stereo_preview
from spatialjax.typing import HostArray


def binaural_chunks(
    chunks: Iterable[HostArray], filters: HostArray
) -> Iterator[HostArray]:
    """Both ears ``[2, t]`` of chunks ``[c, t]``, and at last how the filters ring out.

    Each length of a chunk is compiled once.

    Args:
      chunks: of an SN3D field, one after the other.
      filters: ``[2, c, taps]``, at its rate.
    """
    state, step = init_binaural(filters), jax.jit(binaural_step)
    for chunk in chunks:
        state, ears = step(state, chunk)
        yield np.asarray(ears)
    yield np.asarray(state.tail)


def stereo_chunks(chunks: Iterable[HostArray]) -> Iterator[HostArray]:
    """The left and the right cardioid ``[2, t]`` of chunks ``[c, t]`` of a field."""
    for chunk in chunks:
        yield np.asarray(stereo_preview(jnp.asarray(chunk)))
