"""Masks of windows joined on one spectrogram, against float64 and against ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import PostFilter, PostFilterSettings
from spatialjax.inference.joining import Joiner
from spatialjax.inference.streaming import cut_windows
from spatialjax.tasks.base import Variables
from tests.inference.fakes import ColourTask

REGIONS = np.array([[[1, 0]], [[0, 1]]], bool)  # two places, a source each
NONE = PostFilterSettings(PostFilter.NONE)


class RandomTask(ColourTask):
    """Masks that differ from window to window, from the pictures' random red."""

    def masks(self, variables, features, query):
        f, k = features.shape[1:]
        wave = jnp.sin(jnp.arange(f)[:, None] * 0.3 + jnp.arange(k)[None] * 0.7)
        return jax.nn.sigmoid(3 * query[:, :, :1, None] + wave[None, None])


def join(task, samples, batch_size, settings=NONE, images=None):
    """Estimates ``[n, c, t]`` and energies of a whole signal ``[c, t]``."""
    channels, total = samples.shape
    spec = task.window_spec
    joiner = Joiner(task, 2, (1, 2), channels, settings)
    step = jax.jit(joiner.step)
    if images is None:
        images = np.zeros((1000, spec.num_images, 16, 32, 3), np.uint8)
    chunks = iter(np.array_split(samples.astype(np.float32), 7, axis=1))
    carry, pieces, maps = joiner.first_carry(), [], []
    for batch in cut_windows(chunks, channels, spec, lambda i: images[i], batch_size):
        carry, piece = step(Variables({}, {}), REGIONS, carry, batch.windows)
        pieces.append(np.asarray(piece.estimates))
        maps.append(np.asarray(piece.energy))
    whole = np.concatenate(pieces, -1)[..., spec.n_fft // 2 :]
    return whole[..., :total], np.concatenate(maps), carry


def noise(total, channels=1, seed=0):
    return np.random.default_rng(seed).normal(0, 0.2, (channels, total))


@pytest.mark.parametrize("total", [1, 5, 63, 255, 256, 257, 511, 512, 513, 3001])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_masks_of_ones_return_the_input(total, batch_size):
    samples = noise(total, channels=2)
    estimates, *_ = join(ColourTask(is_open=True), samples, batch_size)
    assert estimates.shape == (2, 2, total)
    np.testing.assert_allclose(estimates[0], samples, atol=1e-5)
    np.testing.assert_allclose(estimates[1], samples, atol=1e-5)


def test_the_size_of_a_batch_changes_nothing():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (40, 3, 16, 32, 3), np.uint8)
    samples = noise(4000)
    first, first_maps, first_carry = join(RandomTask(), samples, 1, images=images)
    for batch_size in (2, 5, 32):
        other, maps, carry = join(RandomTask(), samples, batch_size, images=images)
        np.testing.assert_allclose(other, first, atol=1e-6)
        np.testing.assert_allclose(maps[: len(first_maps)], first_maps, rtol=1e-4)
        np.testing.assert_allclose(carry.sounds, first_carry.sounds, rtol=1e-4)


def test_the_joined_masks_are_those_of_a_whole_spectrogram():
    """In float64: every frame's mask, faded from window to window, and one inverse."""
    rng = np.random.default_rng(2)
    images = rng.integers(0, 255, (40, 3, 16, 32, 3), np.uint8)
    total = 2100
    samples = noise(total)[0]
    task = RandomTask()
    estimates, *_ = join(task, samples[None], 4, images=images)

    n_fft, hop, half = 64, 16, 16
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    num_frames = 1 + total // hop
    padded = np.pad(samples, (n_fft // 2, n_fft))
    starts = np.arange(num_frames) * hop
    frames = np.stack([padded[s : s + n_fft] for s in starts]) * window
    spectrum = np.fft.rfft(frames).T
    num_windows = -(-num_frames // half)
    single = []
    for number in range(num_windows):
        red = images[number].reshape(3, 1, 16, 2, 16, 3)[..., 0].mean((0, 2, 4)) / 255
        f, k = np.arange(33)[:, None], np.arange(2 * half)[None]
        single.append(1 / (1 + np.exp(-(3 * red[0, 0] + np.sin(0.3 * f + 0.7 * k)))))
    mask = np.zeros((33, num_windows * half))
    for number in range(num_windows):
        now = single[number][:, :half]
        is_past = number and num_frames <= (number + 1) * half
        before = single[number - 1][:, half:] if number else now
        now = before if is_past else now
        share = (np.arange(half) + 0.5) / half
        mask[:, number * half : (number + 1) * half] = (
            before * (1 - share) + now * share
        )
    masked = np.fft.irfft((mask[:, :num_frames] * spectrum).T, n_fft) * window
    signal, weight = np.zeros(total + 3 * n_fft), np.zeros(total + 3 * n_fft)
    for frame, start in zip(masked, starts, strict=True):
        signal[start : start + n_fft] += frame
        weight[start : start + n_fft] += window**2
    expected = (signal / np.maximum(weight, 1e-8))[n_fft // 2 :][:total]
    np.testing.assert_allclose(estimates[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("kind", [PostFilter.MIXTURE_CONSISTENCY, PostFilter.WIENER])
def test_filters_that_share_out_add_up_to_the_mixture(kind):
    rng = np.random.default_rng(3)
    images = rng.integers(0, 255, (40, 3, 16, 32, 3), np.uint8)
    samples = noise(3000, channels=2)
    plain, *_ = join(RandomTask(), samples, 4, images=images)
    shared, *_ = join(RandomTask(), samples, 4, PostFilterSettings(kind), images)
    assert np.abs(plain.sum(0) - samples).max() > 0.05
    np.testing.assert_allclose(shared.sum(0), samples, atol=1e-5)


def test_adaptive_filters_remember_from_batch_to_batch():
    rng = np.random.default_rng(4)
    images = rng.integers(0, 255, (40, 3, 16, 32, 3), np.uint8)
    samples, settings = noise(3000), PostFilterSettings(PostFilter.NLMS)
    one, *_ = join(RandomTask(), samples, 1, settings, images)
    four, *_ = join(RandomTask(), samples, 4, settings, images)
    plain, *_ = join(RandomTask(), samples, 4, NONE, images)
    np.testing.assert_allclose(four, one, atol=1e-5)
    assert np.abs(four - plain).max() > 1e-3


def test_energies_are_those_that_the_places_let_through():
    samples = np.zeros((1, 2000))
    samples[0] = 0.5 * np.sin(2 * np.pi * 8 / 64 * np.arange(2000))
    images = np.zeros((40, 3, 16, 32, 3), np.uint8)
    images[:, :, :, :16, 0] = 255  # the left place passes the lower half, with the tone
    _, maps, carry = join(ColourTask(), samples, 4, images=images)
    inner = maps[2:6]
    # A Hann window gives a sine of amplitude a in three bins a n/4 and twice a n/8.
    np.testing.assert_allclose(inner[:, 0, 0], 1.5 * (0.5 * 16) ** 2, rtol=1e-3)
    assert np.abs(inner[:, 0, 1]).max() < 1e-6
    assert carry.sounds[0, 0, 8] > 100 * max(carry.sounds[0, 1].max(), 1e-9)
