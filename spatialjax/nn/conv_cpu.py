"""Which form a convolution takes on a CPU, by its shapes alone.

XLA's own form is slow there at the gradients of kernels and of strided convolutions.
The others compute the same, are differentiable, and keep the batch axis in front, so
that an array split over devices stays split. What they save grows with the products,
what they cost to compile does not: small convolutions stay XLA's.
"""

import math
from typing import Protocol

import jax.numpy as jnp

from spatialjax.nn.patch_conv import patch_conv, plane_conv
from spatialjax.nn.plain_conv import Pads, Sizes, count_outputs, plain_conv
from spatialjax.nn.winograd import count_products, winograd_conv
from spatialjax.typing import Array

MIN_CHANNELS = 32
"""Below, the ways to and from Winograd's points take longer than they save."""
MIN_GAIN = 2.0
"""Times fewer products; tiles that stand out over the edge waste some of the four."""
MAX_PLANES = 4
"""Channels of a picture, whose taps are narrower than a vector of the processor."""
MIN_WINOGRAD = 2**28
"""Products, some 10 ms a step, from which Winograd's seconds to compile pay."""
MIN_PATCHES = 2**26
"""Products, some 3 ms a step, from which a product of matrices pays."""


class Form(Protocol):
    """A function with the arguments of `plain_conv`."""

    def __call__(
        self, x: Array, kernel: Array, strides: Sizes, pads: Pads, dilation: Sizes
    ) -> Array: ...


def cpu_form(
    x: Array, kernel: Array, strides: Sizes, pads: Pads, dilation: Sizes
) -> Form:
    """`plain_conv`, or what replaces it on a CPU with the same arguments."""
    if kernel.ndim != 4 or x.dtype != jnp.float32:
        return plain_conv
    *taps, i, o = kernel.shape
    sizes = count_outputs(x.shape[1:3], tuple(taps), strides, pads, dilation)
    num_products = len(x) * math.prod(sizes) * kernel.size
    if taps == [3, 3] and math.prod(strides) == 1:
        gain = math.prod(sizes) * 9 / count_products(sizes, dilation)
        is_large = num_products >= MIN_WINOGRAD and min(i, o) >= MIN_CHANNELS
        return winograd_conv if is_large and gain >= MIN_GAIN else plain_conv
    is_point = math.prod(taps) == 1
    if math.prod(dilation) > 1 or not (is_point or math.prod(strides) > 1):
        return plain_conv
    if num_products < MIN_PATCHES:
        return plain_conv
    return plane_conv if i <= MAX_PLANES else patch_conv
