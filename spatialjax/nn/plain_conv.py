"""Convolutions as XLA computes them."""

from jax import lax

from spatialjax.typing import Array

Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]
"""Zeros before and behind each axis."""


def plain_conv(
    x: Array, kernel: Array, strides: Sizes, pads: Pads, dilation: Sizes
) -> Array:
    """Cross-correlation of ``[b, *places, i]`` with a kernel ``[*taps, i, o]``."""
    letters = "DHW"[-len(strides) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        pads,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
    )


def count_outputs(
    places: Sizes, taps: Sizes, strides: Sizes, pads: Pads, dilation: Sizes
) -> Sizes:
    """Places of the result along each axis."""
    spans = [(t - 1) * d + 1 for t, d in zip(taps, dilation, strict=True)]
    sizes = zip(places, pads, spans, strides, strict=True)
    return tuple((size + sum(pad) - span) // s + 1 for size, pad, span, s in sizes)
