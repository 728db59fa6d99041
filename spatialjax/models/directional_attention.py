"""Our own network from mono to ambisonics: every track looks for its place.

The sound network splits the mono signal into K tracks by masks. The picture network
gives features of the places of the sphere. Each track asks for what looks as it sounds:
its query, made of its mean spectrum, attends over the places, or over nothing, and the
track is encoded where it looks. With attention ``a_kp`` over places p of direction u_p,
the gain of channel (n, m) for the bin (f, t) is

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
from spatialjax.nn import GLOBAL_NORM, Dense, Draws, Mode, NormConfig
from spatialjax.typing import Array

QUERY_SPREAD = 0.3
"""Deviation of the first queries: enough to tell the tracks apart."""

PROFILE_FLOOR = 0.01
"""Amplitude, of the mean over rows, that is added before the logarithm."""

LEAST_DEVIATION = 0.1
"""Of a profile, in nats, that is added to the own one: a flat one stays small."""


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
    profile_width: int = 64
    """Hidden units between the spectrum of a track and what it asks for."""
    has_flow: bool = False
    norm: NormConfig = GLOBAL_NORM
    compute_dtype: str = "float32"


class Profile(nnx.Module):
    """From what tracks sound like ``[b, K, i]`` to what they ask for ``[b, K, d]``."""

    def __init__(self, config: DirectionalAttentionSpec, *, rngs: Draws) -> None:
        self.hidden = Dense(config.num_rows, config.profile_width, rngs=rngs)
        self.asked = Dense(config.profile_width, config.num_features, rngs=rngs)

    def __call__(self, profile: Array) -> Array:
        return self.asked(jax.nn.relu(self.hidden(profile)))


class DirectionalAttention(nnx.Module):
    """Gains of the channels above the first, from sound and pictures of a window."""

    def __init__(self, config: DirectionalAttentionSpec, *, rngs: Draws) -> None:
        self.config = config
        self.sound = Unet(
            UnetConfig(
                num_channels=config.num_tracks,
                num_inputs=2,
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
        self.query = nnx.Param(QUERY_SPREAD * rngs.normal(shape))
        self.profile = Profile(config, rngs=rngs)
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
        masks, query = self.split(magnitude, mode)
        attention = self.look(pictures, query, mode)
        encoded = jnp.moveaxis(self.encode(attention), 1, -1)  # [b, K, c, v]
        moving = interpolate_in_time(encoded, picture_time_s, frame_time_s)
        rows = jnp.einsum("bikn,bnck->bcik", masks, moving)
        return Field(unwarp_log_frequency(rows, magnitude.shape[1]), None, attention)

    def split(self, magnitude: Array, mode: Mode) -> tuple[Array, Array]:
        """Masks of the tracks ``[b, i, k, K]`` on log rows, and what they ask for.

        The query ``[b, K, d]`` of a track is its own plus what it sounds like.
        """
        rows = warp_log_frequency(magnitude, self.config.num_rows)
        level = jnp.log(rows + MAGNITUDE_FLOOR)
        # Convolutions know no pitch, only intervals; so they are told.
        pitch = np.linspace(-1, 1, self.config.num_rows, dtype=np.float32)
        pitches = jnp.broadcast_to(pitch[None, :, None], level.shape)
        logits = self.sound(jnp.stack([level, pitches], -1), mode)
        masks = jax.nn.sigmoid(logits.astype(jnp.float32))
        asked = self.profile(spectral_profile(masks, rows))
        return masks, self.query[...][None] + asked

    def look(self, pictures: Array, query: Array, mode: Mode) -> Array:
        """How much each track looks at each place ``[b, v, K, h', w']``; at most 1."""
        b, v = pictures.shape[:2]
        rows = pictures.reshape(b * v, *pictures.shape[2:])
        features = self.picture(rows, mode.with_rows(1, v)).astype(jnp.float32)
        height, width, depth = features.shape[1:]
        cells = features.reshape(b, v, height * width, depth)
        logits = jnp.einsum("bvpd,bnd->bvnp", cells, query / math.sqrt(depth))
        # The share of a place grows with its area on the sphere.
        area = np.log(equirect_grid(height, width).weight * height * width / 4 / np.pi)
        logits = logits + area.astype(np.float32)[None, None, None]
        nowhere = jnp.broadcast_to(
            self.nowhere[...][None, None, :, None] + math.log(height * width),
            (b, v, self.config.num_tracks, 1),
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


def spectral_profile(masks: Array, rows: Array) -> Array:
    """What each track sounds like ``[b, K, i]``: its mean spectrum, standardised.

    Amplitudes are brought closer by a square root before the mean over time and by a
    logarithm after it; mean 0 and deviation 1 over the rows leave out the level.

    Args:
      masks: of the tracks ``[b, i, k, K]``.
      rows: magnitudes ``[b, i, k]``.
    """
    amplitude = jnp.sqrt(rows + MAGNITUDE_FLOOR)
    profile = jnp.einsum("bikn,bik->bni", masks, amplitude)
    mean = profile.mean(-1, keepdims=True)
    profile = jnp.log(profile / mean + PROFILE_FLOOR)
    centred = profile - profile.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    return centred / (jnp.sqrt(variance + PROFILE_FLOOR**2) + LEAST_DEVIATION)
