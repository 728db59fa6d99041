"""Transposed convolution without padding, as one product of matrices.

With a stride of s, s - 1 of s products in the usual form are with zeros. Here output
place s·q + r is phase r of place q: tap s·j + r of the kernel meets input place q - j
alone. So the ⌈taps / s⌉ neighbours q, q - 1, ... times one matrix give all phases of a
place, which are then laid side by side. The result is the same; the gradients are
products of matrices too, which a CPU computes many times faster than those of a
convolution.
"""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from spatialjax.nn.conv import add_bias, build_bias
from spatialjax.nn.initializers import Draws, Initializer, he_fan_in, zeros
from spatialjax.nn.kept import LINEAR
from spatialjax.nn.plain_conv import Sizes
from spatialjax.typing import Array


def conv_transpose(x: Array, kernel: Array, strides: Sizes) -> Array:
    """Adjoint ``[b, h', w', o]`` of a strided convolution, for ``[b, h, w, i]``.

    The convolution is the unpadded one of `conv` with the same kernel, which TensorFlow
    stores as ``[y, x, o, i]``; h' = (h - 1)·stride + taps.
    """
    taps = kernel.shape[:2]
    counts = tuple(-(-t // s) for t, s in zip(taps, strides, strict=True))
    phases = jnp.einsum(
        "bhwni,nyxoi->bhywxo",
        _neighbours(x, counts),
        _phase_kernel(kernel, strides, counts),
    )
    b, h, _, w, _, o = phases.shape
    y = phases.reshape(b, h * strides[0], w * strides[1], o)
    sizes = zip(x.shape[1:3], strides, taps, strict=True)
    height, width = ((size - 1) * s + t for size, s, t in sizes)
    return y[:, :height, :width]


def _neighbours(x: Array, counts: Sizes) -> Array:
    """Places up to `counts` - 1 before each, ``[b, h', w', n, i]``; 0 outside of x."""
    for axis, count in enumerate(counts, 1):
        size = x.shape[axis] + count - 1
        pads = [(0, 0)] * x.ndim
        pads[axis] = (count - 1, count - 1)
        padded = jnp.pad(x, pads)
        starts = reversed(range(count))
        shifted = [lax.slice_in_dim(padded, j, j + size, axis=axis) for j in starts]
        x = jnp.stack(shifted, -2)
    b, h, w, *_, i = x.shape
    return x.reshape(b, h, w, -1, i)


def _phase_kernel(kernel: Array, strides: Sizes, counts: Sizes) -> Array:
    """Taps ``[n, *strides, o, i]`` of the neighbours."""
    (sy, sx), (ny, nx), (*taps, o, i) = strides, counts, kernel.shape
    missing = [(0, ny * sy - taps[0]), (0, nx * sx - taps[1]), (0, 0), (0, 0)]
    split = jnp.pad(kernel, missing).reshape(ny, sy, nx, sx, o, i)
    return split.swapaxes(1, 2).reshape(ny * nx, sy, sx, o, i)


def input_rows(
    rows: tuple[int, int], taps: int, stride: int, num_rows: int
) -> tuple[int, int]:
    """First and end of the input rows, of `num_rows`, that output rows come from."""
    start, stop = rows
    first = max(0, math.ceil((start - taps + 1) / stride))
    return first, min(num_rows, (stop - 1) // stride + 1)


class ConvTranspose(nnx.Module):
    """`conv_transpose` with its kernel ``[y, x, o, i]`` and a bias.

    Computes in `dtype`; the parameters stay float32.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        taps: Sizes,
        *,
        strides: Sizes,
        kernel_init: Initializer = he_fan_in,
        bias_init: Initializer = zeros,
        dtype: jax.typing.DTypeLike = jnp.float32,
        rngs: Draws,
    ) -> None:
        self.strides, self.dtype = strides, dtype
        self.kernel = nnx.Param(kernel_init(rngs, (*taps, num_outputs, num_inputs)))
        self.bias = build_bias(num_outputs, bias_init, rngs)

    def __call__(self, x: Array) -> Array:
        """The spread rows, in the compute dtype."""
        kernel = self.kernel[...].astype(self.dtype)
        y = conv_transpose(x.astype(self.dtype), kernel, self.strides)
        return add_bias(checkpoint_name(y, LINEAR), self.bias[...])
