"""Errors of direction, diffuseness and order of an estimated sound field.

Only items with an audible target count. Each error is of averages over the whole
signals that are given, so these should last about as long as a source stands still: cut
longer ones into frames [..., k, c, t].
"""

import math

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics import (
    angle_between_rad,
    degrees,
    diffuseness,
    intensity_direction,
    order_of,
    vector_length,
)
from spatialjax.errors import check_shape
from spatialjax.metrics.weighted import SILENT_DB, Weighted, is_audible
from spatialjax.typing import Array

DIFFUSE = 0.95
"""Diffuseness above which a target comes from nowhere in particular."""
LIMIT_DB = 60.0
"""Ratios of energy end here, on both sides."""
ENERGY_FLOOR = 1e-20


def direction_error_rad(
    estimate: Array, target: Array, silent_db: float = SILENT_DB
) -> Weighted:
    """Angles [...] in radians between the intensity vectors of fields [..., c, t].

    An estimate without direction, such as mono, is pi / 2 off: as far as a guess, on
    average. Weight 0 where the target is silent or too diffuse to have a direction.

    Args:
      estimate: [..., c, t].
      target: likewise.
      silent_db: level of W under which a target is silent.

    Raises:
      ShapeError: the shapes differ or are none of a sound field of order 1 or more.
    """
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    own, true = intensity_direction(estimate), intensity_direction(target)
    has_direction = vector_length(own) > 0
    angle_rad = jnp.where(has_direction, angle_between_rad(own, true), math.pi / 2)
    counts = _is_audible(target, silent_db) & (diffuseness(target) < DIFFUSE)
    return Weighted(jnp.where(counts, angle_rad, 0.0), counts.astype(jnp.float32))


def diffuseness_error(
    estimate: Array, target: Array, silent_db: float = SILENT_DB
) -> Weighted:
    """Absolute differences [...] of the diffuseness of fields [..., c, t], in [0, 1].

    Weight 0 where the target is silent.

    Raises:
      ShapeError: the shapes differ or are none of a sound field of order 1 or more.
    """
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    error = jnp.abs(diffuseness(estimate) - diffuseness(target))
    return Weighted(error, _is_audible(target, silent_db).astype(jnp.float32))


def order_energy_ratio_db(
    estimate: Array, target: Array, silent_db: float = SILENT_DB
) -> Weighted:
    """Ratios [..., order + 1] in dB of estimated to true energy of each degree.

    Of fields [..., c, t]; limited to ±`LIMIT_DB`. Below 0 the estimate has too little
    of that fineness in space. Weight 0 where the target is silent, or has nothing of a
    degree.

    Raises:
      ShapeError: the shapes differ or are none of a sound field.
    """
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    own, true = _energy_of_degrees(estimate), _energy_of_degrees(target)
    ratio_db = 10 * (jnp.log10(own + ENERGY_FLOOR) - jnp.log10(true + ENERGY_FLOOR))
    least = 10 ** (-LIMIT_DB / 10) * true.sum(-1, keepdims=True)
    counts = _is_audible(target, silent_db)[..., None] & (true > least)
    value = jnp.where(counts, jnp.clip(ratio_db, -LIMIT_DB, LIMIT_DB), 0.0)
    return Weighted(value, counts.astype(jnp.float32))


def _is_audible(ambisonics: Array, silent_db: float) -> Array:
    """Whether W of fields [..., c, t] is above a level."""
    pressure = ambisonics[..., 0, :].astype(jnp.float32)
    return is_audible(jnp.square(pressure).mean(-1), silent_db)


def _energy_of_degrees(ambisonics: Array) -> Array:
    """Mean squares [..., order + 1], added over the channels of each degree."""
    num_channels = check_shape("ambisonics", ambisonics, "... c t")["c"]
    order = order_of(num_channels)
    member = np.arange(order + 1)[:, None] == degrees(order)
    energy = jnp.square(ambisonics.astype(jnp.float32)).mean(-1)
    return jnp.einsum(
        "...c,nc->...n", energy, member.astype(np.float32), precision="highest"
    )
