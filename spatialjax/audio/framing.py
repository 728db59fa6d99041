"""Cutting a signal into overlapping frames, and adding frames up again.

Both go through blocks of `hop` samples: frame k is the blocks k, k+1, ..., so all
frames are a few shifted slices of one reshaped array. No index array, no scatter.
"""

import jax.numpy as jnp

from spatialjax.typing import Array


def frame_signal(signal: Array, frame_length: int, hop: int, num_frames: int) -> Array:
    """Frames of shape [..., k, frame_length] of a signal of shape [..., t].

    Frame k starts at sample k·hop; samples beyond the end count as zero.
    """
    overlap = -(-frame_length // hop)
    num_blocks = num_frames + overlap - 1
    lead = signal.shape[:-1]
    signal = fix_length(signal, num_blocks * hop)
    blocks = signal.reshape(*lead, num_blocks, hop)
    shifted = [blocks[..., j : j + num_frames, :] for j in range(overlap)]
    return jnp.concatenate(shifted, axis=-1)[..., :frame_length]


def overlap_add(frames: Array, hop: int) -> Array:
    """Signal of shape [..., frame_length + (k - 1)·hop], the sum of shifted frames.

    `frames` has the shape [..., k, frame_length]. The transpose of `frame_signal`.
    """
    *lead, num_frames, frame_length = frames.shape
    if num_frames == 1:
        return frames[..., 0, :]
    overlap = -(-frame_length // hop)
    blocks = fix_length(frames, overlap * hop)
    blocks = blocks.reshape(*lead, num_frames, overlap, hop)
    unpadded = [(0, 0)] * len(lead)
    total = sum(
        jnp.pad(blocks[..., j, :], [*unpadded, (j, overlap - 1 - j), (0, 0)])
        for j in range(overlap)
    )
    signal = jnp.reshape(total, (*lead, (num_frames + overlap - 1) * hop))
    return signal[..., : frame_length + (num_frames - 1) * hop]


def fix_length(signal: Array, length: int) -> Array:
    """The first `length` samples of the last axis, continued by zeros where short."""
    missing = max(0, length - signal.shape[-1])
    padding = [(0, 0)] * (signal.ndim - 1) + [(0, missing)]
    return jnp.pad(signal[..., :length], padding)
