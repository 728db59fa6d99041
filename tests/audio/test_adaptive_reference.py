"""Removal of a second recording: gain, streams, and the fitness of the defaults."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import (
    REFERENCE_SETTINGS,
    DoubleTalkGuard,
    PostFilter,
    PostFilterSettings,
    cancel_reference,
    init_cancel_reference,
    init_rls,
    rls,
)
from spatialjax.errors import ConfigError, ShapeError
from tests.audio.adaptive_cases import PATH, gain_db, noisy

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def stream(settings, primary, references, lengths):
    """What a caller does: blocks, `delay` zeros at the end, `delay` fewer in front."""
    ending = ((0, 0), (0, settings.delay))
    primary = jnp.asarray(np.pad(primary, ending), jnp.float32)
    references = jnp.asarray(np.pad(references, ending), jnp.float32)
    state = init_cancel_reference(settings, len(primary), len(references))
    parts, begin = [], 0
    for length in lengths:
        block = slice(begin, begin + length)
        part, state = cancel_reference(
            settings, primary[:, block], references[:, block], state
        )
        parts.append(part)
        begin += length
    assert begin == primary.shape[1]
    return np.concatenate(parts, 1)[:, settings.delay :]


def microphones(num_samples, lead):
    """Two channels with wanted sound, and a microphone `lead` samples late."""
    noise, late = noisy(num_samples, seed=1)[1:]
    wanted = np.stack([noisy(num_samples, seed=n)[0] for n in (2, 3)])
    left = np.convolve(noise, PATH)[:num_samples]
    right = np.convolve(noise, [0.0, 0.0, -0.6, 0.3])[:num_samples]
    late = np.concatenate([np.zeros(lead), noise[: num_samples - lead]])
    return wanted, wanted + np.stack([left, right]), late[None]


@pytest.mark.parametrize(
    ("kind", "least_db"),
    [
        pytest.param(PostFilter.RLS, 25, marks=pytest.mark.slow),
        (PostFilter.NLMS, 15),
        (PostFilter.LMS, 15),
    ],
)
def test_defaults_clean_both_channels_of_a_late_reference(kind, least_db):
    wanted, primary, reference = microphones(40000, lead=9)
    settings = dataclasses.replace(REFERENCE_SETTINGS, kind=kind)
    if kind == PostFilter.LMS:
        settings = dataclasses.replace(settings, step_size=0.1)  # of power 0.01
    cleaned = stream(settings, primary, reference, [40000 + settings.delay])
    assert cleaned.shape == primary.shape
    for channel in range(2):
        gain = gain_db(wanted[channel], primary[channel], cleaned[channel])
        assert gain > least_db
    causal = dataclasses.replace(settings, delay=0)
    missed = stream(causal, primary, reference, [40000])
    assert gain_db(wanted, primary, missed) < least_db - 10


@pytest.mark.parametrize("kind", [PostFilter.LMS, PostFilter.NLMS, PostFilter.RLS])
def test_a_stream_equals_the_whole_bit_by_bit(kind):
    settings = PostFilterSettings(
        kind=kind, num_taps=5, delay=7, leak=1e-3, guard=DoubleTalkGuard(fast=8)
    )
    _, primary, reference = microphones(493, lead=4)
    whole = stream(settings, primary, reference, [500])
    np.testing.assert_array_equal(
        stream(settings, primary, reference, [4, 4, 0, 246, 246]), whole
    )


def test_every_channel_hears_all_references():
    wanted, primary, reference = microphones(300, lead=0)
    both = np.concatenate([reference, wanted[:1]])
    settings = dataclasses.replace(REFERENCE_SETTINGS, num_taps=4, delay=0)
    cleaned = stream(settings, primary, both, [300])
    for channel in range(2):
        expected, _ = rls(
            jnp.asarray(primary[channel], jnp.float32),
            jnp.asarray(both, jnp.float32),
            init_rls(2, 4),
            forgetting_factor=settings.forgetting_factor,
        )
        np.testing.assert_allclose(cleaned[channel], expected, atol=1e-6)


def test_settings_reach_the_filter():
    _, primary, reference = microphones(300, lead=0)
    base = PostFilterSettings(kind=PostFilter.RLS, num_taps=4)
    for kind, changes in (
        (PostFilter.LMS, {"step_size": 0.5, "leak": 0.1}),
        (PostFilter.NLMS, {"step_size": 0.5, "leak": 0.1, "floor_power": 0.1}),
        (
            PostFilter.RLS,
            {"forgetting_factor": 0.9, "floor_power": 0.1, "initial_energy": 1.0},
        ),
    ):
        first = dataclasses.replace(base, kind=kind)
        plain = stream(first, primary, reference, [300])
        for name, value in changes.items():
            changed = dataclasses.replace(first, **{name: value})
            found = stream(changed, primary, reference, [300])
            assert np.abs(found - plain).max() > 1e-5, (kind, name)


def test_what_does_not_fit_is_refused():
    settings = PostFilterSettings(kind=PostFilter.NLMS)
    state = init_cancel_reference(settings, 2, 1)
    with pytest.raises(ShapeError, match=r"primary has shape \[9\]"):
        cancel_reference(settings, jnp.zeros(9), jnp.zeros((1, 9)), state)
    with pytest.raises(ShapeError, match=r"references has shape \[1, 8\]"):
        cancel_reference(settings, jnp.zeros((2, 9)), jnp.zeros((1, 8)), state)
    with pytest.raises(ShapeError, match=r"primary has shape \[3, 9\]"):
        cancel_reference(settings, jnp.zeros((3, 9)), jnp.zeros((1, 9)), state)
    plain = PostFilterSettings(kind=PostFilter.WIENER)
    with pytest.raises(ConfigError, match="has kind 'wiener'; give rls, nlms or lms"):
        init_cancel_reference(plain, 2, 1)
    with pytest.raises(ConfigError, match="has kind 'wiener'; give rls, nlms or lms"):
        cancel_reference(plain, jnp.zeros((2, 9)), jnp.zeros((1, 9)), state)
