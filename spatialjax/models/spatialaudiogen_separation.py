"""Masks of the tracks that spatialaudiogen takes apart (Morgado et al. 2018)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from spatialjax.models.spatialaudiogen_encoders import AUDIO_LAYERS
from spatialjax.nn.conv_transpose import ConvTranspose, input_rows
from spatialjax.nn.dense import Dense
from spatialjax.nn.initializers import Draws, glorot_uniform
from spatialjax.nn.kept import BLOCK
from spatialjax.typing import Array

Rows = tuple[int, int]
"""First and end of the wanted ones of the 127 frames."""


class Separation(nnx.Module):
    """Five transposed convolutions back to frames and bins, with skips.

    Only those rows are computed that the wanted ones come from.
    """

    def __init__(
        self,
        num_inputs: int,
        num_units: int,
        width: int,
        num_tracks: int,
        *,
        dtype: jax.typing.DTypeLike,
        rngs: Draws,
    ) -> None:
        self.fc_feats = Dense(
            num_inputs, num_units, kernel_init=glorot_uniform, dtype=dtype, rngs=rngs
        )
        widths = [width * 2**index for index in range(len(AUDIO_LAYERS))]
        inputs = [2 * width for width in widths[:-1]] + [widths[-1] + num_units]
        outputs = [num_tracks, *widths[:-1]]
        for index, (taps, strides) in enumerate(AUDIO_LAYERS):
            layer = ConvTranspose(
                inputs[index],
                outputs[index],
                taps,
                strides=strides,
                kernel_init=glorot_uniform,
                dtype=dtype,
                rngs=rngs,
            )
            setattr(self, f"deconv{index + 1}", layer)

    def __call__(self, heard: tuple[Array, ...], fused: Array, rows: Rows) -> Array:
        """Mask logits ``[b, k, 1024, n]`` of the wanted rows, in the compute dtype.

        Args:
          heard: outputs of the `AudioEncoder`.
          fused: features of hearing and sight, ``[b, 3, d]``.
          rows: the wanted ones.
        """
        spans = [rows]
        for (taps, strides), skip in zip(AUDIO_LAYERS, heard, strict=True):
            spans.append(input_rows(spans[-1], taps[0], strides[0], skip.shape[1]))
        features = jax.nn.relu(self.fc_feats(fused))[:, :, None]
        deepest = heard[-1]
        x = jnp.broadcast_to(features, (*deepest.shape[:3], features.shape[-1]))
        x = jnp.concatenate([deepest, x], -1)[:, slice(*spans[-1])]
        for index in reversed(range(len(AUDIO_LAYERS))):
            x = getattr(self, f"deconv{index + 1}")(x)
            before = spans[index + 1][0] * AUDIO_LAYERS[index][1][0]
            start, stop = spans[index]
            x = x[:, start - before : stop - before]
            if index:
                skip = heard[index - 1][:, start:stop]
                x = checkpoint_name(jax.nn.relu(x), BLOCK)
                x = jnp.concatenate([x, skip], -1)
        return x


def fold_masks(masks: Array) -> Array:
    """Masks ``[b, n, 513, k]`` that do as ``[b, k, 1024, n]`` on two-sided spectra.

    The real part of the inverse transform hears a bin and its mirror image alike, so
    each one-sided bin takes the mean of both.
    """
    mirrored = jnp.concatenate(
        [masks[:, :, :1], masks[:, :, : masks.shape[2] // 2 - 1 : -1]], 2
    )
    folded = (masks[:, :, : mirrored.shape[2]] + mirrored) / 2
    return folded.transpose(0, 3, 2, 1)
