"""Spatializers whose fields are known, and small models of the library."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.inference.field_model import FieldModel
from spatialjax.inference.field_stream import Seen
from spatialjax.tasks import (
    DirectionalConfig,
    Head,
    PublishedConfig,
    SpatialAudioConfig,
)
from spatialjax.tasks.base import ChunkSpec, FieldSpec, Variables

RATE_HZ = 8000
N_FFT, HOP, NUM_FRAMES, BEFORE, AFTER = 64, 16, 16, 3, 2
GAINS = (0.5, -0.25, 0.125)


def gains(level, times_s, num_frames):
    """Gains ``[b, c, 1, k]`` that differ with the pictures, their times and frames."""
    wave = jnp.sin(jnp.arange(num_frames) * 0.7)[None] + times_s.sum(-1)[:, None]
    channels = jnp.arange(1, 4, dtype=jnp.float32)[None, :, None, None]
    return level[:, None, None, None] * channels + wave[:, None, None]


@dataclass(frozen=True)
class LevelTask:
    """The gains of a window follow the mean level of its pictures and their times."""

    num_images: int = 2

    @property
    def field_spec(self):
        return FieldSpec(
            *(RATE_HZ, N_FFT, HOP, NUM_FRAMES, BEFORE, AFTER),
            order=1,
            num_images=self.num_images,
            image_size=(4, 8),
            has_video=True,
            has_flow=False,
        )

    def spatialize(self, variables, spectrum, shown, image_time_s):
        kept = spectrum[:, None, :, BEFORE : BEFORE + NUM_FRAMES]
        level = jnp.zeros(len(spectrum))
        if self.num_images:
            level = shown["images"].astype(jnp.float32).mean((1, 2, 3, 4)) / 255
        return gains(level, image_time_s, NUM_FRAMES) * kept


@dataclass(frozen=True)
class ChunkTask:
    """Chunks of 20 samples of 50; depends on those beside it, as the published one."""

    @property
    def chunk_spec(self):
        return ChunkSpec(
            *(RATE_HZ, 50, 12, 20),
            order=1,
            image_size=(4, 8),
            has_video=True,
            has_flow=False,
        )

    def spatialize_chunks(self, variables, mono, shown, is_filler):
        level = shown["images"].astype(jnp.float32).mean((1, 2, 3, 4)) / 255
        scale = level + jnp.abs(mono).mean()
        given = mono[:, 12:32] + mono[:, :20]
        return jnp.stack([scale[:, None] * given * c for c in (1, 2, 3)], 1)


def fake_model(task):
    return FieldModel(task, Variables({}, {}), 0.05)


def level_at(time_s):
    """The level of the picture that is shown at a time, of 255."""
    return int(40 + 30 * np.floor(10 * max(time_s, 0)) % 200)


def look(times_s):
    """Plain pictures that change ten times a second."""
    images = [np.full((4, 8, 3), level_at(time_s), np.uint8) for time_s in times_s]
    return Seen({"images": np.stack(images)}, np.asarray(times_s) + 0.001)


def constant(channel_gains=GAINS, **fields):
    """Settings of a task that needs no training."""
    return SpatialAudioConfig(
        head=Head.CONSTANT,
        sample_rate_hz=RATE_HZ,
        n_fft=256,
        hop=64,
        num_frames=16,
        num_compared=512,
        constant_gains=channel_gains,
        **fields,
    )


def directional(head=Head.DIRECTIONAL, **fields):
    """Settings of a small task that looks, or hears alone."""
    return SpatialAudioConfig(
        head=head,
        sample_rate_hz=RATE_HZ,
        n_fft=256,
        hop=64,
        num_frames=16,
        num_compared=512,
        num_images=2,
        image_height=16,
        directional=DirectionalConfig(
            num_rows=32,
            sound_downs=2,
            sound_width=4,
            picture_strided=(4,),
            picture_kept=(),
            num_features=4,
        ),
        **fields,
    )


def published():
    """Settings of a small one of the published networks."""
    return SpatialAudioConfig(
        head=Head.PUBLISHED,
        n_fft=1024,
        hop=256,
        image_height=16,
        published=PublishedConfig(
            num_tracks=2,
            audio_width=2,
            audio_units=8,
            visual_width=4,
            visual_depth=(1,),
            visual_reduced_units=4,
            visual_units=8,
            localization_units=(8,),
            separation_units=4,
        ),
    )


def model_of(config):
    task = config.build()
    return FieldModel(task, jax.jit(task.init)(jax.random.key(0)), 0.1)
