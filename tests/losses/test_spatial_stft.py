import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ConfigError, ShapeError
from spatialjax.losses import (
    multi_resolution_stft_loss,
    stft_compat_loss,
    stft_compat_weights,
    stft_native_loss,
    stft_native_weights,
)

pytestmark = pytest.mark.usefixtures("strict_dtypes")
multi_resolution = jax.jit(
    functools.partial(multi_resolution_stft_loss, sizes=(512, 128))
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def published_by_fft(estimate, target, window):
    """Float64; the windows as the published code cuts them: of each half at a time."""
    error = estimate.astype(np.float64) - target
    hann = 0.5 - 0.5 * np.cos(2 * np.pi / window * np.arange(window))
    frames = []
    for offset in (0, window // 2):
        count = (error.shape[-1] - offset - 1) // window
        kept = error[..., offset : offset + count * window]
        frames.append(kept.reshape(*kept.shape[:-1], count, window))
    spectrum = np.fft.fft(np.concatenate(frames, -2) * hann)
    return (np.abs(spectrum) ** 2).mean((-2, -1))


@pytest.mark.parametrize(
    ("num_samples", "window"),
    [(4800, 2048), (4096, 2048), (4097, 2048), (2049, 2048), (3000, 512), (1000, 128)],
)
def test_b20_weighted_error_equals_the_published_transforms(
    num_samples, window
):  # B 20
    estimate, target = noise(2, 3, num_samples), noise(2, 3, num_samples, seed=1)
    given = stft_compat_loss(jnp.asarray(estimate), jnp.asarray(target), window)
    expected = published_by_fft(estimate, target, window)
    assert given.shape == (2, 3)
    np.testing.assert_allclose(given, expected, rtol=1e-5)


def test_b20_published_weights_add_up_and_end_early():  # B 20
    weight = stft_compat_weights(4800)
    assert weight.dtype == np.float32
    assert weight.sum() == pytest.approx(768, rel=1e-6)
    assert not weight[4096:].any()
    assert weight[1:4096].all()


@pytest.mark.parametrize(("num_samples", "window"), [(4800, 2048), (700, 2048), (9, 4)])
def test_native_weights_reach_every_sample(num_samples, window):  # B 20
    weight = stft_native_weights(num_samples, window)
    assert weight.shape == (num_samples,)
    assert weight.sum() == pytest.approx(3 / 8 * window, rel=1e-5)
    assert weight.min() > 0.4 * weight.max()


def test_b20_gradient_covers_all_samples_only_in_the_native_loss():  # B 20
    target = jnp.asarray(noise(1, 4800))
    totals = (
        jax.jit(lambda estimate, loss=loss: loss(estimate, target).sum())
        for loss in (stft_compat_loss, stft_native_loss)
    )
    compat, native = (jax.grad(total)(jnp.zeros((1, 4800))) for total in totals)
    assert not compat[:, 4096:].any()
    assert compat[:, 1:4096].all()
    assert native.all()
    expected = -2 * stft_native_weights(4800) * np.asarray(target)[0]
    np.testing.assert_allclose(native[0], expected, rtol=1e-5)


def test_losses_of_a_known_error():
    target = jnp.asarray(noise(4, 4800))
    estimate = target + 0.1
    np.testing.assert_allclose(stft_compat_loss(estimate, target), 7.68, rtol=1e-4)
    np.testing.assert_allclose(stft_native_loss(estimate, target), 7.68, rtol=1e-4)
    assert (stft_compat_loss(target, target) == 0).all()
    assert (multi_resolution(target, target) < 1e-7).all()


def multi_resolution_by_definition(estimate, target, sizes, floor=1e-4):
    """Float64, frame by frame."""
    total = np.zeros(estimate.shape[0])
    for n_fft in sizes:
        hann = 0.5 - 0.5 * np.cos(2 * np.pi / n_fft * np.arange(n_fft))
        pad = ((0, 0), (n_fft // 2, n_fft // 2))
        both = []
        for signal in (estimate, target):
            padded = np.pad(signal.astype(np.float64), pad)
            starts = range(0, padded.shape[-1] - n_fft + 1, n_fft // 4)
            frames = np.stack([padded[:, s : s + n_fft] for s in starts], 1)
            both.append(np.fft.rfft(frames * hann) * 4 / n_fft)
        own, true = both
        power = np.abs(true) ** 2 + floor**2
        log_error = 0.5 * np.log((np.abs(own) ** 2 + floor**2) / power)
        complex_error = np.sqrt(np.abs(own - true) ** 2 + floor**2) - floor
        term = np.abs(log_error) + complex_error / np.sqrt(power.mean())
        total += term.mean((-2, -1))
    return total / len(sizes)


def test_multi_resolution_equals_its_definition():
    estimate, target = noise(3, 1500), noise(3, 1500, seed=1)
    target[2] *= 1e-5
    given = multi_resolution(jnp.asarray(estimate), jnp.asarray(target))
    expected = multi_resolution_by_definition(estimate, target, (512, 128))
    np.testing.assert_allclose(given, expected, rtol=2e-4)


def test_multi_resolution_hears_level_sign_and_delay():
    target = jnp.asarray(noise(2, 2, 4800))
    for estimate in (0.5 * target, -target, jnp.roll(target, 3, -1), 0 * target):
        assert (multi_resolution(estimate, target) > 0.3).all()
    slight = multi_resolution(1.01 * target, target)
    assert (slight < 0.03).all()
    assert (slight > 0).all()


def test_multi_resolution_ignores_the_level():
    estimate, target = jnp.asarray(noise(2, 4800)), jnp.asarray(noise(2, 4800, seed=1))
    loud, quiet = (multi_resolution(g * estimate, g * target) for g in (4.0, 0.25))
    np.testing.assert_allclose(loud, quiet, rtol=2e-2)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("levels", [(0, 0), (0, 1), (1, 0), (1e-20, 1e-20)])
@pytest.mark.parametrize(
    "loss", [stft_native_loss, lambda e, t: multi_resolution_stft_loss(e, t, (256,))]
)
def test_gradients_are_finite(loss, levels, dtype):
    signals = [
        jnp.asarray(level * noise(2, 600, seed=i)).astype(dtype)
        for i, level in enumerate(levels)
    ]
    value, gradient = jax.jit(jax.value_and_grad(lambda e, t: loss(e, t).sum()))(
        *signals
    )
    assert value.dtype == jnp.float32
    assert np.isfinite(value)
    assert np.isfinite(gradient.astype(jnp.float32)).all()


def test_bad_input_is_refused():
    with pytest.raises(ConfigError, match=r"2048 samples.*more than a window of 2048"):
        stft_compat_loss(jnp.zeros((1, 2048)), jnp.zeros((1, 2048)))
    for loss in (stft_compat_loss, stft_native_loss, multi_resolution_stft_loss):
        with pytest.raises(ShapeError, match="target"):
            loss(jnp.zeros((2, 3, 4800)), jnp.zeros((2, 1, 4800)))


@pytest.mark.parametrize("weights", [stft_compat_weights, stft_native_weights])
def test_shared_weights_cannot_be_changed(weights):
    with pytest.raises(ValueError, match="read-only"):
        weights(4800)[:] = 0
