import dataclasses

import jax
import numpy as np
import pytest

from spatialjax.ambisonics import angles_to_pixel
from spatialjax.losses import (
    energy_map_loss,
    intensity_loss,
    multi_resolution_stft_loss,
)
from spatialjax.nn import EVAL
from spatialjax.tasks import FieldLossConfig, Head
from spatialjax.tasks.base import check_batch
from spatialjax.tasks.field_chain import SILENCE
from spatialjax.tasks.field_nets import Perceived
from spatialjax.tasks.spatial_audio import FieldLossWeights
from tests.tasks.spatial_audio_toy import (
    KEY,
    OF_PUBLISHED_HEAD,
    build,
    gradient_function,
    is_finite,
    jit,
    measure,
    plane_wave,
    predict,
    scenes,
    to_pcm,
    train,
    without_z,
)

LEARNING = [
    {},
    {"has_flow": True, "order": 2, "compute_dtype": "bfloat16"},
    {"head": Head.AUDIO_ONLY},
    pytest.param({**OF_PUBLISHED_HEAD, "has_flow": True}, marks=pytest.mark.slow),
]
ALL_TERMS = {"loss": FieldLossConfig(1.0, 1.0, 1.0, 1.0, 1.0)}


def loss_of(task, variables, batch, key=KEY):
    return jit(task.loss, static_argnums=3)(variables, batch, key, None)


def constant(gains, **changes):
    return build(head=Head.CONSTANT, constant_gains=tuple(map(float, gains)), **changes)


def random_batch(task, rows=3):
    """Noise in all channels, of another level in each."""
    batch = scenes(task, rows)
    rng = np.random.default_rng(4)
    shape = batch["audio"].shape
    level = 2000 * np.arange(1, 1 + shape[2])[:, None]
    batch["audio"][:] = rng.normal(size=shape) * level
    return batch


@pytest.mark.parametrize("changes", LEARNING)
def test_every_head_learns(changes):
    task, variables = build(**changes)
    batch = scenes(task)
    if task.order > 1:
        batch["audio"][:, 0, 4:] = batch["audio"][:, 0, 1:2] // 2
    assert check_batch(task.batch_spec, batch) == 4
    losses, _ = train(task, variables, batch)
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.97 * losses[0]


@pytest.mark.parametrize("changes", [{}, {"num_images": 1}, {"head": Head.AUDIO_ONLY}])
def test_outputs_have_the_promised_shapes(changes):
    task, variables = build(**changes)
    batch = scenes(task, rows=3)
    outputs = jax.eval_shape(lambda b: task.predict(variables, b, KEY), batch)
    attention = outputs.pop("attention", None)
    assert {name: value.shape for name, value in outputs.items()} == {
        "loss": (3,),
        "mono": (3, 800),
        "estimates": (3, 3, 800),
        "targets": (3, 3, 800),
        "channel_mask": (3, 3),
        "valid": (3,),
    }
    if task.images is None:
        assert attention is None
    else:
        assert attention.shape == (3, 4, 8)


def plain_loss(task, batch, gains):
    """Relative squared errors [b], summed over recorded channels, in float64."""
    chain = task.chain
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(chain.n_fft) / chain.n_fft)
    starts = chain.hop * (chain.before + np.arange(chain.num_frames))
    signals = batch["audio"][:, 0] / 32768
    frames = signals[..., starts[:, None] + np.arange(chain.n_fft)]
    spectra = np.fft.rfft(hann * frames)
    energy = np.abs(spectra[:, 0]) ** 2
    floor = SILENCE**2 * energy[0].size * (hann**2).sum()
    errors = np.abs(spectra[:, 1:] - np.reshape(gains, (1, -1, 1, 1)) * spectra[:, :1])
    relative = (errors**2).sum((2, 3)) / (energy.sum((1, 2)) + floor)[:, None]
    return (relative * batch["channel_mask"][:, 0, 1:]).sum(-1)


@pytest.mark.parametrize("order", [1, 2])
def test_the_loss_equals_its_definition(order):
    gains = np.random.default_rng(0).normal(size=(order + 1) ** 2 - 1)
    task, variables = constant(gains, order=order)
    batch = without_z(random_batch(task), [1])
    batch["audio"][2] = 0
    batch["valid"][0] = False
    expected = plain_loss(task, batch, gains)
    found = predict(task, variables, batch)
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-4, atol=1e-6)
    total, aux = loss_of(task, variables, batch)
    assert aux.weight == 2
    np.testing.assert_allclose(total, expected[1:].sum(), rtol=1e-4)


def test_looks_are_compared_with_the_intensity_of_bins():
    """Of a plane wave that all bins look at; without Z nothing is known of it."""
    task, variables = build(loss=FieldLossConfig(0.0, looks=0.5), num_images=1)
    batch = without_z(scenes(task, rows=3), [1])
    batch["audio"][2] = 0
    found = predict(task, variables, batch)["loss"]
    assert found[1] == found[2] == 0
    signals = batch["audio"][0, 0] / 32768
    mean = (signals[0] * signals[1:4]).mean(-1)
    row, column = angles_to_pixel(np.arctan2(mean[0], mean[2]), 0.0, 4, 8)
    heard = task.chain.hear(batch["audio"][:, 0])
    shown = {"images": batch["images"][:, 0]}
    times_s = batch["image_time_s"][:, 0]
    perceived = Perceived(np.abs(heard.spectra[:, 0]), shown, times_s)
    field, _ = task.net(variables, perceived, EVAL)
    nats = -np.log(np.asarray(field.bins.share))[0]
    columns = np.array([np.floor(column), np.floor(column) + 1]).astype(int) % 8
    nats = nats[:, :, 1:3].mean(2)[..., columns] @ [1 - column % 1, column % 1]
    _, energy = task.chain.intensity(heard.spectra, 16)
    expected = float(0.5 * (nats * energy[0]).sum() / energy[0].sum())
    assert row == 1.5
    assert found[0] == pytest.approx(expected, rel=0.01)


def test_the_terms_of_the_loss_add_up():
    gains = (0.5, -0.2, 0.8)
    shares = FieldLossConfig(0.5, 2.0, 3.0, 4.0)
    task, variables = constant(gains, loss=shares)
    batch = without_z(random_batch(task), [1])
    found = predict(task, variables, batch)
    mask = found["channel_mask"]
    own, true = (
        np.concatenate([found["mono"][:, None], mask[..., None] * found[name]], 1)
        for name in ("estimates", "targets")
    )
    terms = multi_resolution_stft_loss, energy_map_loss, intensity_loss
    spectral, spread, flux = jit(lambda *both: [term(*both) for term in terms])(
        own, true
    )
    spectral = (spectral[:, 1:] * mask).sum(-1)
    expected = (
        0.5 * plain_loss(task, batch, gains) + 2 * spectral + 3 * spread + 4 * flux
    )
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-4)
    alone = dataclasses.replace(task, weights=FieldLossWeights(0.0, 2.0, 0.0, 0.0, 0.0))
    found = predict(alone, variables, batch)
    np.testing.assert_allclose(found["loss"], 2 * spectral, rtol=1e-4)


def test_known_gains_give_back_a_plane_wave():
    azimuth_rad, elevation_rad = 2.0, -0.4
    gains = plane_wave(np.ones(1), azimuth_rad, elevation_rad)[1:, 0]
    task, variables = constant(gains)
    batch = scenes(task, rows=2)
    num_samples = batch["audio"].shape[-1]
    mono = 0.2 * np.random.default_rng(0).normal(size=(2, num_samples))
    fields = [plane_wave(signal, azimuth_rad, elevation_rad) for signal in mono]
    batch["audio"][:, 0] = to_pcm(fields)
    outputs = predict(task, variables, batch)
    np.testing.assert_allclose(outputs["estimates"], outputs["targets"], atol=2 / 32768)
    scores = measure(task, outputs, batch)
    for name in ("loss", "stft", "mse", "env", "lsd", "diffuseness_error", "emd"):
        assert np.abs(scores[name].value).max() < 1e-3, name
    assert np.abs(scores["direction_deg"].value).max() < 0.1
    assert np.min(scores["mono_stft"].value) > 0.1


@pytest.mark.parametrize("changes", [{}, OF_PUBLISHED_HEAD])
def test_a_baseline_compares_the_samples_of_the_task(changes):
    task, variables = build(**changes)
    batch = scenes(task, rows=2)
    baseline = task.with_constant_gains((0.5, 0.0, -0.25))
    assert baseline.batch_spec == task.batch_spec
    found = predict(baseline, baseline.init(KEY), batch)
    expected = np.float32([[[0.5], [0], [-0.25]]]) * found["mono"][:, None]
    np.testing.assert_allclose(found["estimates"], expected, atol=1e-6)
    own = predict(task, variables, batch)
    np.testing.assert_array_equal(found["targets"], own["targets"])


def test_a_channel_that_nobody_recorded_changes_nothing():
    task, variables = build(**ALL_TERMS)
    step = gradient_function(task)
    batch = without_z(scenes(task), slice(None))
    noisy = {**batch, "audio": batch["audio"].copy()}
    z = noisy["audio"][:, 0, 2]
    z[:] = np.random.default_rng(0).integers(-9000, 9000, z.shape)
    (loss, _), gradient = step(*variables, batch, KEY)
    assert np.isfinite(loss)
    assert is_finite(gradient)
    (other, _), others = step(*variables, noisy, KEY)
    np.testing.assert_allclose(other, loss, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), gradient, others
    )


@pytest.mark.parametrize("rows", [[1], [0, 1, 2, 3]])
def test_silence_is_finite(rows):
    task, variables = build(**ALL_TERMS)
    batch = scenes(task)
    batch["audio"][rows] = 0
    assert is_finite(gradient_function(task)(*variables, batch, KEY))
    outputs = predict(task, variables, batch)
    assert is_finite(outputs)
    assert is_finite(measure(task, outputs, batch))


def test_padded_rows_do_not_train():
    task, variables = build(head=Head.CONSTANT)
    batch = random_batch(task)
    full, aux = loss_of(task, variables, batch)
    assert aux.weight == 3
    batch["valid"][1] = False
    loss, aux = loss_of(task, variables, batch)
    assert aux.weight == 2
    own = predict(task, variables, batch)["loss"][1]
    np.testing.assert_allclose(full - loss, own, rtol=1e-4)


@pytest.mark.parametrize("changes", [{}, OF_PUBLISHED_HEAD])
def test_evaluation_keeps_examples_apart(changes):
    task, variables = build(**changes)
    batch, others = scenes(task, rows=2), scenes(task, rows=2, seed=1)
    for name, array in others.items():
        array[1] = batch[name][1]
    expected = predict(task, variables, batch)
    for name, value in predict(task, variables, others).items():
        np.testing.assert_allclose(value[1], expected[name][1], atol=1e-6)


def test_training_scenes_turn_and_evaluated_ones_stay():
    gains = (0.0, 0.0, 1.0)  # all from the front
    task, variables = constant(gains, turns=True)
    batch = scenes(task)
    rng = np.random.default_rng(0)
    mono = 0.1 * rng.normal(size=batch["audio"].shape[-1])
    batch["audio"][:, 0] = to_pcm(plane_wave(mono, 0.0))
    assert np.max(predict(task, variables, batch)["loss"]) < 1e-4
    losses = [
        float(loss_of(task, variables, batch, jax.random.key(k))[0]) / 4
        for k in range(3)
    ]
    # Turned by an angle, the error is 2 - 2 cos, 2 on average.
    assert len(set(losses)) == 3
    assert min(losses) > 0.1
    still = dataclasses.replace(task, turns=False)
    assert loss_of(still, variables, batch)[0] < 1e-3


def test_spectra_of_a_stream_are_those_of_the_evaluation():
    for changes in ({}, OF_PUBLISHED_HEAD):
        task, variables = build(**changes)
        batch = scenes(task, rows=2)
        spectrum = task.chain.transform(np.float32(batch["audio"][:, 0, 0] / 32768))
        spec = task.field_spec
        assert spectrum.shape[-1] == spec.before + spec.num_frames + spec.after
        assert (spec.num_images, *spec.image_size) == task.images.shape[1:4]
        shown = {"images": batch["images"][:, 0]}
        times_s = batch["image_time_s"][:, 0]
        spectra = jit(task.spatialize)(variables, spectrum, shown, times_s)
        assert spectra.shape == (2, 3, spec.n_fft // 2 + 1, spec.num_frames)
        expected = predict(task, variables, batch)["estimates"]
        found = task.chain.signals(spectra)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
@pytest.mark.parametrize("changes", LEARNING)
def test_it_lowers_for_accelerators(changes, platform):
    task, variables = build(**changes)
    batch = scenes(task)
    traced = gradient_function(task).trace(*variables, batch, KEY)
    assert "convolution" in traced.lower(lowering_platforms=(platform,)).as_text()
