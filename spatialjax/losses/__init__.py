"""Losses: pure functions on arrays, one value for each leading entry."""

from spatialjax.losses.masks import LossWeight, loss_weight, mask_bce, mask_l1, mask_l2
from spatialjax.losses.spatial_channels import masked_mean_shares, masked_sums
from spatialjax.losses.spatial_emd import sinkhorn_emd_hat
from spatialjax.losses.spatial_field import energy_map_loss, intensity_loss
from spatialjax.losses.spatial_looks import look_cross_entropy
from spatialjax.losses.spatial_stft import (
    multi_resolution_stft_loss,
    stft_compat_loss,
    stft_compat_weights,
    stft_native_loss,
    stft_native_weights,
)

__all__ = [
    "LossWeight",
    "energy_map_loss",
    "intensity_loss",
    "look_cross_entropy",
    "loss_weight",
    "mask_bce",
    "mask_l1",
    "mask_l2",
    "masked_mean_shares",
    "masked_sums",
    "multi_resolution_stft_loss",
    "sinkhorn_emd_hat",
    "stft_compat_loss",
    "stft_compat_weights",
    "stft_native_loss",
    "stft_native_weights",
]
