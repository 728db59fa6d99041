"""A baseline that sees nothing: a U-Net gives the gain of each channel in each bin.

What can be known of a field from its mono signal alone: how things of some colour tend
to lie. The baseline named U-Net in Morgado et al. (2018), whose details are not known.
"""

from dataclasses import dataclass

import jax.numpy as jnp
from flax import nnx

from spatialjax.ambisonics import num_channels
from spatialjax.audio import unwarp_log_frequency, warp_log_frequency
from spatialjax.models.field import Field, relative_level
from spatialjax.models.unet import Unet, UnetConfig
from spatialjax.nn import GLOBAL_NORM, Draws, Mode, NormConfig
from spatialjax.typing import Array

MOST_GAIN = 2.0
"""A plane wave needs 1 at most; opposite ones may add up in a channel, and not in W."""


@dataclass(frozen=True)
class AudioOnlyFieldSpec:
    """Size of an `AudioOnlyField`."""

    order: int = 1
    num_rows: int = 256
    sound_downs: int = 5
    sound_width: int = 32
    norm: NormConfig = GLOBAL_NORM
    compute_dtype: str = "float32"


class AudioOnlyField(nnx.Module):
    """Gains of the channels above the first, from the sound of a window."""

    def __init__(self, config: AudioOnlyFieldSpec, *, rngs: Draws) -> None:
        self.config = config
        self.sound = Unet(
            UnetConfig(
                num_channels=num_channels(config.order) - 1,
                num_downs=config.sound_downs,
                base_width=config.sound_width,
                norm=config.norm,
                dtype=config.compute_dtype,
            ),
            rngs=rngs,
        )

    def __call__(self, magnitude: Array, mode: Mode) -> Field:
        """The field of a window whose mono signal has magnitudes ``[b, f, k]``."""
        rows = warp_log_frequency(magnitude, self.config.num_rows)
        logits = self.sound(relative_level(rows), mode)
        gain = MOST_GAIN * jnp.tanh(jnp.moveaxis(logits.astype(jnp.float32), -1, 1))
        return Field(unwarp_log_frequency(gain, magnitude.shape[1]))
