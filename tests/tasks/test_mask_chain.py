import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import PadMode, StftMethod
from spatialjax.losses import LossWeight
from spatialjax.nn import Activation
from spatialjax.tasks import MaskChain, MaskLoss, MaskTarget

CHAIN = MaskChain(
    n_fft=62,
    hop=16,
    pad_mode=PadMode.REFLECT,
    method=StftMethod.FFT,
    num_rows=16,
    target=MaskTarget.BINARY,
    loss=MaskLoss.BCE,
    weight=LossWeight.LOG1P,
    activation=Activation.SIGMOID,
    threshold=0.5,
    mixture_consistency=False,
)
LINEAR = dataclasses.replace(CHAIN, num_rows=0)


def batch_of_noise(num_sources=2, num_channels=1, seed=0):
    rng = np.random.default_rng(seed)
    shape = (3, num_sources, num_channels, 255)
    return {
        "audio": rng.integers(-20000, 20000, shape).astype(np.int16),
        "gain": rng.uniform(0.5, 1.0, shape[:2]).astype(np.float32),
    }


def reference_spectra(signal):
    """Transform of ``[..., t]`` in float64, by the definition."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(62) / 62)
    padding = [(0, 0)] * (signal.ndim - 1) + [(31, 31)]
    padded = np.pad(signal, padding, mode="reflect")
    starts = np.arange(0, signal.shape[-1] + 1, 16)
    frames = np.stack([padded[..., s : s + 62] for s in starts], -1)
    return np.fft.rfft(frames * window[:, None], axis=-2)


def test_hears_mixture_and_sources():
    batch = batch_of_noise()
    heard = LINEAR.hear(batch)
    sources = batch["audio"].astype(np.float64) / 32768 * batch["gain"][..., None, None]
    sources = sources / 2
    np.testing.assert_allclose(heard.sources, sources, atol=1e-6)
    np.testing.assert_allclose(heard.mixture, sources.sum(1), atol=1e-6)
    magnitudes = np.abs(reference_spectra(sources[:, :, 0]))
    np.testing.assert_allclose(heard.source_magnitudes, magnitudes, atol=1e-5)
    mixture = np.abs(reference_spectra(sources[:, :, 0].sum(1)))
    np.testing.assert_allclose(heard.magnitude, mixture, atol=1e-5)
    assert heard.rows is heard.magnitude


@pytest.mark.parametrize("weight", list(LossWeight))
def test_bce_is_the_published_mean(weight):
    chain = dataclasses.replace(LINEAR, weight=weight)
    heard = chain.hear(batch_of_noise())
    shape = heard.source_magnitudes.shape
    logits = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    mixture = np.asarray(heard.magnitude, np.float64)
    target = np.asarray(heard.source_magnitudes) > 0.5 * mixture[:, None]
    if weight is LossWeight.NONE:
        weights = np.ones_like(mixture)
    elif weight is LossWeight.LOG1P:
        weights = np.clip(np.log1p(mixture), 1e-3, 10)
    else:
        root = np.sqrt(mixture)
        weights = np.clip(root / root.mean((1, 2), keepdims=True), 1e-3, 10)
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    entropy = -np.where(target, np.log(p), np.log(1 - p))
    expected = (weights[:, None] * entropy).mean((1, 2, 3))
    np.testing.assert_allclose(chain.losses(logits, heard), expected, rtol=1e-5)


@pytest.mark.parametrize(("loss", "power"), [(MaskLoss.L1, 1), (MaskLoss.L2, 2)])
def test_distances_of_ratio_masks(loss, power):
    chain = dataclasses.replace(
        LINEAR,
        target=MaskTarget.RATIO,
        loss=loss,
        weight=LossWeight.NONE,
        activation=Activation.RELU,
    )
    heard = chain.hear(batch_of_noise())
    mask = np.random.default_rng(1).normal(size=heard.source_magnitudes.shape)
    target = np.asarray(heard.source_magnitudes) / np.asarray(heard.magnitude)[:, None]
    distance = np.abs(np.maximum(mask, 0) - np.clip(target, 0, 5)) ** power
    got = chain.losses(mask.astype(np.float32), heard)
    np.testing.assert_allclose(got, distance.mean((1, 2, 3)), rtol=1e-4)


def test_argmax_gives_each_bin_to_one_source():
    chain = dataclasses.replace(LINEAR, target=MaskTarget.ARGMAX)
    heard = chain.hear(batch_of_noise(num_sources=4))
    target = chain.separate_ideally(heard)["target_mask"]
    np.testing.assert_array_equal(target.sum(1), 1.0)


@pytest.mark.parametrize("num_channels", [1, 2])
def test_a_mask_of_ones_returns_the_mixture(num_channels):
    heard = CHAIN.hear(batch_of_noise(num_channels=num_channels))
    outputs = CHAIN.separate(jnp.full((3, 2, 16, 16), 50.0), heard)
    mixture = np.asarray(outputs["mixture"])
    assert outputs["estimates"].shape == (3, 2, num_channels, 240)
    for source in range(2):
        np.testing.assert_allclose(outputs["estimates"][:, source], mixture, atol=1e-5)


def test_logits_of_the_target_give_the_ideal_separation():
    heard = LINEAR.hear(batch_of_noise())
    ideal = LINEAR.separate_ideally(heard)
    outputs = LINEAR.separate(100.0 * (ideal["target_mask"] - 0.5), heard)
    np.testing.assert_allclose(outputs["estimates"], ideal["estimates"], atol=1e-6)


def test_consistent_estimates_add_up_to_the_mixture():
    chain = dataclasses.replace(CHAIN, threshold=None, mixture_consistency=True)
    heard = chain.hear(batch_of_noise(num_channels=2))
    logits = np.random.default_rng(1).normal(size=(3, 2, 16, 16)).astype(np.float32)
    outputs = chain.separate(logits, heard)
    np.testing.assert_allclose(
        outputs["estimates"].sum(1), outputs["mixture"], atol=1e-5
    )


def test_a_mask_of_rows_is_spread_over_the_bins():
    chain = dataclasses.replace(CHAIN, threshold=None)
    outputs = chain.separate(
        jnp.full((3, 2, 16, 16), 0.0), chain.hear(batch_of_noise())
    )
    assert outputs["mask"].shape == (3, 2, 32, 16)
    np.testing.assert_allclose(outputs["mask"], 0.5, atol=1e-6)
