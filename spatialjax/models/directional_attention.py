"""Our own network from mono to ambisonics: every sound looks for its place.

The sound network gives features of each bin of the spectrogram, the picture network of
each place of the sphere. A bin attends over the places, for what looks as it sounds, or
over nothing, and is encoded where it looks. With the attention ``a_p(f, t)`` on places
p of direction u_p, the gain of channel (n, m) is

    T_nm(f, t) = g Σ_p a_p(f, t) Y_nm(u_p).

So the field is one of plane waves, of any order, and turns with the picture. What is
heard at once takes part in one attention: a bin is shared among what can be seen.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from spatialjax.ambisonics import equirect_grid, spherical_harmonics
from spatialjax.audio import pool_log_frequency, unwarp_log_frequency, warp_positions
from spatialjax.models.field import (
    MAGNITUDE_FLOOR,
    BinAttention,
    Field,
    interpolate_in_time,
    relative_level,
)
from spatialjax.models.sphere_net import SphereNet, SphereNetConfig
from spatialjax.models.unet import Unet, UnetConfig
from spatialjax.nn import GLOBAL_NORM, Dense, Draws, Mode, NormConfig
from spatialjax.typing import Array

PROFILE_FLOOR = 0.01
"""Amplitude, of the mean over rows, that is added before the logarithm."""

LEAST_DEVIATION = 0.1
"""Of a profile, in nats, that is added to the own one: a flat one stays small."""


@dataclass(frozen=True)
class DirectionalAttentionSpec:
    """Size of a `DirectionalAttention`; the order decides nothing that is learnt."""

    order: int = 1
    num_rows: int = 256
    """Rows of the log-frequency axis of the sound network."""
    sound_downs: int = 5
    sound_width: int = 32
    picture_strided: tuple[int, ...] = (32, 64, 128, 128)
    picture_kept: tuple[int, ...] = (128,)
    num_features: int = 32
    """Features that sound and picture share."""
    profile_width: int = 64
    """Hidden units between the spectrum of a window and what it asks for."""
    has_flow: bool = False
    norm: NormConfig = GLOBAL_NORM
    compute_dtype: str = "float32"


class Profile(nnx.Module):
    """From what a window sounds like ``[b, i]`` to what all of it asks for."""

    def __init__(self, config: DirectionalAttentionSpec, *, rngs: Draws) -> None:
        self.hidden = Dense(config.num_rows, config.profile_width, rngs=rngs)
        self.asked = Dense(config.profile_width, config.num_features, rngs=rngs)

    def __call__(self, profile: Array) -> Array:
        """Features ``[b, d]``."""
        return self.asked(jax.nn.relu(self.hidden(profile)))


class DirectionalAttention(nnx.Module):
    """Gains of the channels above the first, from sound and pictures of a window."""

    def __init__(self, config: DirectionalAttentionSpec, *, rngs: Draws) -> None:
        self.config = config
        self.sound = Unet(
            UnetConfig(
                num_channels=config.num_features + 1,
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
        self.profile = Profile(config, rngs=rngs)
        self.log_gain = nnx.Param(jnp.zeros(()))

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
        rows = rows_of(magnitude, self.config.num_rows)
        query, nowhere = self.hear(rows, mode)
        seen = jnp.moveaxis(self.see(pictures, mode), 1, -1)  # [b, h', w', d, v]
        places = interpolate_in_time(seen, picture_time_s, frame_time_s)
        bins = attend(query, nowhere, places)
        gain = jnp.exp(self.log_gain[...]) * self.encode(bins.share)
        num_bins = magnitude.shape[1]
        shown = jnp.einsum("bik,bkihw->bhw", energy_shares(rows, num_bins), bins.share)
        gain = unwarp_log_frequency(gain, num_bins)
        return Field(gain, attention=shown, bins=bins)

    def hear(self, rows: Array, mode: Mode) -> tuple[Array, Array]:
        """What each bin asks for ``[b, i, k, d]``, and how much for nothing.

        A bin's query is its own plus that of the whole window, which tells at once
        what a single thing sounds like; the former tells several things apart.
        """
        level = relative_level(rows)
        # Convolutions know no pitch, only intervals; so they are told.
        pitch = np.linspace(-1, 1, self.config.num_rows, dtype=np.float32)
        pitches = jnp.broadcast_to(pitch[None, :, None], level.shape)
        heard = self.sound(jnp.stack([level, pitches], -1), mode).astype(jnp.float32)
        asked = self.profile(spectral_profile(rows))
        return heard[..., :-1] + asked[:, None, None], heard[..., -1]

    def see(self, pictures: Array, mode: Mode) -> Array:
        """Features ``[b, v, h', w', d]`` of the places of pictures."""
        b, v = pictures.shape[:2]
        rows = pictures.reshape(b * v, *pictures.shape[2:])
        features = self.picture(rows, mode.with_rows(1, v)).astype(jnp.float32)
        return features.reshape(b, v, *features.shape[1:])

    def encode(self, share: Array) -> Array:
        """Gains ``[b, c, i, k]`` above the first channel, of bins that look at places.

        Args:
          share: of the looks of bins ``[b, k, i, h', w']``.
        """
        height, width = share.shape[-2:]
        direction = equirect_grid(height, width).direction
        harmonics = spherical_harmonics(direction, self.config.order)[:, 1:]
        harmonics = np.asarray(harmonics, np.float32).reshape(height, width, -1)
        return jnp.einsum("bkihw,hwc->bcik", share, harmonics, precision="highest")


def attend(query: Array, nowhere: Array, places: Array) -> BinAttention:
    """What each bin looks at: places that look as it asks, or nothing.

    Where features tell nothing, a bin looks evenly over the sphere, and as much as at
    all of it at nothing.

    Args:
      query: of the bins ``[b, i, k, d]``.
      nowhere: how much they ask for nothing ``[b, i, k]``.
      places: features ``[b, h', w', d, k]``.
    """
    b, height, width, depth, num_frames = places.shape
    # Frames in front: one product of matrices for each, a place in a row of memory.
    cells = places.reshape(b, height * width, depth, num_frames).transpose(0, 3, 2, 1)
    asked = query.transpose(0, 2, 1, 3) / math.sqrt(depth)
    # The share of a place grows with its area on the sphere.
    area = np.log(equirect_grid(height, width).weight / (4 * np.pi))
    logit = asked @ cells + area.astype(np.float32)[None, None, None]
    total = jax.nn.logsumexp(logit, axis=-1)
    shape = (*logit.shape[:-1], height, width)
    log_total = jnp.logaddexp(total, jnp.swapaxes(nowhere, 1, 2))
    return BinAttention(logit.reshape(shape), log_total)


def rows_of(magnitude: Array, num_rows: int) -> Array:
    """Magnitudes ``[b, i, k]`` on a log-frequency axis, of the mean power of bins."""
    power = pool_log_frequency(jnp.square(magnitude), num_rows)
    return jnp.sqrt(power + MAGNITUDE_FLOOR**2)


def energy_shares(rows: Array, num_bins: int) -> Array:
    """What each bin ``[b, i, k]`` holds of the energy of its window, by its bandwidth.

    Args:
      rows: magnitudes on the log-frequency axis.
      num_bins: of the linear one.
    """
    bandwidth = np.gradient(warp_positions(num_bins, rows.shape[1]))
    energy = jnp.square(rows) * bandwidth.astype(np.float32)[None, :, None]
    return energy / energy.sum((1, 2), keepdims=True)


def spectral_profile(rows: Array) -> Array:
    """What windows sound like ``[b, i]``: their mean spectra, standardised.

    Amplitudes are brought closer by a square root before the mean over time and by a
    logarithm after it. Mean 0 and a deviation near 1 over the rows, less where they
    hardly differ, leave out the level.

    Args:
      rows: magnitudes ``[b, i, k]``.
    """
    profile = jnp.sqrt(rows + MAGNITUDE_FLOOR).mean(-1)
    profile = jnp.log(profile / profile.mean(-1, keepdims=True) + PROFILE_FLOOR)
    centred = profile - profile.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    return centred / (jnp.sqrt(variance + PROFILE_FLOOR**2) + LEAST_DEVIATION)
