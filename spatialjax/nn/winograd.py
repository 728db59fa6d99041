"""3×3 convolutions of stride 1 by Winograd's algorithm F(4×4, 3×3), for CPUs.

Tiles of 4×4 outputs come from 6×6 inputs. Inputs and kernel are taken to 36 points,
where channels mix by 36 products of matrices, and back: 36 multiplications a channel
for 144 (Lavin and Gray 2016, section 4). Both gradients are the adjoints of the same
steps, with as few multiplications. A dilated convolution is one of every d-th place.

The points 0, ±2/3, ±3/2 and infinity keep float32 within 5e-6 of the largest value,
where the usual 0, ±1, ±2 lose 1.3e-5 (measured, 256 channels; Barabasz et al. 2020).
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from spatialjax.nn.apart import apart
from spatialjax.nn.plain_conv import Pads, Sizes, count_outputs
from spatialjax.typing import Array, HostArray

POINTS = (0.0, 2 / 3, -2 / 3, 3 / 2, -3 / 2)
TILE = 4
SPAN = TILE + 2

Grid = list[list[Array]]
"""Arrays by row and column: of points, of places in a tile, or of taps."""


def _matrices() -> tuple[HostArray, HostArray, HostArray]:
    """To the points: of inputs and of taps, both ``[6, ·]``; from them ``[4, 6]``."""
    others = [[q for q in POINTS if q != p] for p in POINTS]
    inputs = np.zeros((SPAN, SPAN))
    for row, rest in enumerate(others):
        inputs[row, : SPAN - 1] = np.poly(rest)[::-1]
    inputs[-1] = np.poly(POINTS)[::-1]
    scale = [
        np.prod([p - q for q in rest]) for p, rest in zip(POINTS, others, strict=True)
    ]
    taps = np.vander(POINTS, 3, increasing=True) / np.array(scale)[:, None]
    outputs = np.vander(POINTS, TILE, increasing=True)
    last = np.eye(TILE)[-1:]
    return (
        inputs,
        np.concatenate([taps, last[:, 1:]]),
        np.concatenate([outputs, last]).T,
    )


INPUTS, TAPS, OUTPUTS = _matrices()


class _Plan(NamedTuple):
    """Sizes of one convolution; pairs are of rows and columns."""

    places: Sizes
    pads: Pads
    dilation: Sizes

    @property
    def outputs(self) -> Sizes:
        return count_outputs(self.places, (3, 3), (1, 1), self.pads, self.dilation)

    @property
    def tiles(self) -> Sizes:
        return _count_tiles(self.outputs, self.dilation)


def count_products(outputs: Sizes, dilation: Sizes) -> int:
    """Products for each pair of channels and example."""
    tiles = _count_tiles(outputs, dilation)
    return SPAN**2 * math.prod(tiles) * math.prod(dilation)


def _count_tiles(outputs: Sizes, dilation: Sizes) -> Sizes:
    sizes = zip(outputs, dilation, strict=True)
    return tuple(-(-size // (TILE * step)) for size, step in sizes)


def winograd_conv(
    x: Array, kernel: Array, strides: Sizes, pads: Pads, dilation: Sizes
) -> Array:
    """As `plain_conv`, of ``[b, h, w, i]`` with ``[3, 3, i, o]`` and stride 1."""
    del strides
    return _winograd(_Plan(x.shape[1:3], pads, dilation), x, kernel)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _winograd(plan: _Plan, x: Array, kernel: Array) -> Array:
    return _forward(plan, x, kernel)[0]


def _forward(plan: _Plan, x: Array, kernel: Array) -> tuple[Array, tuple[Grid, Grid]]:
    inputs = _to_points(_cut_inputs(plan, x))
    taps = apart(_taps_to_points, kernel)
    products = _each(_mix, inputs, taps)
    return _join_outputs(plan, products), (inputs, taps)


def _backward(
    plan: _Plan, kept: tuple[Grid, Grid], gradient: Array
) -> tuple[Array, Array]:
    inputs, taps = kept
    products = _spread_outputs(plan, gradient)
    of_inputs = _each(_mix_back, products, taps)
    of_taps = _each(_correlate, inputs, products)
    return _join_inputs(plan, of_inputs), apart(_taps_from_points, of_taps)


_winograd.defvjp(_forward, _backward)


def _cut_inputs(plan: _Plan, x: Array) -> Array:
    """The places ``[b, 4·tiles + 2, d, 4·tiles + 2, d, i]`` with their border."""
    return _split(plan, x, (plan.pads[0][0], plan.pads[1][0]), 2)


def _split(plan: _Plan, x: Array, before: Sizes, extra: int) -> Array:
    """Rows and columns padded to whole tiles and split by the dilation."""
    config = [(0, 0, 0)]
    shape = [len(x)]
    for axis in range(2):
        step = plan.dilation[axis]
        size = TILE * plan.tiles[axis] + extra
        pad = before[axis]
        config.append((pad, step * size - x.shape[axis + 1] - pad, 0))
        shape += [size, step]
    padded = lax.pad(x, jnp.zeros((), x.dtype), [*config, (0, 0, 0)])
    return padded.reshape(*shape, x.shape[-1])


def _to_points(cut: Array, matrix: HostArray = INPUTS) -> Grid:
    """Tiles ``[b, tiles, d, tiles, d, i]`` at the points, from overlapping spans."""
    num_places = matrix.shape[1]

    def rows(cut: Array) -> list[Array]:
        return _combine(matrix, _strided(cut, 1, num_places))

    def columns(parts: list[Array]) -> Grid:
        return [_combine(matrix, _strided(part, 3, num_places)) for part in parts]

    return apart(columns, apart(rows, cut))


def _strided(x: Array, axis: int, count: int) -> list[Array]:
    """Place 0, 1, ... of every tile along an axis; tiles overlap where it goes on."""
    size = x.shape[axis] - (x.shape[axis] % TILE)
    return [
        lax.slice_in_dim(x, start, start + size - TILE + 1, TILE, axis)
        for start in range(count)
    ]


def _combine(matrix: HostArray, parts: Sequence[Array]) -> list[Array]:
    """The products of a matrix with a column of arrays."""
    return [_weighted_sum(row, parts) for row in matrix]


def _weighted_sum(weights: HostArray, parts: Sequence[Array]) -> Array:
    terms = [
        part if weight == 1 else part * np.asarray(weight, part.dtype)
        for weight, part in zip(weights, parts, strict=True)
        if weight
    ]
    return functools.reduce(jnp.add, terms)


def _combine_rows(matrix: HostArray, grid: Grid) -> Grid:
    """The matrix applied to every column of a grid."""
    columns = [_combine(matrix, column) for column in zip(*grid, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def _combine_columns(matrix: HostArray, grid: Grid) -> Grid:
    return [_combine(matrix, row) for row in grid]


def _each(function: Callable[[Array, Array], Array], left: Grid, right: Grid) -> Grid:
    return [
        [function(a, b) for a, b in zip(*rows, strict=True)]
        for rows in zip(left, right, strict=True)
    ]


def _mix(x: Array, matrix: Array) -> Array:
    return (_flat(x) @ matrix).reshape(*x.shape[:-1], matrix.shape[1])


def _mix_back(x: Array, matrix: Array) -> Array:
    return (_flat(x) @ matrix.T).reshape(*x.shape[:-1], matrix.shape[0])


def _correlate(x: Array, y: Array) -> Array:
    return _flat(x).T @ _flat(y)


def _flat(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _join_outputs(plan: _Plan, products: Grid) -> Array:
    """Outputs ``[b, h', w', o]`` of products at the points."""
    rows = apart(functools.partial(_combine_rows, OUTPUTS), products)

    def columns(rows: Grid) -> Array:
        return _interleave(_combine_columns(OUTPUTS, rows))

    height, width = plan.outputs
    return apart(columns, rows)[:, :height, :width]


def _spread_outputs(plan: _Plan, gradient: Array) -> Grid:
    """The adjoint of `_join_outputs`."""
    return _to_points(_split(plan, gradient, (0, 0), 0), OUTPUTS.T)


def _join_inputs(plan: _Plan, of_points: Grid) -> Array:
    """The adjoint of `_cut_inputs` and `_to_points`: overlapping tiles are added."""

    def rows(grid: Grid) -> Grid:
        columns = [_overlap(column, 1) for column in zip(*grid, strict=True)]
        return [list(row) for row in zip(*columns, strict=True)]

    def columns(grid: Grid) -> Array:
        return _interleave([_overlap(row, 3) for row in grid])

    ((top, _), (left, _)), (height, width) = plan.pads, plan.places
    whole = apart(columns, apart(rows, of_points))
    return whole[:, top : top + height, left : left + width]


def _overlap(parts: Sequence[Array], axis: int) -> list[Array]:
    """Place 0 to 3 of each tile, and of one more, of what points say along an axis."""
    found = []
    for place, weights in enumerate(INPUTS.T[:TILE]):
        own = _extend(_weighted_sum(weights, parts), axis, 0, 1)
        if place + TILE < SPAN:  # the tile before reaches as far
            reach = _weighted_sum(INPUTS.T[place + TILE], parts)
            own = own + _extend(reach, axis, 1, 0)
        found.append(own)
    return found


def _extend(x: Array, axis: int, before: int, after: int) -> Array:
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (before, after, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), config)


def _interleave(grid: Grid) -> Array:
    """Places ``[b, h, w, c]`` from those of tiles, ``[b, tiles, d, tiles, d, c]``."""
    b, high, step, wide, across, c = grid[0][0].shape
    rows = []
    for row in grid:
        places = [p.reshape(b, high, 1, step, wide, 1, across, c) for p in row]
        rows.append(lax.concatenate(places, 5))
    stacked = lax.concatenate(rows, 2)
    return stacked.reshape(b, high * TILE * step, wide * TILE * across, c)


def _taps_to_points(kernel: Array) -> Grid:
    taps = [[kernel[row, column] for column in range(3)] for row in range(3)]
    return _combine_columns(TAPS, _combine_rows(TAPS, taps))


def _taps_from_points(grid: Grid) -> Array:
    taps = _combine_columns(TAPS.T, _combine_rows(TAPS.T, grid))
    return jnp.stack([jnp.stack(row) for row in taps])
