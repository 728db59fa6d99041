"""The products of a program, counted by their shapes before any compiler sees them."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from spatialjax.benchmarks.peaks import Peak


class Product(NamedTuple):
    """A convolution or a matrix product: its operations and what it reads and writes.

    A multiplication and an addition are two operations. What meets padding, or zeros
    between the places of a transposed convolution, does not count, as with XLA.
    """

    flops: float
    num_bytes: float


class Work(NamedTuple):
    """All products of a program."""

    products: tuple[Product, ...]

    @property
    def flops(self) -> float:
        """Operations of all of them."""
        return sum(product.flops for product in self.products)

    def least_s(self, peak: Peak) -> float:
        """Seconds on a device that does nothing else, each at its own limit."""
        return sum(
            max(p.flops / peak.flops_per_s, p.num_bytes / peak.bytes_per_s)
            for p in self.products
        )


def count_work(function: Callable, *arguments: Any) -> Work:
    """The products of a function of arrays or of their shapes.

    The body of a scan counts as often as it runs, that of another loop once. Of forms
    for several platforms the default counts, of other branches the one with the most.
    """
    return _work(jax.make_jaxpr(function)(*arguments).jaxpr)


def _work(jaxpr: Jaxpr) -> Work:
    found: list[Product] = []
    for eqn in jaxpr.eqns:
        found.extend(_products(eqn))
    return Work(tuple(found))


def _products(eqn: JaxprEqn) -> Iterator[Product]:
    name = eqn.primitive.name
    if name == "dot_general":
        yield Product(_dot_flops(eqn), _num_bytes(eqn))
    elif name == "conv_general_dilated":
        yield Product(_conv_flops(eqn), _num_bytes(eqn))
    elif name == "cond":
        yield from _branch(eqn).products
    else:
        times = eqn.params["length"] if name == "scan" else 1
        for inner in _inner(eqn):
            yield from _work(inner).products * times


def _branch(eqn: JaxprEqn) -> Work:
    branches = [_work(branch.jaxpr) for branch in eqn.params["branches"]]
    platforms = eqn.params.get("branches_platforms") or ()
    if None in platforms:
        return branches[platforms.index(None)]
    return max(branches, key=lambda work: work.flops)


def _inner(eqn: JaxprEqn) -> Iterator[Jaxpr]:
    """The programs within an operation."""
    for value in eqn.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, ClosedJaxpr):
                yield part.jaxpr
            elif isinstance(part, Jaxpr):
                yield part


def _dot_flops(eqn: JaxprEqn) -> float:
    (contracted, _), _ = eqn.params["dimension_numbers"]
    left, *_, result = _arrays(eqn)
    depth = math.prod(left.shape[axis] for axis in contracted)
    return 2.0 * depth * result.size


def _conv_flops(eqn: JaxprEqn) -> float:
    x, kernel, result = _arrays(eqn)
    axes, params = eqn.params["dimension_numbers"], eqn.params
    num_inputs = kernel.shape[axes.rhs_spec[1]]
    num_results = math.prod(result.shape[axis] for axis in axes.out_spec[:2])
    num_pairs = 1
    for index, (place, tap, output) in enumerate(
        zip(axes.lhs_spec[2:], axes.rhs_spec[2:], axes.out_spec[2:], strict=True)
    ):
        starts = np.arange(result.shape[output]) * params["window_strides"][index]
        reach = np.arange(kernel.shape[tap]) * params["rhs_dilation"][index]
        met = starts[:, None] + reach - params["padding"][index][0]
        inside = (met >= 0) & (
            met <= (x.shape[place] - 1) * params["lhs_dilation"][index]
        )
        num_pairs *= int((inside & (met % params["lhs_dilation"][index] == 0)).sum())
    return 2.0 * num_results * num_inputs * num_pairs


def _num_bytes(eqn: JaxprEqn) -> float:
    return float(sum(array.size * array.dtype.itemsize for array in _arrays(eqn)))


def _arrays(eqn: JaxprEqn) -> list[jax.core.ShapedArray]:
    """What it reads, and then what it gives."""
    return [cast(Any, v).aval for v in (*eqn.invars, *eqn.outvars)]
