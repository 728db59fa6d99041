"""Rows of a spectrogram on a logarithmic frequency axis, and back.

Row i of I takes the linear interpolation at bin ``(f - 1)·(21^(i / (I - 1)) - 1) / 20``
of f bins: nearly linear at the bottom, nearly logarithmic at the top. Where rows are
more than one bin apart, bins are sampled, not averaged. The way back takes row
``(I - 1)·log21(1 + 20·j / (f - 1))`` for bin j. It restores what is smooth, such as a
mask, and is no exact inverse. Both grids: Zhao et al., The Sound of Pixels, 2018,
published code, in the corner-aligned reading under which its networks were trained.

`pool_log_frequency` has the same rows and averages bins, as filter banks do.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.errors import ShapeError, check_shape
from spatialjax.typing import Array, HostArray

WARP_BASE = 21.0
"""Ratio of the frequency steps at the two ends of the axis."""


def warp_log_frequency(magnitude: Array, num_bins: int) -> Array:
    """Rows [..., num_bins, k] on a log axis of linear bins [..., f, k].

    Raises:
      ShapeError: fewer than two bins are given or asked for.
    """
    return _interpolate_rows("magnitude", magnitude, num_bins, warp_positions)


def unwarp_log_frequency(mask: Array, num_bins: int) -> Array:
    """Linear bins [..., num_bins, k] of rows [..., i, k] on a log axis.

    Raises:
      ShapeError: fewer than two rows are given or asked for.
    """
    return _interpolate_rows("mask", mask, num_bins, unwarp_positions)


def pool_log_frequency(power: Array, num_bins: int) -> Array:
    """Means [..., num_bins, k], on a log axis, that miss no linear bin [..., f, k].

    The weights of a row fall from its position linearly to those of its neighbours, or
    to the next bin if that is farther.

    Raises:
      ShapeError: fewer than two bins are given or asked for.
    """
    bank = _bank(_check_rows("power", power, num_bins), num_bins)
    power = jnp.asarray(power, jnp.float32)
    return jnp.einsum("if,...fk->...ik", bank, power, precision="highest")


def warp_positions(num_bins: int, num_rows: int) -> HostArray:
    """Bin that each row shows, float64 [num_rows], from 0 to num_bins - 1."""
    fraction = np.arange(num_rows) / (num_rows - 1)
    return (num_bins - 1) * (WARP_BASE**fraction - 1) / (WARP_BASE - 1)


def unwarp_positions(num_rows: int, num_bins: int) -> HostArray:
    """Row at which each bin is found, float64 [num_bins], from 0 to num_rows - 1."""
    fraction = np.arange(num_bins) / (num_bins - 1)
    octave = np.log1p((WARP_BASE - 1) * fraction) / np.log(WARP_BASE)
    return (num_rows - 1) * octave


_Positions = Callable[[int, int], HostArray]


@functools.lru_cache(maxsize=16)
def _taps(positions: _Positions, num_in: int, num_out: int) -> tuple[HostArray, ...]:
    """Lower and upper row, int32, and the weight of the upper, float64; [num_out]."""
    place = np.clip(positions(num_in, num_out), 0, num_in - 1)
    lower = np.minimum(place.astype(np.int32), num_in - 2)
    return lower, lower + np.int32(1), place - lower


@functools.lru_cache(maxsize=16)
def _matrix(positions: _Positions, num_in: int, num_out: int) -> HostArray:
    """The interpolation as a matrix, float32 [num_out, num_in]."""
    lower, upper, weight = _taps(positions, num_in, num_out)
    matrix = np.zeros((num_out, num_in))
    matrix[np.arange(num_out), lower] = 1 - weight
    matrix[np.arange(num_out), upper] = weight
    return matrix.astype(np.float32)


@functools.lru_cache(maxsize=16)
def _bank(num_in: int, num_out: int) -> HostArray:
    """Weights of bins in rows, float32 [num_out, num_in]; of each row they add to 1."""
    place = warp_positions(num_in, num_out)
    step = np.diff(place)
    below = np.maximum(np.concatenate([step[:1], step]), 1.0)[:, None]
    above = np.maximum(np.concatenate([step, step[-1:]]), 1.0)[:, None]
    distance = np.arange(num_in) - place[:, None]
    weight = np.maximum(
        1 - np.where(distance < 0, -distance / below, distance / above), 0
    )
    return (weight / weight.sum(1, keepdims=True)).astype(np.float32)


def _check_rows(name: str, rows: Array, num_out: int) -> int:
    num_in = check_shape(name, rows, "... f k")["f"]
    if min(num_in, num_out) < 2:
        raise ShapeError(
            f"{name} has {num_in} rows and {num_out} are asked for; a frequency axis "
            "needs at least 2"
        )
    return num_in


def _interpolate_rows(
    name: str, rows: Array, num_out: int, positions: _Positions
) -> Array:
    _check_rows(name, rows, num_out)
    rows = jnp.asarray(rows, jnp.float32)
    return _interpolate(rows, num_out, positions)


# Two taps of whole rows: 25 times faster than the matrix on a CPU (measured, 32
# spectrograms of 512 x 256), but a TPU multiplies faster than it gathers.
@functools.partial(jax.jit, static_argnums=(1, 2))
def _interpolate(rows: Array, num_out: int, positions: _Positions) -> Array:
    return jax.lax.platform_dependent(
        rows,
        tpu=functools.partial(_by_matrix, num_out=num_out, positions=positions),
        default=functools.partial(_by_taps, num_out=num_out, positions=positions),
    )


def _by_matrix(rows: Array, num_out: int, positions: _Positions) -> Array:
    matrix = _matrix(positions, rows.shape[-2], num_out)
    return jnp.einsum("if,...fk->...ik", matrix, rows, precision="highest")


def _by_taps(rows: Array, num_out: int, positions: _Positions) -> Array:
    lower, upper, weight = _taps(positions, rows.shape[-2], num_out)
    weight = weight.astype(np.float32).reshape((1,) * (rows.ndim - 2) + (num_out, 1))
    return rows[..., lower, :] * (1 - weight) + rows[..., upper, :] * weight
