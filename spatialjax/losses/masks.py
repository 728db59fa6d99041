"""Distances between predicted and target masks, weighted bin by bin.

Every loss is the mean over bins and frames of weight times distance, one value for
each leading entry; it is not divided by the sum of the weights (Zhao et al., The Sound
of Pixels, 2018, published code). All compute in float32, whatever comes in.
"""

import enum
from collections.abc import Callable

import jax
import jax.numpy as jnp

from spatialjax.errors import ShapeError, check_shape
from spatialjax.typing import Array

WEIGHT_MIN = 1e-3
"""Smallest weight: a silent bin still counts a little."""
WEIGHT_MAX = 10.0
"""Largest weight."""
ROOT_FLOOR = 1e-2
"""Least mean root magnitude that SQRT divides by.

About that of the rounding noise of 16-bit audio: its magnitude under a Hann window of
1022 samples is 2^-15 / sqrt(12) · sqrt(3 / 8 · 1022) = 1.7e-4.
"""


class LossWeight(enum.StrEnum):
    """How much a bin counts, by the magnitude m of the mixture.

    NONE: 1. LOG1P: log(1 + m), the published choice. SQRT: sqrt(m) over its mean in the
    same spectrogram, hence 1 on average and independent of the recording level. LOG1P
    and SQRT are clipped to [`WEIGHT_MIN`, `WEIGHT_MAX`].
    """

    NONE = "none"
    LOG1P = "log1p"
    SQRT = "sqrt"


def loss_weight(mixture_magnitude: Array, kind: LossWeight) -> Array:
    """Weights of the shape [..., f, k] of the magnitudes, float32, without gradient."""
    check_shape("mixture_magnitude", mixture_magnitude, "... f k")
    mixture = jax.lax.stop_gradient(mixture_magnitude).astype(jnp.float32)
    if kind == LossWeight.NONE:
        return jnp.ones_like(mixture)
    if kind == LossWeight.LOG1P:
        weight = jnp.log1p(mixture)
    else:
        root = jnp.sqrt(mixture)
        mean = root.mean((-2, -1), keepdims=True)
        weight = root / jnp.maximum(mean, ROOT_FLOOR)
    return jnp.clip(weight, WEIGHT_MIN, WEIGHT_MAX)


def mask_bce(logits: Array, target_mask: Array, weight: Array | None = None) -> Array:
    """Binary cross-entropies [...], nats, of masks given as logits.

    Equal to the form that clamps each logarithm at -100 while |logit| < 100; beyond, it
    grows on and so keeps its gradient.

    Args:
      logits: [..., f, k]; the mask is their sigmoid.
      target_mask: [..., f, k], in [0, 1].
      weight: [..., f, k] or of size 1 where it is shared; 1 where None.

    Raises:
      ShapeError: the shapes do not belong together.
    """
    return _weighted_mean(_cross_entropy, "logits", logits, target_mask, weight)


def mask_l1(mask: Array, target_mask: Array, weight: Array | None = None) -> Array:
    """Absolute differences [...] of masks [..., f, k]; weights as in `mask_bce`.

    Raises:
      ShapeError: the shapes do not belong together.
    """
    return _weighted_mean(_absolute_error, "mask", mask, target_mask, weight)


def mask_l2(mask: Array, target_mask: Array, weight: Array | None = None) -> Array:
    """Squared differences [...] of masks [..., f, k]; weights as in `mask_bce`.

    Raises:
      ShapeError: the shapes do not belong together.
    """
    return _weighted_mean(_squared_error, "mask", mask, target_mask, weight)


def _cross_entropy(logits: Array, target: Array) -> Array:
    return target * jax.nn.softplus(-logits) + (1 - target) * jax.nn.softplus(logits)


def _absolute_error(mask: Array, target: Array) -> Array:
    return jnp.abs(mask - target)


def _squared_error(mask: Array, target: Array) -> Array:
    return jnp.square(mask - target)


def _weighted_mean(
    distance: Callable[[Array, Array], Array],
    name: str,
    predicted: Array,
    target: Array,
    weight: Array | None,
) -> Array:
    check_shape(name, predicted, "... f k")
    if predicted.shape != target.shape:
        raise ShapeError(
            f"{name} has shape {list(predicted.shape)}, the target mask "
            f"{list(target.shape)}; give both the same shape"
        )
    error = distance(predicted.astype(jnp.float32), target.astype(jnp.float32))
    if weight is not None:
        _check_weight(weight.shape, target.shape)
        error = error * weight.astype(jnp.float32)
    return error.mean((-2, -1))


def _check_weight(given: tuple[int, ...], target: tuple[int, ...]) -> None:
    fits = len(given) == len(target) and all(
        size in (1, expected) for size, expected in zip(given, target, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"the weight has shape {list(given)}, the target mask {list(target)}; give "
            "the weight the same axes, of size 1 where it is shared"
        )
