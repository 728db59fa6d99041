"""Scores of estimated sound fields: the published ones, and ours.

All compare the channels above W over the same stretch of samples; the true W stands in
front where a direction is asked for. A channel that was not recorded does not count.
"""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics import (
    DecoderKind,
    DecoderScale,
    covariance,
    energy_map,
    fibonacci_grid,
    order_of,
    plane_wave_decoder,
)
from spatialjax.losses import stft_compat_loss
from spatialjax.metrics import (
    Weighted,
    diffuseness_error,
    direction_error_rad,
    directional_emd,
    energy_emd,
    envelope_distance,
    log_spectral_distance_db,
    lsd_compat,
    map_auc,
    map_correlation,
    mean_square_error,
    mel_lsd_compat,
    snr_compat_db,
)
from spatialjax.tasks.base import Scores
from spatialjax.typing import Array, Batch, PyTree

WINDOW_S = 0.025
"""Of the published spectral distances."""

NEAR_DEG = 20.0
"""A direction this near counts as found."""

MAP_POINTS = 500
"""Directions of the energy maps that are compared."""

LEAST_MEL_RATE_HZ = 24000
"""The mel bands go up to 12 kHz."""


def measure_field(outputs: dict[str, Array], rate_hz: float) -> dict[str, Scores]:
    """Scores ``[b]`` of the device; those that begin with ``mono`` are of W alone.

    Args:
      outputs: ``mono`` ``[b, t]``; ``estimates``, ``targets`` ``[b, c, t]`` above it;
        ``channel_mask`` ``[b, c]``; ``valid`` ``[b]``.
      rate_hz: of the samples.
    """
    estimates, targets = outputs["estimates"], outputs["targets"]
    mask = outputs["channel_mask"]
    per_channel = _published(estimates, targets, rate_hz)
    nothing = jnp.zeros_like(targets)
    for name, value in _published(nothing, targets, rate_hz).items():
        if name in ("stft", "env"):
            per_channel[f"mono_{name}"] = value
    recorded = mask.sum(-1)
    found = {
        name: Weighted((value * mask).sum(-1) / jnp.maximum(recorded, 1), recorded > 0)
        for name, value in per_channel.items()
    }
    found |= _directional(_whole(outputs, estimates), _whole(outputs, targets))
    valid = outputs["valid"].astype(jnp.float32)
    return {name: Scores(v, valid * w) for name, (v, w) in found.items()}


def stft_window(rate_hz: float) -> int:
    """Samples of a window of the published STFT distance: the next power of two."""
    return int(2 ** math.ceil(math.log2(WINDOW_S * rate_hz)))


def fewest_compared(rate_hz: float) -> int:
    """Samples that every score can be taken of."""
    return max(stft_window(rate_hz) + 1, 2 * _short_window(rate_hz))


def _short_window(rate_hz: float) -> int:
    """Samples of the windows of the log-spectral distance."""
    return int(WINDOW_S * rate_hz)


def score_field(outputs: PyTree, batch: Batch) -> dict[str, Scores]:
    """Earth mover's distances ``[b]`` in float64 on the host."""
    arrays = {name: np.asarray(outputs[name]) for name in WANTED}
    valid = np.asarray(batch["valid"])
    scores = {
        name: Scores(np.zeros(len(valid)), valid.astype(np.float64))
        for name in ("emd", "emd_normalised", "mono_emd", "energy_emd_rad")
    }
    if not valid.any():
        return scores
    kept = {name: array[valid] for name, array in arrays.items()}
    target = _whole(kept, kept["targets"])
    estimate = _whole(kept, kept["estimates"])
    silent = _whole(kept, np.zeros_like(kept["targets"]))
    own = directional_emd(estimate, target)
    moved = energy_emd(estimate, target)
    scores["emd"].value[valid] = own.plain
    scores["emd_normalised"].value[valid] = own.normalised
    scores["mono_emd"].value[valid] = directional_emd(silent, target).plain
    scores["energy_emd_rad"].value[valid] = moved.value
    scores["energy_emd_rad"].weight[valid] *= moved.weight
    return scores


WANTED = ("mono", "estimates", "targets", "channel_mask")
"""What the host needs of the outputs."""


def _whole(outputs: dict[str, Any], above: Any) -> Any:
    """Fields ``[b, c, t]`` of W and channels above it, without those not recorded."""
    recorded = above * outputs["channel_mask"][..., None]
    xp = recorded.__array_namespace__()
    return xp.concatenate([outputs["mono"][:, None], recorded], axis=1)


def _published(estimates: Array, targets: Array, rate_hz: float) -> dict[str, Array]:
    """Distances ``[b, c]`` of each channel."""
    n_fft = _short_window(rate_hz)
    found = {
        "stft": stft_compat_loss(estimates, targets, stft_window(rate_hz)),
        "mse": mean_square_error(estimates, targets),
        "env": envelope_distance(estimates, targets),
        "lsd": lsd_compat(estimates, targets, n_fft),
        "lsd_db": log_spectral_distance_db(estimates, targets),
        "snr_db": snr_compat_db(estimates, targets),
    }
    if rate_hz >= LEAST_MEL_RATE_HZ:
        found["mel_lsd"] = mel_lsd_compat(estimates, targets, rate_hz)
    return found


def _directional(estimate: Array, target: Array) -> dict[str, Weighted]:
    """Where sound comes from, in fields ``[b, c, t]``."""
    angle_rad, counts = direction_error_rad(estimate, target)
    angle_deg = jnp.degrees(angle_rad)
    grid = fibonacci_grid(MAP_POINTS)
    area = jnp.asarray(grid.weight, jnp.float32)
    decoder = plane_wave_decoder(
        grid.direction,
        order_of(target.shape[1]),
        DecoderKind.MAX_RE,
        DecoderScale.AMPLITUDE,
    )
    own, true = (energy_map(covariance(field), decoder) for field in (estimate, target))
    return {
        "direction_deg": Weighted(angle_deg, counts),
        "within_20_deg": Weighted((angle_deg < NEAR_DEG).astype(jnp.float32), counts),
        "diffuseness_error": diffuseness_error(estimate, target),
        "map_correlation": map_correlation(own, true, area),
        "map_auc": map_auc(own, true, area),
    }
