"""Sound fields for headphones: one filter for each channel and ear.

To follow a head, turn the field first (`turn_head`). Where it turns from block to
block, render each block as it was turned before and as it is, and fade from one to the
other: a step would click.
"""

from typing import NamedTuple

import jax.numpy as jnp

from spatialjax.ambisonics.channels import order_of
from spatialjax.audio import fix_length, frame_signal, overlap_add
from spatialjax.errors import ShapeError, check_shape
from spatialjax.typing import Array, HostArray


class BinauralState(NamedTuple):
    """Between two blocks: the filters, and what still sounds of the past."""

    filters: Array
    """[2, c, taps], from `hrtf_filters`."""
    tail: Array
    """[..., 2, taps - 1]; after the last block, the end of the sound."""


def render_binaural(ambisonics: Array, filters: Array | HostArray) -> Array:
    """Left and right ear [..., 2, t + taps - 1], float32, of fields [..., c, t].

    Convolved by overlapping blocks on the device, so the cost grows with t alone.

    Args:
      ambisonics: SN3D, at the sample rate of the filters.
      filters: [2, c, taps], from `hrtf_filters`.

    Raises:
      ShapeError: there are not as many filters as channels.
    """
    sizes = check_shape("filters", filters, "2 c taps")
    length = check_shape("ambisonics", ambisonics, "... c t", sizes)["t"]
    taps, total = sizes["taps"], length + sizes["taps"] - 1
    n_fft = 2 ** (min(8 * taps, max(taps, total)) - 1).bit_length()
    hop = n_fft - taps + 1
    blocks = frame_signal(
        jnp.asarray(ambisonics, jnp.float32), hop, hop, max(1, -(-length // hop))
    )
    ears = jnp.einsum(
        "...ckf,ecf->...ekf",
        jnp.fft.rfft(blocks, n_fft),
        jnp.fft.rfft(jnp.asarray(filters, jnp.float32), n_fft),
        precision="highest",
    )
    return fix_length(overlap_add(jnp.fft.irfft(ears, n_fft), hop), total)


def init_binaural(
    filters: Array | HostArray, batch_shape: tuple[int, ...] = ()
) -> BinauralState:
    """The state before the first block, of fields [*batch_shape, c, t].

    Raises:
      ShapeError: the filters are not [2, c, taps].
    """
    taps = check_shape("filters", filters, "2 c taps")["taps"]
    tail = jnp.zeros((*batch_shape, 2, taps - 1), jnp.float32)
    return BinauralState(jnp.asarray(filters, jnp.float32), tail)


def binaural_step(state: BinauralState, block: Array) -> tuple[BinauralState, Array]:
    """The next state, and both ears [..., 2, t] of the next block [..., c, t].

    Blocks of any lengths, joined, are what `render_binaural` makes of the whole; the
    last `tail` is its end. Each length is compiled once.

    Raises:
      ShapeError: the block has another number of channels, or other leading axes.
    """
    length = check_shape("block", block, "... c t")["t"]
    if block.shape[:-2] != state.tail.shape[:-2]:
        raise ShapeError(
            f"the block has shape {list(block.shape)}, the state is for leading axes "
            f"{list(state.tail.shape[:-2])}; begin with another batch_shape"
        )
    sound = render_binaural(block, state.filters)
    sound = sound + fix_length(state.tail, sound.shape[-1])
    return state._replace(tail=sound[..., length:]), sound[..., :length]


def stereo_preview(ambisonics: Array) -> Array:
    """Left and right [..., 2, t], float32: W + Y and W - Y, two opposite cardioids.

    Raises:
      ShapeError: the number of channels is not 4, 9, 16, ...
    """
    num_channels = check_shape("ambisonics", ambisonics, "... c t")["c"]
    if order_of(num_channels) < 1:
        raise ShapeError(
            "a field of order 0 has no left and right; give order 1 or more"
        )
    w_y = jnp.asarray(ambisonics, jnp.float32)[..., :2, :]
    w, y = w_y[..., 0, :], w_y[..., 1, :]
    return jnp.stack([w + y, w - y], axis=-2)
