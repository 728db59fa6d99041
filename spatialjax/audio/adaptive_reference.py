"""Removal of what a second recording holds: a microphone at the noise, a known track.

The reference must hold little of what is wanted: all that it holds is removed. Both
recordings run on one clock, at one rate.
"""

import functools
from collections.abc import Iterable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.audio.adaptive_settings import (
    PostFilter,
    PostFilterSettings,
    init_filter,
    run_filter,
)
from spatialjax.errors import DataError, check_shape
from spatialjax.typing import Array, HostArray, PyTree

REFERENCE_SETTINGS = PostFilterSettings(
    kind=PostFilter.RLS, num_taps=64, delay=16, forgetting_factor=0.99998
)
"""At 11025 Hz: from 1.5 ms before to 4.3 ms after the reference, learnt over 4.5 s."""

BLOCK = 4096
"""Samples that `cancel_reference_chunks` filters at once."""


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
      settings: fixed when compiled, of kind lms, nlms or rls; see `REFERENCE_SETTINGS`.
      primary: [c, t], float32; each channel has its own filter.
      references: [r, t], float32; together they foretell each channel.
      state: from `init_cancel_reference` or from the block before.

    Raises:
      ShapeError: primary, references and state do not belong together.
      ConfigError: the kind is not adaptive, or a number is out of range.
    """
    sizes = check_shape("primary", primary, "c t")
    check_shape("references", references, "r t", {"t": sizes["t"]})
    every = jnp.broadcast_to(references[None], (sizes["c"], *references.shape))
    return run_filter(settings, primary, every, state)


def cancel_reference_chunks(
    settings: PostFilterSettings,
    primary_chunks: Iterable[HostArray],
    reference_chunks: Iterable[HostArray],
) -> Iterator[HostArray]:
    """The primary's chunks [c, t'] without the references, in time with the primary.

    Together they are as long as the primary. A reference that ends earlier is silent
    from then on. Chunks of both may have any lengths; they are compiled once.

    Args:
      settings: as in `cancel_reference`.
      primary_chunks: [c, t'], float32.
      reference_chunks: [r, t'], float32.

    Raises:
      DataError: the reference has no chunk.
      ShapeError: a chunk has other channels than the one before.
      ConfigError: the kind is not adaptive, or a number is out of range.
    """
    step = jax.jit(functools.partial(cancel_reference, settings))
    references = _blocks("reference", reference_chunks)
    heard, state = next(references, None), None
    if heard is None:
        raise DataError("the reference is empty; give a recording, or none at all")
    num_skipped = settings.delay
    chunks = _then_silence(primary_chunks, settings.delay)
    for block in _blocks("primary", chunks):
        channels, length = block.shape
        if state is None:
            state = init_cancel_reference(settings, channels, heard.shape[0])
        errors, state = step(_fill(block), _fill(heard), state)
        yield np.asarray(errors)[:, num_skipped:length]
        num_skipped = max(0, num_skipped - length)
        heard = next(references, heard[:, :0])


def _then_silence(chunks: Iterable[HostArray], num_samples: int) -> Iterator[HostArray]:
    """The chunks, and one of zeros."""
    chunk = None
    for chunk in chunks:
        yield chunk
    if chunk is not None:
        yield np.zeros((chunk.shape[0], num_samples), np.float32)


def _blocks(name: str, chunks: Iterable[HostArray]) -> Iterator[HostArray]:
    """The same samples, `BLOCK` at a time and what remains."""
    held = None
    for chunk in chunks:
        channels = chunk.shape[0] if held is None else held.shape[0]
        check_shape(f"a chunk of the {name}", chunk, "c t", {"c": channels})
        held = chunk if held is None else np.concatenate([held, chunk], 1)
        while held.shape[1] >= BLOCK:
            yield held[:, :BLOCK]
            held = held[:, BLOCK:]
    if held is not None and held.shape[1]:
        yield held


def _fill(block: HostArray) -> HostArray:
    """A block of `BLOCK` samples, the missing ones zero, float32."""
    missing = BLOCK - block.shape[1]
    return np.pad(np.asarray(block, np.float32), ((0, 0), (0, missing)))
