"""Convolutions on channels-last arrays, with explicit symmetric padding."""

import functools
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from spatialjax.nn.initializers import Initializer, he_fan_in
from spatialjax.typing import Array

Sizes = tuple[int, ...]


def conv(
    x: Array,
    kernel: Array,
    strides: Sizes | int = 1,
    padding: Sizes | int = 0,
    dilation: Sizes | int = 1,
) -> Array:
    """Cross-correlation of ``[b, *places, i]`` with a kernel ``[*taps, i, o]``.

    `padding` zeros stand on both sides of each axis. On a CPU the gradient of the
    kernel is computed tap by tap, which is exact and faster than XLA's own there.
    """
    rank = kernel.ndim - 2
    return _conv(
        _per_axis(strides, rank),
        _per_axis(padding, rank),
        _per_axis(dilation, rank),
        x,
        kernel,
    )


def _per_axis(value: Sizes | int, rank: int) -> Sizes:
    return (value,) * rank if isinstance(value, int) else value


def plain_conv(
    strides: Sizes, padding: Sizes, dilation: Sizes, x: Array, kernel: Array
) -> Array:
    """The convolution as XLA has it, and the reference of the rewritten gradient."""
    letters = "DHW"[-len(strides) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        [(p, p) for p in padding],
        rhs_dilation=dilation,
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
    )


_conv = jax.custom_vjp(plain_conv, nondiff_argnums=(0, 1, 2))


def _forward(
    strides: Sizes, padding: Sizes, dilation: Sizes, x: Array, kernel: Array
) -> tuple[Array, tuple[Array, Array]]:
    return plain_conv(strides, padding, dilation, x, kernel), (x, kernel)


def _backward(
    strides: Sizes,
    padding: Sizes,
    dilation: Sizes,
    saved: tuple[Array, Array],
    gradient: Array,
) -> tuple[Array, Array]:
    x, kernel = saved
    function = functools.partial(plain_conv, strides, padding, dilation)
    (x_gradient,) = jax.vjp(lambda x: function(x, kernel), x)[1](gradient)

    def compiler(x: Array, gradient: Array) -> Array:
        return jax.vjp(lambda kernel: function(x, kernel), kernel)[1](gradient)[0]

    tapwise = functools.partial(
        kernel_gradient_by_taps, kernel.shape, strides, padding, dilation
    )
    kernel_gradient = lax.platform_dependent(x, gradient, cpu=tapwise, default=compiler)
    return x_gradient, kernel_gradient


_conv.defvjp(_forward, _backward)


def kernel_gradient_by_taps(
    shape: Sequence[int],
    strides: Sizes,
    padding: Sizes,
    dilation: Sizes,
    x: Array,
    gradient: Array,
) -> Array:
    """Gradient of a kernel: per tap one product of the shifted input and `gradient`."""
    taps, places = shape[:-2], gradient.shape[1:-1]
    x = jnp.pad(x, [(0, 0), *((p, p) for p in padding), (0, 0)])
    axes = tuple(range(gradient.ndim - 1))
    products = []
    for tap in itertools.product(*map(range, taps)):
        start = [t * d for t, d in zip(tap, dilation, strict=True)]
        stop = [
            a + s * (p - 1) + 1 for a, s, p in zip(start, strides, places, strict=True)
        ]
        shifted = lax.slice(
            x,
            (0, *start, 0),
            (x.shape[0], *stop, x.shape[-1]),
            (1, *strides, 1),
        )
        products.append(lax.dot_general(shifted, gradient, ((axes, axes), ((), ()))))
    return jnp.stack(products).reshape(tuple(shape))


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
        padding: Sizes | int | None = None,
        dilation: Sizes | int = 1,
        use_bias: bool = False,
        kernel_init: Initializer = he_fan_in,
        bias_init: Initializer = nnx.initializers.zeros,
        dtype: jax.typing.DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        steps = _per_axis(dilation, len(taps))
        same = tuple(d * (t - 1) // 2 for t, d in zip(taps, steps, strict=True))
        self.strides, self.dilation, self.dtype = strides, dilation, dtype
        self.padding = same if padding is None else padding
        shape = (*taps, num_inputs, num_outputs)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, jnp.float32))
        self.bias = build_bias(num_outputs, bias_init, rngs) if use_bias else None

    def __call__(self, x: Array) -> Array:
        """The filtered rows, in the compute dtype."""
        kernel = self.kernel[...].astype(self.dtype)
        x = x.astype(self.dtype)
        y = conv(x, kernel, self.strides, self.padding, self.dilation)
        return y if self.bias is None else add_bias(y, self.bias[...])


def build_bias(num_outputs: int, init: Initializer, rngs: nnx.Rngs) -> nnx.Param:
    """The bias of a convolution."""
    return nnx.Param(init(rngs.params(), (num_outputs,), jnp.float32))


def add_bias(x: Array, bias: Array) -> Array:
    """The sum of ``[..., c]`` and ``[c]``, in the dtype of the first."""
    return x + bias.astype(x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
