"""What every adaptive filter shares: its state, its guard, its walk through a signal.

A filter with the taps w hears the last samples of its references, ``u = [x[n],
x[n - 1], ...]``, foretells the primary signal by ``y = wᵀu``, gives out the error
``e = d - y`` and moves its taps so that later errors become smaller. What remains is
the part of the primary that the references do not explain.

All filters run along the last axis and take every axis before it as filters of their
own. Signals ``[..., t]`` are filtered by taps of samples. Complex spectra ``[..., f,
k]`` are filtered bin by bin by taps of frames: some hundred steps of all bins at once,
where a signal takes as many steps as it has samples, hence the form for an accelerator.

Each filter takes a state and returns the next one. A signal given in blocks, each with
the state that the block before it left, comes out as if it were given at once. The
state is a pytree of arrays; its shapes tell the number of taps and the delay. The
filters are compiled once for each length of a block.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from spatialjax.errors import ConfigError, check_shape
from spatialjax.typing import Array

FLOOR_POWER = 1e-5
"""-50 dB of full scale: references below it count as silence.

Of what is hardly heard, taps make up the wanted signal: on toy_band a floor of -80 dB
cost `nlms` 7 dB more of SDR than this one does (measured on six duets).
"""


@dataclasses.dataclass(frozen=True)
class DoubleTalkGuard:
    """When to leave the taps as they are: the error is far louder than it was of late.

    Then most of it is the wanted signal, which would drive the taps away. Both means of
    the error's power run on while the taps rest, so that a lasting change holds the
    filter up for about `slow` / `ratio` steps only.
    """

    ratio: float = 10.0
    """Fast over slow mean of the power above which the taps rest."""
    fast: int = 64
    """Steps, samples or frames, that the fast mean remembers."""
    slow: int = 8192
    """Steps that the slow mean remembers."""

    def __post_init__(self) -> None:
        if not (self.ratio >= 1 and 1 <= self.fast < self.slow):
            raise ConfigError(
                f"the guard has ratio {self.ratio}, fast {self.fast} and slow "
                f"{self.slow}; give a ratio of at least 1 and 1 <= fast < slow"
            )


class ErrorPower(NamedTuple):
    """Running means of the power of the error; float32 [...], kept with a guard."""

    num_steps: Array
    """Steps so far, until it reaches what the slow mean remembers."""
    fast: Array
    slow: Array


class AdaptiveState(NamedTuple):
    """What a filter of r references and l taps each remembers between two blocks."""

    taps: Array
    """[..., r, l], float32 or complex64; taps[..., i] weighs the reference i ago."""
    past_primary: Array
    """[..., delay]: what was given and has not come out yet."""
    past_references: Array
    """[..., r, l - 1]: what was heard last."""
    error_power: ErrorPower


def init_adaptive(
    num_references: int,
    num_taps: int,
    *,
    delay: int = 0,
    leading: Sequence[int] = (),
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> AdaptiveState:
    """State of a filter that has heard nothing: taps, means and memory are zero.

    Args:
      num_references: r; the taps of all references act together.
      num_taps: l, for each reference.
      delay: steps by which the error lags behind the primary signal, for what reaches
        the primary before it reaches a reference. The taps then stand for the times
        -delay to l - 1 - delay. The first `delay` errors are those of silence; `delay`
        zeros at the end bring out the last ones.
      leading: the axes of the primary signal in front of time, such as (b, c), or
        (b, c, f) for spectra.
      dtype: float32 for signals, complex64 for spectra.

    Raises:
      ConfigError: a number is out of range.
    """
    if num_references < 1 or num_taps < 1 or delay < 0:
        raise ConfigError(
            f"num_references is {num_references}, num_taps {num_taps} and delay "
            f"{delay}; give at least 1, at least 1 and at least 0"
        )
    leading = tuple(leading)
    return AdaptiveState(
        taps=jnp.zeros((*leading, num_references, num_taps), dtype),
        past_primary=jnp.zeros((*leading, delay), dtype),
        past_references=jnp.zeros((*leading, num_references, num_taps - 1), dtype),
        error_power=ErrorPower(*(jnp.zeros(leading, jnp.float32) for _ in range(3))),
    )


def watch_error(
    means: ErrorPower, error: Array, guard: DoubleTalkGuard | None
) -> tuple[ErrorPower, Array]:
    """The means with one error [...] more, and whether to adapt by it, bool [...]."""
    if guard is None:
        return means, jnp.ones(error.shape, bool)
    num_steps = jnp.minimum(means.num_steps + 1, guard.slow)
    power = power_of(error)
    # The first steps are weighed alike: a mean must not start from a silence that
    # never was.
    fast = means.fast + (power - means.fast) / jnp.minimum(num_steps, guard.fast)
    slow = means.slow + (power - means.slow) / num_steps
    return ErrorPower(num_steps, fast, slow), fast <= guard.ratio * slow


def power_of(values: Array) -> Array:
    """Squared magnitudes, float32, of the shape of real or complex values."""
    return jnp.real(values * jnp.conj(values))


def to_windows(taps: Array) -> Array:
    """Taps as [l, r, lanes], the newest last: the layout of the windows of a walk.

    One lane is one filter. With the lanes last, 1024 bins of two taps adapt nine times
    as fast on a CPU as with the taps last (measured); one lane costs the same.
    """
    return jnp.transpose(_one_leading_axis(taps, 2), (2, 1, 0))[::-1]


def from_windows(windows: Array, like: Array) -> Array:
    """Taps of the shape of others from [l, r, lanes]; the inverse of `to_windows`."""
    return jnp.transpose(windows[::-1], (2, 1, 0)).reshape(like.shape)


Step = Callable[[Any, ErrorPower, Array, Array], tuple[Any, ErrorPower, Array]]
"""Carry, means [lanes], window [l, r, lanes], primary [lanes] -> carry, means, error.
"""


def walk(
    step: Step,
    carry: Any,
    primary: Array,
    references: Array,
    state: AdaptiveState,
) -> tuple[Array, Any, AdaptiveState]:
    """Errors [..., t], the carry, and the state after all steps but for its taps.

    Raises:
      ShapeError: primary, references and state do not belong together.
      ConfigError: one is complex and another real.
    """
    _check(primary, references, state)
    if primary.shape[-1] == 0:
        return primary.astype(state.taps.dtype), carry, state
    dtype = state.taps.dtype
    leading, num_taps = state.taps.shape[:-2], state.taps.shape[-1]
    given = jnp.concatenate([state.past_primary, primary.astype(dtype)], -1)
    heard = jnp.concatenate([state.past_references, references.astype(dtype)], -1)
    num_steps = primary.shape[-1]
    # Time goes first, so that a step reads one stretch of memory.
    given_lanes = jnp.transpose(_one_leading_axis(given, 1))
    heard_lanes = jnp.transpose(_one_leading_axis(heard, 2), (2, 1, 0))

    def body(carry: Any, index: Array) -> tuple[Any, Array]:
        window = jax.lax.dynamic_slice_in_dim(heard_lanes, index, num_taps, 0)
        desired = jax.lax.dynamic_index_in_dim(given_lanes, index, 0, keepdims=False)
        inner, means, error = step(carry[0], carry[1], window, desired)
        return (inner, means), error

    flat = ErrorPower(*(mean.reshape(-1) for mean in state.error_power))
    (carry, means), errors = jax.lax.scan(body, (carry, flat), jnp.arange(num_steps))
    following = AdaptiveState(
        state.taps,
        given[..., num_steps:],
        heard[..., num_steps:],
        ErrorPower(*(mean.reshape(leading) for mean in means)),
    )
    return jnp.transpose(errors).reshape(*leading, num_steps), carry, following


def _one_leading_axis(array: Array, num_kept: int) -> Array:
    """The array with all axes but the last `num_kept` made one."""
    shape = array.shape
    return array.reshape(math.prod(shape[:-num_kept]), *shape[-num_kept:])


def _check(primary: Array, references: Array, state: AdaptiveState) -> None:
    *leading, num_references, _ = state.taps.shape
    names = [f"axis{i}" for i in range(len(leading))]
    sizes = {"r": num_references, **dict(zip(names, leading, strict=True))}
    sizes = check_shape("primary", primary, " ".join([*names, "t"]), sizes)
    check_shape("references", references, " ".join([*names, "r", "t"]), sizes)
    is_complex = jnp.iscomplexobj(state.taps)
    for name, array in (("primary", primary), ("references", references)):
        if jnp.iscomplexobj(array) != is_complex:
            raise ConfigError(
                f"{name} has dtype {array.dtype} and the state {state.taps.dtype}; "
                "give the initial state dtype=complex64 for spectra, float32 for "
                "signals"
            )
