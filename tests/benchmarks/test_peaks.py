"""Which data sheet belongs to which device."""

import types

import jax
import pytest

from spatialjax.benchmarks.peaks import device_peak, known_peak, measure_peak


@pytest.mark.parametrize(
    ("kind", "dtype", "tflops", "tbytes"),
    [
        ("TPU v5 lite", "bfloat16", 197, 0.82),
        ("TPU v5", "bfloat16", 459, 2.77),
        ("TPU v5p", "float32", 459, 2.77),
        ("TPU v6 lite", "bfloat16", 918, 1.64),
        ("NVIDIA H100 80GB HBM3", "bfloat16", 989, 3.35),
        ("NVIDIA H100 PCIe", "bfloat16", 756, 2.0),
        ("NVIDIA A100-SXM4-40GB", "float32", 156, 1.56),
    ],
)
def test_a_known_device(kind, dtype, tflops, tbytes):
    peak = known_peak(kind, dtype)
    assert peak.flops_per_s == pytest.approx(tflops * 1e12)
    assert peak.bytes_per_s == pytest.approx(tbytes * 1e12)
    assert not peak.is_measured


def test_an_unknown_device_is_measured(small_peaks):
    assert known_peak("cpu", "float32") is None
    for dtype in ("float32", "bfloat16"):
        peak = measure_peak(dtype)
        assert peak.is_measured
        assert min(peak[:2]) > 0


def test_devices_of_a_processor_share_it(monkeypatch):
    whole = types.SimpleNamespace(flops_per_s=80.0, bytes_per_s=16.0)
    monkeypatch.setattr("spatialjax.benchmarks.peaks.measure_peak", lambda _: whole)
    assert device_peak(jax.devices()[0], "float32") == (10.0, 2.0, True)
    card = types.SimpleNamespace(device_kind="other card", platform="gpu")
    assert device_peak(card, "float32")[:2] == (80.0, 16.0)
