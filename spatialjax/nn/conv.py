"""Convolutions on channels-last arrays, padded by stated numbers or as TensorFlow."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from spatialjax.nn.conv_cpu import Form, cpu_form
from spatialjax.nn.initializers import Draws, Initializer, he_fan_in, zeros
from spatialjax.nn.kept import LINEAR
from spatialjax.nn.plain_conv import Pads, Sizes, plain_conv
from spatialjax.typing import Array

SAME = "SAME"
"""TensorFlow's padding: places / stride outputs, rounded up; odd zeros stand behind."""


def conv(
    x: Array,
    kernel: Array,
    strides: Sizes | int = 1,
    padding: Sizes | int | str = 0,
    dilation: Sizes | int = 1,
) -> Array:
    """Cross-correlation of ``[b, *places, i]`` with a kernel ``[*taps, i, o]``.

    `padding` zeros stand on both sides of each axis, or those of `SAME`.
    """
    rank = kernel.ndim - 2
    steps, rates = _per_axis(strides, rank), _per_axis(dilation, rank)
    pads = _pads(padding, x.shape[1:-1], kernel.shape[:rank], steps, rates)
    form = cpu_form(x, kernel, steps, pads, rates)

    def run(form: Form) -> Callable[[Array, Array], Array]:
        return functools.partial(form, strides=steps, pads=pads, dilation=rates)

    if form is plain_conv:
        return run(plain_conv)(x, kernel)
    return lax.platform_dependent(x, kernel, cpu=run(form), default=run(plain_conv))


def _per_axis(value: Sizes | int, rank: int) -> Sizes:
    return (value,) * rank if isinstance(value, int) else value


def _pads(
    padding: Sizes | int | str,
    places: Sizes,
    taps: Sizes,
    strides: Sizes,
    dilation: Sizes,
) -> Pads:
    if isinstance(padding, str):
        spans = [(t - 1) * d + 1 for t, d in zip(taps, dilation, strict=True)]
        return tuple(lax.padtype_to_pads(places, spans, strides, padding))
    return tuple((side, side) for side in _per_axis(padding, len(taps)))


class Conv(nnx.Module):
    """Convolution of ``[rows, *places, i]`` to ``[rows, *places', o]``.

    Computes in `dtype`; the parameters stay float32. Padding that is not given keeps
    the places of a kernel with an odd number of taps and stride 1.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        taps: Sizes,
        *,
        strides: Sizes | int = 1,
        padding: Sizes | int | str | None = None,
        dilation: Sizes | int = 1,
        use_bias: bool = False,
        kernel_init: Initializer = he_fan_in,
        bias_init: Initializer = zeros,
        dtype: jax.typing.DTypeLike = jnp.float32,
        rngs: Draws,
    ) -> None:
        steps = _per_axis(dilation, len(taps))
        same = tuple(d * (t - 1) // 2 for t, d in zip(taps, steps, strict=True))
        self.strides, self.dilation, self.dtype = strides, dilation, dtype
        self.padding = same if padding is None else padding
        shape = (*taps, num_inputs, num_outputs)
        self.kernel = nnx.Param(kernel_init(rngs, shape))
        self.bias = build_bias(num_outputs, bias_init, rngs) if use_bias else None

    def __call__(self, x: Array) -> Array:
        """The filtered rows, in the compute dtype."""
        kernel = self.kernel[...].astype(self.dtype)
        x = x.astype(self.dtype)
        y = conv(x, kernel, self.strides, self.padding, self.dilation)
        y = checkpoint_name(y, LINEAR)
        return y if self.bias is None else add_bias(y, self.bias[...])


def build_bias(num_outputs: int, init: Initializer, rngs: Draws) -> nnx.Param:
    """The bias of a convolution."""
    return nnx.Param(init(rngs, (num_outputs,)))


def add_bias(x: Array, bias: Array) -> Array:
    """The sum of ``[..., c]`` and ``[c]``, in the dtype of the first."""
    return x + bias.astype(x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
