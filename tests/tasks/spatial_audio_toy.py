"""Small tasks of sound fields, and scenes of one source each for them."""

import dataclasses
import functools

import jax
import numpy as np
import optax

from spatialjax.config import validate_tree
from spatialjax.tasks import (
    DirectionalConfig,
    FieldCompat,
    Head,
    PublishedConfig,
    SpatialAudioConfig,
    Variables,
)

KEY = jax.random.key(1)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles in half the time; what is computed here is small."""

DIRECTIONAL = DirectionalConfig(
    num_rows=16,
    sound_downs=2,
    sound_width=4,
    picture_strided=(4,),
    picture_kept=(4,),
    num_features=4,
)
PUBLISHED = PublishedConfig(
    num_tracks=2,
    audio_width=2,
    audio_units=8,
    visual_width=4,
    visual_depth=(1,),
    visual_reduced_units=4,
    visual_units=8,
    localization_units=(8,),
    separation_units=4,
)
OF_PUBLISHED_HEAD = {
    "head": Head.PUBLISHED,
    "sample_rate_hz": 48000,
    "n_fft": 1024,
    "hop": 256,
    "num_frames": 32,
    "num_compared": 4800,
    "num_images": 1,
}
OF_COMPAT = {**OF_PUBLISHED_HEAD, "compat": FieldCompat.SPATIALAUDIOGEN}


def small_config(**changes):
    config = SpatialAudioConfig(
        sample_rate_hz=16000,
        n_fft=128,
        hop=64,
        num_frames=16,
        num_compared=800,
        num_images=2,
        image_height=8,
        directional=DIRECTIONAL,
        published=PUBLISHED,
        turns=False,
        mirrors=False,
    )
    return dataclasses.replace(config, **changes)


def build(**changes):
    """A task and its first variables."""
    config = small_config(**changes)
    validate_tree(config)
    return _with_variables(config.build())


@functools.cache
def _with_variables(task):
    return task, jit(task.init)(jax.random.key(0))


@functools.cache
def _predict(task):
    return jit(lambda v, b: task.predict(v, b, KEY))


def predict(task, variables, batch):
    """The outputs of a task."""
    return _predict(task)(variables, batch)


@functools.cache
def _measure(task):
    return jit(task.measure)


def measure(task, outputs, batch):
    """The scores of the device, and of the host."""
    return _measure(task)(outputs, batch) | task.score(outputs, batch)


@functools.cache
def gradient_function(task):
    """Mean loss, state after it and gradient, of parameters, state, batch and key."""

    def loss(params, state, batch, key):
        total, aux = task.loss(Variables(params, state), batch, key, None)
        return total / aux.weight, aux.state

    return jit(jax.value_and_grad(loss, has_aux=True))


def train(task, variables, batch, learning_rate=0.01, num_steps=8):
    """The losses of some steps, and the state after them."""
    step, rule = gradient_function(task), optax.adam(learning_rate)

    @jit
    def descend(gradient, moments, params):
        updates, moments = rule.update(gradient, moments)
        return moments, optax.apply_updates(params, updates)

    params, state = variables
    moments, losses = jit(rule.init)(params), []
    for _ in range(num_steps):
        (loss, state), gradient = step(params, state, batch, KEY)
        assert is_finite(gradient)
        moments, params = descend(gradient, moments, params)
        losses.append(float(loss))
    return losses, state


def is_finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


def plane_wave(mono, azimuth_rad, elevation_rad=0.0):
    """First-order field [4, t], float64, of a signal [t]."""
    flat = np.cos(elevation_rad)
    above = (
        np.sin(azimuth_rad) * flat,
        np.sin(elevation_rad),
        np.cos(azimuth_rad) * flat,
    )
    return np.array([1, *above])[:, None] * mono


def to_pcm(signals):
    return np.rint(32768 * np.asarray(signals)).clip(-32768, 32767)


def column_of(azimuth_rad, width):
    """The column of a picture in which an azimuth is."""
    return int((np.pi - azimuth_rad) / (2 * np.pi) * width) % width


def scenes(task, rows=4, seed=0):
    """A batch of noise from somewhere at the horizon, where the picture is bright."""
    rng = np.random.default_rng(seed)
    batch = {
        name: np.zeros((rows, *spec.shape), spec.dtype)
        for name, spec in task.batch_spec.items()
    }
    num_samples = batch["audio"].shape[-1]
    for row, azimuth_rad in enumerate(rng.uniform(-np.pi, np.pi, rows)):
        field = plane_wave(0.1 * rng.normal(size=num_samples), azimuth_rad)
        batch["audio"][row, 0, :4] = to_pcm(field)
        if "images" in batch:
            images = batch["images"][row]
            images[:] = rng.integers(0, 100, images.shape)
            images[..., column_of(azimuth_rad, images.shape[-2]), :] = 255
    if "flow" in batch:
        batch["flow"][:] = rng.normal(size=batch["flow"].shape)
    if "image_time_s" in batch:
        times_s = np.linspace(-0.02, 0.02, batch["image_time_s"].shape[-1])
        batch["image_time_s"][:] = times_s
    batch["channel_mask"][:] = 1
    batch["example_id"][:] = np.arange(rows)
    batch["valid"][:] = True
    return batch


def without_z(batch, rows):
    """The batch, of which some rows have no recorded Z."""
    batch = {name: array.copy() for name, array in batch.items()}
    batch["channel_mask"][rows, 0, 2] = 0
    batch["audio"][rows, 0, 2] = 0
    return batch
