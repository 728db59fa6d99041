"""Our own network from mono to ambisonics: every track looks for its place.

The sound network splits the mono signal into K tracks by masks. The picture network
gives features of the places of the sphere; the query of a track attends over them, or
over nothing, and the track is encoded where it looks. With attention ``a_kp`` over
places p of direction u_p, the gain of channel (n, m) for the bin (f, t) is

    T_nm(f, t) = Σ_k M_k(f, t) g_k Σ_p a_kp Y_nm(u_p).

So the field is one of plane waves, of any order, and turns with the picture.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from spatialjax.ambisonics import equirect_grid, spherical_harmonics
from spatialjax.audio import unwarp_log_frequency, warp_log_frequency
from spatialjax.models.field import MAGNITUDE_FLOOR, Field, interpolate_in_time
from spatialjax.models.sphere_net import SphereNet, SphereNetConfig
from spatialjax.models.unet import Unet, UnetConfig
from spatialjax.nn import GLOBAL_NORM, Draws, Mode, NormConfig
from spatialjax.typing import Array


@dataclass(frozen=True)
class DirectionalAttentionSpec:
    """Size of a `DirectionalAttention`; the order decides nothing that is learnt."""

    order: int = 1
    num_tracks: int = 32
    num_rows: int = 256
    """Rows of the log-frequency axis of the sound network."""
    sound_downs: int = 5
    sound_width: int = 32
    picture_strided: tuple[int, ...] = (32, 64, 128)
    picture_kept: tuple[int, ...] = (128,)
    num_features: int = 32
    has_flow: bool = False
    norm: NormConfig = GLOBAL_NORM
    compute_dtype: str = "float32"


class DirectionalAttention(nnx.Module):
    """Gains of the channels above the first, from sound and pictures of a window."""

    def __init__(self, config: DirectionalAttentionSpec, *, rngs: Draws) -> None:
        self.config = config
        self.sound = Unet(
            UnetConfig(
                num_channels=config.num_tracks,
                num_downs=config.sound_downs,
                base_width=config.sound_width,
                norm=config.norm,
                dtype=config.compute_dtype,
            ),
            rngs=rngs,
        )
        self.picture = SphereNet(
            SphereNetConfig(
                num_inputs=5 if config.has_flow else 3,
                strided=config.picture_strided,
                kept=config.picture_kept,
                num_features=config.num_features,
                norm=config.norm,
                dtype=config.compute_dtype,
            ),
            rngs=rngs,
        )
        shape = (config.num_tracks, config.num_features)
        self.query = nnx.Param(rngs.normal(shape))
        self.nowhere = nnx.Param(jnp.zeros((config.num_tracks,)))
        self.log_gain = nnx.Param(jnp.zeros((config.num_tracks,)))

    def __call__(
        self,
        magnitude: Array,
        pictures: Array,
        picture_time_s: Array,
        frame_time_s: Array,
        mode: Mode,
    ) -> Field:
        """The field of a window.

        Args:
          magnitude: of the mono signal ``[b, f, k]``.
          pictures: ``[b, v, h, w, i]``, standardised colours, then flow.
          picture_time_s: when each is shown ``[b, v]``, rising.
          frame_time_s: of each frame of the spectrum ``[k]``, on the same clock.
          mode: how the norms treat the batch.
        """
        attention = self.look(pictures, mode)
        encoded = jnp.moveaxis(self.encode(attention), 1, -1)  # [b, K, c, v]
        moving = interpolate_in_time(encoded, picture_time_s, frame_time_s)
        masks = self.split(magnitude, mode)
        rows = jnp.einsum("bikn,bnck->bcik", masks, moving)
        return Field(unwarp_log_frequency(rows, magnitude.shape[1]), None, attention)

    def split(self, magnitude: Array, mode: Mode) -> Array:
        """Masks of the tracks ``[b, i, k, K]`` on log rows; they add up to 1."""
        rows = warp_log_frequency(magnitude, self.config.num_rows)
        logits = self.sound(jnp.log(rows + MAGNITUDE_FLOOR), mode)
        return jax.nn.softmax(logits.astype(jnp.float32), axis=-1)

    def look(self, pictures: Array, mode: Mode) -> Array:
        """How much each track looks at each place ``[b, v, K, h', w']``; at most 1."""
        b, v = pictures.shape[:2]
        rows = pictures.reshape(b * v, *pictures.shape[2:])
        features = self.picture(rows, mode.with_rows(1, v)).astype(jnp.float32)
        height, width, depth = features.shape[1:]
        cells = features.reshape(b * v, height * width, depth)
        logits = jnp.einsum("rpd,nd->rnp", cells, self.query[...] / math.sqrt(depth))
        # The share of a place grows with its area on the sphere.
        area = np.log(equirect_grid(height, width).weight * height * width / 4 / np.pi)
        logits = logits + area.astype(np.float32)[None, None]
        nowhere = jnp.broadcast_to(
            self.nowhere[...][None, :, None] + math.log(height * width),
            (b * v, self.config.num_tracks, 1),
        )
        attention = jax.nn.softmax(jnp.concatenate([logits, nowhere], -1), axis=-1)
        return attention[..., :-1].reshape(b, v, -1, height, width)

    def encode(self, attention: Array) -> Array:
        """Gains ``[b, v, K, c]`` of the channels above the first, for each track."""
        height, width = attention.shape[-2:]
        direction = equirect_grid(height, width).direction
        harmonics = spherical_harmonics(direction, self.config.order)[:, 1:]
        harmonics = np.asarray(harmonics, np.float32).reshape(height, width, -1)
        gain = jnp.exp(self.log_gain[...])[None, None, :, None]
        return gain * jnp.einsum("bvnhw,hwc->bvnc", attention, harmonics)
