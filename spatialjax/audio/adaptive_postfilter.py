"""Filters of the estimates of a mixture's sources: one front for all, block by block.

The references of a source are the other estimates. They hold some of the source too,
and an adaptive filter removes what it is told of: on separated sources it lowers the
SDR. Where a true reference exists, such as a second microphone, take
`cancel_reference` instead.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from spatialjax.audio.adaptive_settings import (
    PostFilter,
    PostFilterPrimary,
    PostFilterSettings,
    init_filter,
    run_filter,
)
from spatialjax.audio.consistency import enforce_mixture_consistency
from spatialjax.audio.wiener import wiener_masks
from spatialjax.errors import ConfigError, ShapeError
from spatialjax.typing import Array, PyTree


def init_postfilter(settings: PostFilterSettings, estimates: Any) -> PyTree:
    """State before the first block; empty for filters that remember nothing.

    Args:
      settings: those of `postfilter`.
      estimates: anything with the shape and dtype of a block of estimates.

    Raises:
      ConfigError: an adaptive filter has only one source, or a number is out of range.
    """
    if not settings.kind.is_adaptive:
        return ()
    num_sources, *inner, _ = estimates.shape
    if num_sources < 2:
        raise ConfigError(
            f"the post-filter {settings.kind} removes the other sources from each, and "
            "there is 1 source; give it 2 or more, or take none"
        )
    if settings.delay:
        raise ConfigError(
            f"the post-filter {settings.kind} has delay {settings.delay}; give 0, as "
            "its estimates must stay in time with the mixture"
        )
    is_complex = np.issubdtype(estimates.dtype, np.complexfloating)
    dtype = jnp.complex64 if is_complex else jnp.float32
    return init_filter(settings, num_sources - 1, (num_sources, *inner), dtype)


def postfilter(
    settings: PostFilterSettings, estimates: Array, mixture: Array, state: PyTree
) -> tuple[Array, PyTree]:
    """Estimates of the same shape, and the state for the next block.

    Blocks may have any length; filtered one after another they give what the whole
    would give at once. All filters but WIENER also take signals.

    Args:
      settings: fixed when compiled.
      estimates: [n, ..., t], as in [n, c, t], or complex spectra [n, ..., f, k].
      mixture: the same shape without n.
      state: from `init_postfilter` or from the block before.

    Raises:
      ShapeError: estimates, mixture and state do not belong together.
      ConfigError: the filter needs spectra and signals are given.
    """
    if tuple(estimates.shape[1:]) != tuple(mixture.shape):
        raise ShapeError(
            f"estimates have shape {list(estimates.shape)} and the mixture "
            f"{list(mixture.shape)}; the mixture's must be that of one estimate"
        )
    if settings.kind == PostFilter.MIXTURE_CONSISTENCY:
        return enforce_mixture_consistency(estimates, mixture, 0), state
    if settings.kind == PostFilter.WIENER:
        return _share_by_power(estimates, mixture), state
    if not settings.kind.is_adaptive:
        return estimates, state
    num_sources = estimates.shape[0]
    others = [[m for m in range(num_sources) if m != n] for n in range(num_sources)]
    references = jnp.moveaxis(estimates[np.array(others)], 1, -2)
    primary = estimates
    if settings.primary == PostFilterPrimary.MIXTURE:
        primary = jnp.broadcast_to(mixture[None], estimates.shape)
    return run_filter(settings, primary, references, state)


def _share_by_power(estimates: Array, mixture: Array) -> Array:
    if not jnp.iscomplexobj(estimates):
        raise ConfigError(
            f"the post-filter wiener got estimates of dtype {estimates.dtype}; give it "
            "complex spectra [n, ..., f, k], before the inverse transform"
        )
    masks = wiener_masks(jnp.moveaxis(jnp.abs(estimates), 0, -3))
    return jnp.moveaxis(masks, -3, 0).astype(mixture.dtype) * mixture[None]
