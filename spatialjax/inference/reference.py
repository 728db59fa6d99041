"""A second microphone: what it explains is removed from the sound of a film.

The reference hears the noise and little of what is wanted, as a microphone beside the
engine does. What it explains leaves the sound before anything else hears it.
"""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.audio import (
    REFERENCE_SETTINGS,
    PostFilter,
    cancel_reference,
    init_cancel_reference,
)
from spatialjax.media import AudioReader, rechunk, stream_audio
from spatialjax.typing import HostArray

BLOCK = 8192
"""Samples that are filtered at once."""

SEGMENT = 512
"""Samples that are judged at once: 46 ms at 11 025 Hz."""

LOUDER = 2.0
"""Power over what was given that nothing but an unsettled filter explains."""


@contextlib.contextmanager
def cleaned_audio(
    path: str,
    reference: str,
    kind: PostFilter,
    sample_rate_hz: int,
    keep: Callable[[HostArray], None] = lambda removed: None,
) -> Iterator[AudioReader]:
    """The sound of a film without what a second microphone explains of it.

    Both begin at the same moment. A reference that ends earlier is silent from then on.

    Args:
      path: the film.
      reference: any file with sound.
      kind: LMS, NLMS or RLS.
      sample_rate_hz: of the chunks.
      keep: is given what was removed, chunk by chunk ``[c, t]``.

    Raises:
      MediaError: a file cannot be read.
    """
    with (
        stream_audio(path, sample_rate_hz) as film,
        stream_audio(reference, sample_rate_hz) as second,
    ):
        chunks = _clean(film, second, kind, keep)
        yield dataclasses.replace(film, chunks=chunks)


def _clean(
    film: AudioReader,
    second: AudioReader,
    kind: PostFilter,
    keep: Callable[[HostArray], None],
) -> Iterator[HostArray]:
    settings = dataclasses.replace(REFERENCE_SETTINGS, kind=kind)
    state = init_cancel_reference(settings, film.channels, second.channels)
    cancel = jax.jit(functools.partial(cancel_reference, settings))
    lag = settings.delay
    silence = np.zeros((second.channels, BLOCK), np.float32)
    references = itertools.chain(
        rechunk(second.chunks, BLOCK), itertools.repeat(silence)
    )
    ending = np.zeros((film.channels, lag), np.float32)
    blocks = rechunk(itertools.chain(film.chunks, [ending]), BLOCK)
    held = np.zeros((film.channels, 0), np.float32)
    for block, heard in zip(blocks, references, strict=False):
        result, state = cancel(_filled(block), _filled(heard), state)
        cleaned = np.asarray(result)[:, lag : block.shape[1]]
        lag = 0
        held = np.concatenate([held, block], 1)
        cleaned = _where_quieter(cleaned, held[:, : cleaned.shape[1]])
        keep(held[:, : cleaned.shape[1]] - cleaned)
        held = held[:, cleaned.shape[1] :]
        yield cleaned


def _where_quieter(cleaned: HostArray, given: HostArray) -> HostArray:
    """The cleaned samples but where they are far louder than what was given.

    A filter that has not settled, as where a reference begins to sound, puts more in
    than it takes away.
    """
    kept = cleaned.copy()
    for start in range(0, cleaned.shape[1], SEGMENT):
        part = slice(start, start + SEGMENT)
        power = np.square([cleaned[:, part], given[:, part]]).mean(-1)
        is_louder = power[0] > LOUDER * power[1]
        kept[is_louder, part] = given[is_louder, part]
    return kept


def _filled(block: HostArray) -> jax.Array:
    """A block with zeros up to the length that is compiled for."""
    return jnp.pad(block, ((0, 0), (0, BLOCK - block.shape[1])))
