"""Windows of half overlap put in a row: their values cross-faded, frames added up."""

import jax.numpy as jnp
import numpy as np

from spatialjax.audio import hann_window, overlap_add, spectrum_to_frames
from spatialjax.typing import Array

WEIGHT_FLOOR = 1e-8
"""Sum of squared windows that stands for none: nothing was added there."""


def cross_fade(
    values: Array, before: Array, has_previous: Array, is_past: Array
) -> tuple[Array, Array]:
    """First halves of windows joined to what came before, and the last second half.

    Args:
      values: of consecutive windows ``[b, ..., k]``.
      before: second half of the window before the first, ``[..., k / 2]``.
      has_previous: whether there was a window before each ``[b]``.
      is_past: whether a window only lets its predecessor end ``[b]``.
    """
    half = values.shape[-1] // 2
    first, second = values[..., :half], values[..., half:]
    previous = jnp.concatenate([before[None], second[:-1]])
    shape = (-1,) + (1,) * (values.ndim - 1)
    first = jnp.where(jnp.reshape(is_past, shape), previous, first)
    previous = jnp.where(jnp.reshape(has_previous, shape), previous, first)
    share = (np.arange(half, dtype=np.float32) + 0.5) / half
    share = share.reshape((1,) * (values.ndim - 1) + (-1,))
    return previous * (1 - share) + first * share, second[-1]


def in_a_row(blocks: Array) -> Array:
    """Values ``[..., b k]`` of consecutive blocks ``[b, ..., k]``."""
    moved = jnp.moveaxis(blocks, 0, -2)
    return moved.reshape(*moved.shape[:-2], -1)


def invert_on(
    spectra: Array, counts: Array, tail: Array, weight: Array, n_fft: int, hop: int
) -> tuple[Array, Array, Array]:
    """The next samples of a stream ``[..., k hop]``, and its next tail and weight.

    They begin n_fft / 2 samples before the centre of the first frame.

    Args:
      spectra: of the next frames ``[..., f, k]``.
      counts: 1 for a frame that exists, else 0 ``[k]``.
      tail: what the frames before leave ``[..., n_fft - hop]``, not yet divided.
      weight: the sum of their squared windows ``[n_fft - hop]``.
      n_fft: samples of a frame.
      hop: samples between frames.
    """
    counts = counts[:, None]
    lead = (None,) * (spectra.ndim - 2)
    frames = spectrum_to_frames(spectra, n_fft) * counts[lead]
    squares = np.square(hann_window(n_fft))[None]
    signal, tail = _add_on(overlap_add(frames, hop), tail)
    weight, weight_tail = _add_on(overlap_add(counts * squares, hop), weight)
    scale = jnp.where(weight > WEIGHT_FLOOR, 1 / jnp.maximum(weight, WEIGHT_FLOOR), 0)
    return signal * scale[lead], tail, weight_tail


def _add_on(signal: Array, tail: Array) -> tuple[Array, Array]:
    """What is complete of a signal that overlaps with a tail, and the new tail."""
    overlap = tail.shape[-1]
    begin = signal[..., :overlap] + tail
    signal = jnp.concatenate([begin, signal[..., overlap:]], -1)
    return signal[..., :-overlap], signal[..., -overlap:]
