"""Losses: pure functions on arrays, one value for each leading entry."""

from spatialjax.losses.masks import (
    LossWeight,
    loss_weight,
    mask_bce,
    mask_l1,
    mask_l2,
)

__all__ = ["LossWeight", "loss_weight", "mask_bce", "mask_l1", "mask_l2"]
