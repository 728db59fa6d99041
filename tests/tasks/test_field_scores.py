"""Scores of sound fields, against NumPy and SciPy in float64."""

import jax
import numpy as np
import pytest
import scipy.signal

from spatialjax.metrics import directional_emd, energy_emd
from spatialjax.tasks.field_scores import measure_field, score_field, stft_window
from tests.tasks.spatial_audio_toy import jit, plane_wave

RATE_HZ = 16000
NUM_SAMPLES = 800


def random_outputs(rows=3, order=1):
    """Fields with a direction, all of whose channels have noise of their own."""
    rng = np.random.default_rng(0)
    above = (order + 1) ** 2 - 1
    shape = (rows, above, NUM_SAMPLES)
    mono = 0.2 * rng.normal(size=(rows, 1, NUM_SAMPLES))
    return {
        "mono": np.float32(mono[:, 0]),
        "estimates": np.float32(0.1 * rng.normal(size=shape)),
        "targets": np.float32(0.4 * mono + 0.1 * rng.normal(size=shape)),
        "channel_mask": np.ones((rows, above), np.float32),
        "valid": np.ones(rows, bool),
    }


def measure(outputs, rate_hz=RATE_HZ):
    return jit(measure_field, static_argnums=1)(outputs, rate_hz)


def plain_distances(estimate, target):
    """The published distances of signals [c, t], averaged over channels."""
    estimate, target = (np.asarray(a, np.float64) for a in (estimate, target))
    hann = scipy.signal.get_window("hann", 512)
    errors = [
        np.abs(np.fft.fft(hann * (target - estimate)[:, start : start + 512])) ** 2
        for start in (0, 256)
    ]
    envelopes = [np.abs(scipy.signal.hilbert(a)) for a in (estimate, target)]
    squares = ((target - estimate) ** 2).sum(-1)
    return {
        "stft": np.mean(errors),
        "mse": squares.mean() / NUM_SAMPLES,
        "env": np.sqrt(((envelopes[0] - envelopes[1]) ** 2).mean(-1)).mean(),
        "snr_db": 10 * np.log10(((target**2).sum(-1) + 0.1) / (squares + 0.1)).mean(),
    }


def test_the_published_distances_are_means_over_channels():
    outputs = random_outputs()
    scores = measure(outputs)
    for row in range(3):
        targets = outputs["targets"][row]
        expected = plain_distances(outputs["estimates"][row], targets)
        for name, value in expected.items():
            assert scores[name].value[row] == pytest.approx(value, rel=1e-4), name
        of_mono = plain_distances(0 * targets, targets)
        for name in ("stft", "env"):
            found = scores[f"mono_{name}"].value[row]
            assert found == pytest.approx(of_mono[name], rel=1e-4)
    for score in scores.values():
        np.testing.assert_array_equal(score.weight, 1)


def test_a_channel_that_was_not_recorded_does_not_count():
    outputs = random_outputs()
    outputs["channel_mask"][1, 1] = outputs["channel_mask"][2] = 0
    scores = measure(outputs)
    kept = [0, 2]
    own, true = (outputs[n][1, kept] for n in ("estimates", "targets"))
    for name, value in plain_distances(own, true).items():
        assert scores[name].value[1] == pytest.approx(value, rel=1e-4), name
        assert scores[name].weight[2] == 0
    other = {**outputs, "estimates": outputs["estimates"].copy()}
    other["estimates"][1, 1] = 7
    other["targets"] = outputs["targets"].copy()
    other["targets"][1, 1] = -5
    for name, score in measure(other).items():
        np.testing.assert_allclose(score.value[1], scores[name].value[1], rtol=1e-5)
        assert np.isfinite(score.value).all()


def test_rows_that_fill_up_a_batch_weigh_nothing():
    outputs = random_outputs()
    outputs["valid"][1] = False
    for score in measure(outputs).values():
        np.testing.assert_array_equal(score.weight, [1, 0, 1])


def of_wave(azimuth_rad, rows=2):
    """Outputs whose targets are plane waves, and the estimates alike."""
    rng = np.random.default_rng(1)
    mono = 0.2 * rng.normal(size=(rows, NUM_SAMPLES))
    field = np.float32([plane_wave(signal, azimuth_rad, 0.3) for signal in mono])
    return random_outputs(rows) | {
        "mono": field[:, 0],
        "targets": field[:, 1:],
        "estimates": field[:, 1:].copy(),
    }


def test_a_perfect_estimate_has_no_errors():
    outputs = of_wave(2.0)
    scores = measure(outputs) | score_field(outputs, {"valid": outputs["valid"]})
    perfect = {
        "within_20_deg": 1,
        "map_correlation": 1,
        "map_auc": 1,
        "snr_db": 10 * np.log10((outputs["targets"] ** 2).sum(-1) / 0.1 + 1).mean(-1),
    }
    mono = {"mono_stft", "mono_env", "mono_emd"}
    for name, score in scores.items():
        np.testing.assert_array_equal(score.weight, 1)
        if name in mono:
            assert (np.asarray(score.value) > 0.01).all()
        else:
            expected = perfect.get(name, 0)
            np.testing.assert_allclose(score.value, expected, atol=2e-2)
    for name in ("stft", "mse", "env", "lsd", "lsd_db", "diffuseness_error", "emd"):
        np.testing.assert_allclose(scores[name].value, 0, atol=1e-5)


def test_directions_are_told_apart():
    outputs = of_wave(0.0) | {"estimates": of_wave(np.deg2rad(30))["targets"]}
    outputs["estimates"][1] = of_wave(0.1)["targets"][1]
    scores = measure(outputs)
    flat, up = np.cos(0.3) ** 2, np.sin(0.3) ** 2
    expected = np.rad2deg(np.arccos(flat * np.cos([np.deg2rad(30), 0.1]) + up))
    np.testing.assert_allclose(scores["direction_deg"].value, expected, atol=0.01)
    np.testing.assert_array_equal(scores["within_20_deg"].value, [0, 1])


def test_distances_on_the_host_are_those_of_whole_fields():
    outputs = random_outputs()
    outputs["channel_mask"][0, 1] = 0
    valid = np.array([True, False, True])
    scores = score_field(outputs, {"valid": valid})
    for row in (0, 2):
        mask = outputs["channel_mask"][row][:, None]
        own, true, none = (
            np.concatenate([outputs["mono"][row][None], mask * above])[None]
            for above in (
                outputs["estimates"][row],
                outputs["targets"][row],
                0 * outputs["targets"][row],
            )
        )
        plain, normalised = directional_emd(own, true)
        assert scores["emd"].value[row] == pytest.approx(plain[0])
        assert scores["emd_normalised"].value[row] == pytest.approx(normalised[0])
        mono = directional_emd(none, true).plain[0]
        assert scores["mono_emd"].value[row] == pytest.approx(mono)
        moved = energy_emd(own, true).value[0]
        assert scores["energy_emd_rad"].value[row] == pytest.approx(moved)
    for score in scores.values():
        np.testing.assert_array_equal(score.weight, valid)
        assert score.value.dtype == np.float64


def test_a_batch_of_padding_has_no_scores():
    outputs = random_outputs()
    for score in score_field(outputs, {"valid": np.zeros(3, bool)}).values():
        assert not score.weight.any()
        assert np.isfinite(score.value).all()


def test_silence_is_finite():
    outputs = {n: np.zeros_like(a) for n, a in random_outputs().items()}
    outputs["channel_mask"][:] = outputs["valid"][:] = 1
    scores = measure(outputs) | score_field(outputs, {"valid": outputs["valid"]})
    for score in scores.values():
        assert np.isfinite(score.value).all()
    assert not scores["direction_deg"].weight.any()


def shapes(outputs, rate_hz=RATE_HZ):
    return jax.eval_shape(lambda o: measure_field(o, rate_hz), outputs)


def test_fields_of_higher_order():
    outputs = random_outputs(2, order=2)
    host = score_field(outputs, {"valid": outputs["valid"]})
    for score in (shapes(outputs) | host).values():
        assert score.value.shape == score.weight.shape == (2,)
    assert (host["emd"].value > 0).all()


def test_mel_bands_need_their_rate():
    outputs = random_outputs()
    for name in ("mono", "estimates", "targets"):
        outputs[name] = np.tile(outputs[name], 3)
    assert "mel_lsd" in shapes(outputs, 24000)
    assert "mel_lsd" not in shapes(outputs, RATE_HZ)


@pytest.mark.parametrize(
    ("rate_hz", "expected"), [(48000, 2048), (44100, 2048), (16000, 512), (40960, 1024)]
)
def test_the_window_of_25_ms(rate_hz, expected):
    assert stft_window(rate_hz) == expected
