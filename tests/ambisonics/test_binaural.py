import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from spatialjax.ambisonics import (
    Mirror,
    angles_to_direction,
    binaural_step,
    encode,
    gauss_legendre_grid,
    hrtf_filters,
    init_binaural,
    mirror,
    render_binaural,
    spherical_head,
    stereo_preview,
    symmetric_filters,
)
from spatialjax.errors import ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")
fast_render = jax.jit(render_binaural)
fast_step = jax.jit(binaural_step)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@functools.cache
def head_filters():
    head = spherical_head(48000, gauss_legendre_grid(24))
    return symmetric_filters(hrtf_filters(head, 1))


def source(azimuth_deg):
    direction = angles_to_direction(np.deg2rad(float(azimuth_deg)), 0.0)
    return encode(jnp.asarray(noise(2000)), jnp.asarray(direction, jnp.float32), 1)


def convolved(field, filters):
    """Float64, by definition: each channel with its filter, then the sum."""
    return np.stack(
        [
            sum(
                scipy.signal.convolve(a.astype(float), h.astype(float), method="direct")
                for a, h in zip(field, ear, strict=True)
            )
            for ear in filters
        ]
    )


@pytest.mark.parametrize(
    ("length", "taps"), [(1, 1), (1, 9), (5, 9), (3000, 64), (7, 1)]
)
def test_rendering_is_the_sum_of_convolutions(length, taps):
    field, filters = noise(4, length), noise(2, 4, taps, seed=1)
    sound = fast_render(jnp.asarray(field), filters)
    assert sound.dtype == jnp.float32
    assert sound.shape == (2, length + taps - 1)
    expected = convolved(field, filters)
    np.testing.assert_allclose(
        sound, expected, atol=1e-6 * np.abs(expected).max() + 1e-5
    )


def test_leading_axes_are_a_loop():
    fields, filters = noise(2, 3, 9, 50), noise(2, 9, 8, seed=1)
    sound = fast_render(jnp.asarray(fields), filters)
    assert sound.shape == (2, 3, 2, 57)
    alone = fast_render(jnp.asarray(fields[1, 2]), filters)
    np.testing.assert_allclose(sound[1, 2], alone, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_b31_blocks_of_any_lengths_are_the_whole(seed):
    lengths = np.random.default_rng(seed).permutation([1, 1, 7, 7, 40, 40, 100])
    fields, filters = noise(2, 4, 196), noise(2, 4, 33, seed=1)
    filters /= np.abs(filters).sum((1, 2), keepdims=True)
    state, sounds = init_binaural(filters, (2,)), []
    for block in np.split(fields, np.cumsum(lengths)[:-1], axis=-1):
        state, sound = fast_step(state, jnp.asarray(block))
        assert sound.shape == (2, 2, block.shape[-1])
        sounds.append(sound)
    joined = np.concatenate([*sounds, state.tail], axis=-1)
    whole = fast_render(jnp.asarray(fields), filters)
    np.testing.assert_allclose(joined, whole, atol=1e-6)


@pytest.mark.parametrize("azimuth_deg", [30, 60, 90, 120])
def test_b11_the_ear_at_the_source_hears_it_louder_and_first(azimuth_deg):
    left, right = np.asarray(fast_render(source(azimuth_deg), head_filters()))
    assert 10 * np.log10((left**2).sum() / (right**2).sum()) > 4
    low_tones = scipy.signal.butter(4, 1000, fs=48000, output="sos")
    heard = scipy.signal.sosfilt(low_tones, np.stack([left, right]))
    lag = np.argmax(scipy.signal.correlate(heard[1], heard[0])) - (len(left) - 1)
    assert 4 < lag < 40  # 0.1 to 0.8 ms
    mirrored = fast_render(
        mirror(source(azimuth_deg), Mirror.LEFT_RIGHT), head_filters()
    )
    np.testing.assert_allclose(mirrored, np.stack([right, left]), atol=1e-5)
    other_side = fast_render(source(-azimuth_deg), head_filters())
    np.testing.assert_allclose(other_side, np.stack([right, left]), atol=1e-5)


def test_b11_a_source_in_front_sounds_exactly_alike_in_both_ears():
    left, right = np.asarray(fast_render(source(0), head_filters()))
    assert np.abs(left).max() > 0.1
    np.testing.assert_array_equal(left, right)


def test_the_gradient_is_that_of_the_sum():
    filters = noise(2, 4, 9)
    gradient = jax.jit(jax.grad(lambda field: render_binaural(field, filters).sum()))
    expected = np.broadcast_to(filters.sum((0, 2))[:, None], (4, 20))
    np.testing.assert_allclose(gradient(jnp.zeros((4, 20))), expected, atol=1e-5)


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_lowers_for_accelerators(platform):
    state = init_binaural(noise(2, 16, 256))
    traced = jax.jit(binaural_step).trace(state, jnp.zeros((16, 4800)))
    assert traced.lower(lowering_platforms=(platform,)).as_text()


def test_preview_of_a_source_at_the_left_is_silent_at_the_right():
    left, right = stereo_preview(source(90))
    np.testing.assert_allclose(left, 2 * noise(2000), rtol=1e-6)
    np.testing.assert_allclose(right, 0, atol=1e-6)
    assert stereo_preview(jnp.zeros((3, 16, 7))).shape == (3, 2, 7)


def test_what_does_not_fit_is_told():
    with pytest.raises(ShapeError, match=r"ambisonics has shape \[9, 5\]"):
        render_binaural(jnp.zeros((9, 5)), noise(2, 4, 3))
    with pytest.raises(ShapeError, match="batch_shape"):
        binaural_step(init_binaural(noise(2, 4, 3)), jnp.zeros((2, 4, 5)))
    with pytest.raises(ShapeError, match="filters has shape"):
        init_binaural(noise(4, 3))
    with pytest.raises(ShapeError, match="order 0 has no left and right"):
        stereo_preview(jnp.zeros((1, 5)))


@pytest.mark.parametrize("taps", [1, 256, 257])
def test_no_sound_is_silence_as_long_as_the_filters_ring(taps):
    ears = render_binaural(jnp.zeros((4, 0)), noise(2, 4, taps))
    np.testing.assert_array_equal(ears, np.zeros((2, taps - 1)))
