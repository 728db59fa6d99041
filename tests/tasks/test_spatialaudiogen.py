"""spatialaudiogen as published: its sound, its loss, its defects, its sizes."""

import jax
import numpy as np
import pytest

from configs import ambix_rec_street, ambix_yt_all
from spatialjax.models.spatialaudiogen_chain import (
    CHUNK_ROWS,
    render_window,
    window_magnitude,
)
from spatialjax.nn import Mode
from spatialjax.tasks import FieldCompat
from spatialjax.tasks.base import check_batch
from spatialjax.training.optimizer import make_schedule
from tests.tasks.spatial_audio_toy import (
    KEY,
    OF_COMPAT,
    build,
    gradient_function,
    is_finite,
    jit,
    measure,
    predict,
    scenes,
    train,
    without_z,
)

CHUNK = slice(24_000, 28_800)


@pytest.fixture(scope="module")
def toy():
    """The task, its variables and a batch."""
    task, variables = build(**OF_COMPAT, has_flow=True)
    return task, variables, scenes(task)


def stft_errors(estimates, targets):
    """Published distances [b, c]: complex spectra of three windows, in float64."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    difference = np.float64(targets) - np.float64(estimates)
    errors = [
        (np.abs(np.fft.fft(hann * difference[..., start : start + 2048])) ** 2).mean(-1)
        for start in (0, 2048, 1024)
    ]
    return np.mean(errors, 0)


def test_a_batch_agrees_with_its_specification(toy):
    task, _, batch = toy
    assert check_batch(task.batch_spec, batch) == 4
    assert "image_time_s" not in batch


def test_the_sound_is_that_of_the_published_chain(toy):
    task, variables, batch = toy
    mono = np.float32(batch["audio"][:, 0, 0, :-1] / 32768)
    images = np.float32(batch["images"][:, 0] / 255 - 0.5)
    flow = np.float32(batch["flow"][:, 0])
    flow = np.concatenate([flow, np.linalg.norm(flow, axis=-1, keepdims=True)], -1)

    @jit
    def chain(variables):
        tracks, _ = task.model.apply(
            *variables, window_magnitude(mono), images, flow, CHUNK_ROWS, Mode(True)
        )
        return render_window(mono, tracks)

    expected = chain(variables)
    assert np.abs(expected).max() > 1e-5
    outputs = predict(task, variables, batch)
    np.testing.assert_allclose(outputs["estimates"], expected, atol=1e-7)
    true = batch["audio"][:, 0, :, CHUNK] / 32768
    np.testing.assert_allclose(outputs["mono"], true[:, 0], atol=1e-7)
    np.testing.assert_allclose(outputs["targets"], true[:, 1:], atol=1e-7)
    shown = {name: batch[name][:, 0] for name in ("images", "flow")}
    is_filler = np.zeros(len(mono), bool)
    chunks = jit(task.spatialize_chunks)(variables, mono, shown, is_filler)
    np.testing.assert_allclose(chunks, expected, atol=1e-7)


def test_the_loss_is_the_published_one(toy):
    task, variables, batch = toy
    batch = without_z(batch, [0, 2])
    batch["valid"][3] = False
    outputs = predict(task, variables, batch)
    errors = stft_errors(outputs["estimates"], outputs["targets"])
    np.testing.assert_allclose(
        outputs["loss"],
        100 * (errors * batch["channel_mask"][:, 0, 1:]).mean(-1),
        rtol=1e-4,
    )
    mask = np.float64([[1, 0, 1], [1, 1, 1], [1, 0, 1], [0, 0, 0]])
    of_channels = 100 * (mask * errors).sum(0) / mask.sum(0)
    (loss, _), _ = gradient_function(task)(*variables, batch, KEY)
    assert loss == pytest.approx(of_channels.mean(), rel=1e-4)


def test_a_channel_that_nobody_recorded_costs_nothing(toy):
    task, variables, batch = toy
    batch = without_z(batch, slice(None))
    (loss, _), gradient = gradient_function(task)(*variables, batch, KEY)
    assert is_finite(gradient)
    outputs = predict(task, variables, batch)
    errors = stft_errors(outputs["estimates"], outputs["targets"])
    assert loss == pytest.approx(100 * errors[:, [0, 2]].mean(0).sum() / 3, rel=1e-4)
    scores = measure(task, outputs, batch)
    assert is_finite(scores)
    np.testing.assert_allclose(
        scores["stft"].value, errors[:, [0, 2]].mean(-1), rtol=1e-4
    )


def test_the_end_of_a_chunk_has_no_say(toy):
    task, variables, batch = toy
    other = {**batch, "audio": batch["audio"].copy()}
    other["audio"][:, 0, 1:, CHUNK][..., 4096:] = 9000
    step = gradient_function(task)
    (expected, _), _ = step(*variables, batch, KEY)
    assert step(*variables, other, KEY)[0][0] == pytest.approx(float(expected))
    other["audio"][:, 0, 1:, CHUNK][..., :4096] = 9000
    assert step(*variables, other, KEY)[0][0] > 1.01 * expected


def test_evaluation_depends_on_the_batch(toy):
    """The defect Q1: pictures are normalised by the statistics of their batch."""
    task, variables, batch = toy
    other = {name: array.copy() for name, array in batch.items()}
    other["images"][1:] //= 3
    own, changed = (predict(task, variables, b)["estimates"] for b in (batch, other))
    assert np.abs(own[0] - changed[0]).max() > 1e-3 * np.abs(own[0]).max()
    other = {**batch, "audio": batch["audio"].copy()}
    other["audio"][1:] //= 3
    changed = predict(task, variables, other)["estimates"]
    np.testing.assert_allclose(changed[0], own[0], atol=1e-8)


def test_fillers_are_seen_as_plain_grey(toy):
    """Whatever their pictures are: the published code appends zeros to centred ones."""
    task, variables, batch = toy
    mono = np.float32(batch["audio"][:, 0, 0, :52_799] / 32768)
    shown = {name: batch[name][:, 0] for name in ("images", "flow")}
    is_filler = np.arange(len(mono)) > 0

    @jit
    def expected(variables):
        images = shown["images"] / np.float32(255) - np.float32(0.5)
        flow = np.float32(shown["flow"])
        flow = np.concatenate([flow, np.linalg.norm(flow, axis=-1, keepdims=True)], -1)
        images[is_filler] = flow[is_filler] = 0
        inputs = window_magnitude(mono), images, flow, CHUNK_ROWS, Mode(train=True)
        return render_window(mono, task.model.apply(*variables, *inputs)[0])

    found = jit(task.spatialize_chunks)(variables, mono, shown, is_filler)
    np.testing.assert_allclose(found, expected(variables), atol=1e-7)
    others = jit(task.spatialize_chunks)(variables, mono, shown, ~is_filler)
    assert np.abs(found[1] - others[1]).max() > 1e-3 * np.abs(found[1]).max()


def test_it_learns_also_from_silence(toy):
    task, variables, batch = toy
    batch = {name: array.copy() for name, array in batch.items()}
    batch["audio"][1] = 0
    losses, state = train(task, variables, batch, 3e-3)
    assert losses[-1] < 0.97 * losses[0]
    assert not np.array_equal(*(jax.tree.leaves(s)[0] for s in (state, variables[1])))


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_it_lowers_for_accelerators(toy, platform):
    task, variables, batch = toy
    traced = gradient_function(task).trace(*variables, batch, KEY)
    assert "convolution" in traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize(
    ("config", "dataset", "silence_rms"),
    [
        (ambix_yt_all.get_config(), "ambix_video/yt_all_1", 0.2),
        (ambix_rec_street.get_config(), "ambix_video/rec_street_1", 0.01),
    ],
)
def test_the_published_settings(config, dataset, silence_rms):
    assert (config.data.dataset, config.data.silence_rms) == (dataset, silence_rms)
    assert (config.data.batch_size, config.training.num_steps) == (32, 150_000)
    schedule = make_schedule(config.optimizer.schedule, config.training.num_steps)
    factors = [float(schedule(s)) for s in (0, 249_999, 250_000, 499_999, 500_000)]
    assert factors == [1, 1, 0.5, 0.5, 0.25]
    native = config.task.build()
    config.task.compat = FieldCompat.SPATIALAUDIOGEN
    config.task.validate()
    compat = config.task.build()
    sizes = [
        sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(task.init, KEY)))
        for task in (native, compat)
    ]
    assert sizes == [49_005_763] * 2
    assert native.turns
    assert compat.turns
    assert not native.mirrors
    assert compat.batch_spec["audio"].shape == (1, 4, 52_800)
    assert compat.batch_spec["flow"].shape == (1, 1, 224, 448, 2)
