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
        ("NVIDIA H100 NVL", "bfloat16", 835, 3.9),
        ("NVIDIA A100-SXM4-40GB", "float32", 156, 1.56),
        ("NVIDIA L4", "bfloat16", 121, 0.3),
        ("NVIDIA L40S", "bfloat16", 362, 0.86),
    ],
)
def test_a_known_device(kind, dtype, tflops, tbytes):
    peak = known_peak(kind, dtype)
    assert peak.flops_per_s == pytest.approx(tflops * 1e12)
    assert peak.bytes_per_s == pytest.approx(tbytes * 1e12)
    assert not peak.is_measured


@pytest.mark.parametrize("kind", ["cpu", "TPU v55", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"])
def test_an_unknown_device(kind):
    assert known_peak(kind, "float32") is None


def test_what_is_unknown_is_measured(small_peaks):
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
