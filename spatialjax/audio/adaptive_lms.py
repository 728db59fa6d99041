"""Adaptive filters that follow the gradient of one error: LMS and NLMS."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from spatialjax.audio.adaptive import (
    FLOOR_POWER,
    AdaptiveState,
    DoubleTalkGuard,
    ErrorPower,
    from_windows,
    power_of,
    to_windows,
    walk,
    watch_error,
)
from spatialjax.errors import ConfigError
from spatialjax.typing import Array


@functools.partial(jax.jit, static_argnames=("step_size", "leak", "guard"))
def lms(
    primary: Array,
    references: Array,
    state: AdaptiveState,
    *,
    step_size: float,
    leak: float = 0.0,
    guard: DoubleTalkGuard | None = None,
) -> tuple[Array, AdaptiveState]:
    """Errors of the shape of `primary`, and the next state; least mean squares.

    w ← (1 - leak)·w + step_size·e·u* (Widrow and Hoff, 1960). Stable for step sizes
    below 2 / (m·E|x|²) with m taps in all: the limit falls with the power of the
    references. Where that varies, as in music, take `nlms`.

    Args:
      primary: [..., t], float32 or complex64; d in `adaptive`.
      references: [..., r, t]; x in `adaptive`. The leading axes are those of `primary`.
      state: from `init_adaptive` or from the block before.
      step_size: of one adaptation, above 0.
      leak: part of the taps that is forgotten in each step; 1e-5 keeps taps from
        drifting that the references do not determine.
      guard: when the taps rest; None adapts always.

    Raises:
      ShapeError: primary, references and state do not belong together.
      ConfigError: a number is out of range, or one signal complex and another real.
    """
    if not (step_size > 0 and 0 <= leak < 1):
        raise ConfigError(
            f"lms has step_size {step_size} and leak {leak}; give a step above 0 and "
            "below 2 / (taps in all · power of the references), and a leak from 0 to "
            "below 1"
        )

    def gain(window: Array) -> Array:
        return jnp.full(window.shape[2:], step_size, jnp.float32)

    return _descend(primary, references, state, gain, leak, guard)


@functools.partial(
    jax.jit, static_argnames=("step_size", "leak", "floor_power", "guard")
)
def nlms(
    primary: Array,
    references: Array,
    state: AdaptiveState,
    *,
    step_size: float = 0.05,
    leak: float = 0.0,
    floor_power: float = FLOOR_POWER,
    guard: DoubleTalkGuard | None = None,
) -> tuple[Array, AdaptiveState]:
    """Errors of the shape of `primary`, and the next state; LMS of normalised steps.

    w ← (1 - leak)·w + step_size·e·u* / (m·floor_power + |u|²) with m taps in all.
    Stable for step sizes between 0 and 2, whatever the power of the references; useful
    ones are 0.005 to 0.5. All else is as in `lms`.

    Args:
      primary: [..., t], float32 or complex64.
      references: [..., r, t].
      state: from `init_adaptive` or from the block before.
      step_size: of one adaptation, between 0 and 2.
      leak: part of the taps that is forgotten in each step.
      floor_power: mean square under which a reference counts as silent, above 0. Noise
        has in a bin of its spectrum its power times the sum of the squared window.
      guard: when the taps rest; None adapts always.

    Raises:
      ShapeError: primary, references and state do not belong together.
      ConfigError: a number is out of range, or one signal complex and another real.
    """
    if not (0 < step_size < 2 and 0 <= leak < 1 and floor_power > 0):
        raise ConfigError(
            f"nlms has step_size {step_size}, leak {leak} and floor_power "
            f"{floor_power}; give a step between 0 and 2, such as 0.05, a leak from 0 "
            "to below 1 and a power above 0"
        )

    def gain(window: Array) -> Array:
        num_all = window.shape[0] * window.shape[1]
        return step_size / (num_all * floor_power + power_of(window).sum((0, 1)))

    return _descend(primary, references, state, gain, leak, guard)


def _descend(
    primary: Array,
    references: Array,
    state: AdaptiveState,
    gain: Callable[[Array], Array],
    leak: float,
    guard: DoubleTalkGuard | None,
) -> tuple[Array, AdaptiveState]:
    """Errors and state of taps that follow e·u* by a gain [lanes] of the window."""

    def step(
        taps: Array, means: ErrorPower, window: Array, desired: Array
    ) -> tuple[Array, ErrorPower, Array]:
        error = desired - (taps * window).sum((0, 1))
        means, adapts = watch_error(means, error, guard)
        pull = jnp.where(adapts, gain(window), 0.0).astype(error.dtype) * error
        kept = jnp.where(adapts, 1.0 - leak, 1.0).astype(taps.dtype)
        taps = kept[None, None] * taps + pull[None, None] * jnp.conj(window)
        return taps, means, error

    errors, taps, following = walk(
        step, to_windows(state.taps), primary, references, state
    )
    return errors, following._replace(taps=from_windows(taps, state.taps))
