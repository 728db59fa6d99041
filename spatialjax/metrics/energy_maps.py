"""How alike two maps of the sphere are: their correlation, and the area under the ROC.

Both come from the prediction of where people look (Judd, Ehinger, Durand and Torralba,
Learning to predict where humans look, 2009) and serve ViSAGe (Kim, Yun and Kim, 2025)
for maps of the root mean square that each direction sends. Here each point counts by
the area it stands for; on an equirectangular grid without areas the poles would count
most.
"""

import jax.numpy as jnp

from spatialjax.errors import check_shape
from spatialjax.metrics.weighted import Weighted
from spatialjax.typing import Array

FLAT = 1e-5
"""Standard deviation over mean under which a map shows no direction."""


def map_correlation(estimate_map: Array, target_map: Array, area: Array) -> Weighted:
    """Pearson correlations [...] of maps [..., q] over points of an area [q].

    A flat estimate has correlation 0. Weight 0 where the target is flat.

    Raises:
      ShapeError: the shapes do not fit.
    """
    estimate_map, target_map, share = _checked(estimate_map, target_map, area)
    own, own_deviation = _standardise(estimate_map, share)
    true, true_deviation = _standardise(target_map, share)
    value = (own * true * share).sum(-1)
    is_shaped = (own_deviation > 0) & (true_deviation > 0)
    weight = (true_deviation > 0).astype(jnp.float32)
    return Weighted(jnp.where(is_shaped, value, 0.0), weight)


def map_auc(estimate_map: Array, target_map: Array, area: Array) -> Weighted:
    """Areas [...] under the ROC curve of maps [..., q] over points of an area [q].

    What is to be found are the points where the target is within one standard deviation
    of its largest value, as in ViSAGe. The value is the chance that the estimate is
    larger at a point to be found than at another, ties half; Judd's thresholds, the
    values at the points to be found, give the same up to one over their number. A flat
    estimate has 1/2. Weight 0 where the target is flat.

    Raises:
      ShapeError: the shapes do not fit.
    """
    estimate_map, target_map, share = _checked(estimate_map, target_map, area)
    score, _ = _standardise(estimate_map, share)
    _, deviation = _standardise(target_map, share)
    wanted = target_map > target_map.max(-1, keepdims=True) - deviation[..., None]
    positive = jnp.where(wanted, share, 0.0)
    negative = jnp.where(wanted, 0.0, share)
    below = jnp.vectorize(_mass_below, signature="(q),(q)->(q)")(score, negative)
    total = positive.sum(-1) * negative.sum(-1)
    is_shaped = (deviation > 0) & (total > 0)
    value = (positive * below).sum(-1) / jnp.where(is_shaped, total, 1.0)
    return Weighted(jnp.where(is_shaped, value, 0.5), is_shaped.astype(jnp.float32))


def _mass_below(score: Array, mass: Array) -> Array:
    """Mass [q] of the points with a smaller score [q], and half that of equal ones."""
    order = jnp.argsort(score)
    ranked = score[order]
    cumulated = jnp.concatenate([jnp.zeros(1), jnp.cumsum(mass[order])])
    ends = [jnp.searchsorted(ranked, score, side=side) for side in ("left", "right")]
    return (cumulated[ends[0]] + cumulated[ends[1]]) / 2


def _standardise(values: Array, share: Array) -> tuple[Array, Array]:
    """Maps [..., q] of mean 0 and deviation 1, and their deviation [...].

    The deviation of a flat map is 0, and so is all of it.
    """
    mean = (values * share).sum(-1, keepdims=True)
    centred = values - mean
    deviation = jnp.sqrt((jnp.square(centred) * share).sum(-1, keepdims=True))
    deviation = jnp.where(deviation > FLAT * jnp.abs(mean), deviation, 0.0)
    scaled = centred / jnp.where(deviation > 0, deviation, 1.0)
    return jnp.where(deviation > 0, scaled, 0.0), deviation[..., 0]


def _checked(
    estimate_map: Array, target_map: Array, area: Array
) -> tuple[Array, Array, Array]:
    """Both maps, float32, and the areas as shares of their rank."""
    num_points = check_shape("estimate_map", estimate_map, "... q")["q"]
    check_shape("target_map", target_map, " ".join(map(str, estimate_map.shape)))
    check_shape("area", area, "q", {"q": num_points})
    area = jnp.asarray(area, jnp.float32)
    share = (area / area.sum()).reshape((1,) * (estimate_map.ndim - 1) + area.shape)
    # Scaled by their largest value, so that squares of quiet maps stay in range.
    scaled = [
        m.astype(jnp.float32) / jnp.maximum(m.max(-1, keepdims=True), 1e-30)
        for m in (jnp.asarray(estimate_map), jnp.asarray(target_map))
    ]
    return scaled[0], scaled[1], share
