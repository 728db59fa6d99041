"""The adaptive filter that solves least squares at every step: RLS."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from spatialjax.audio.adaptive import (
    FLOOR_POWER,
    AdaptiveState,
    DoubleTalkGuard,
    ErrorPower,
    from_windows,
    init_adaptive,
    power_of,
    to_windows,
    walk,
    watch_error,
)
from spatialjax.errors import ConfigError, check_shape
from spatialjax.typing import Array

INITIAL_ENERGY = 0.1
"""That of 10 samples of a reference of -20 dB of full scale."""


class RlsState(NamedTuple):
    """What the filter remembers between two blocks, with m = r·l taps in all."""

    filter: AdaptiveState
    root: Array
    """[..., m, m], a square root S of P = S Sᴴ, the inverse of the correlation.

    The m taps stand in the order [l, r], the oldest first.
    """
    turn: Array
    """int32 []: the tap that the floor supports next."""


def init_rls(
    num_references: int,
    num_taps: int,
    *,
    delay: int = 0,
    leading: Sequence[int] = (),
    dtype: jax.typing.DTypeLike = jnp.float32,
    initial_energy: float = INITIAL_ENERGY,
) -> RlsState:
    """State of `rls` that has heard nothing: taps are zero and P = I / initial_energy.

    The other arguments are those of `init_adaptive`.

    Args:
      num_references: r.
      num_taps: l, for each reference.
      delay: steps by which the error lags behind the primary signal.
      leading: the axes of the primary signal in front of time.
      dtype: float32 for signals, complex64 for spectra.
      initial_energy: how firmly the taps start at zero: as if each had heard a
        reference of this energy while the primary was 0. At 10 times the power of the
        references, the start neither bursts (4.0 times the peak of the primary for 64
        taps at a tenth of that power, 1.5 times at 10 times it, measured) nor lingers.

    Raises:
      ConfigError: a number is out of range.
    """
    if not initial_energy > 0:
        raise ConfigError(f"initial_energy is {initial_energy}; give one above 0")
    state = init_adaptive(
        num_references, num_taps, delay=delay, leading=leading, dtype=dtype
    )
    num_all = num_references * num_taps
    scale = 1 / math.sqrt(initial_energy)
    root = jnp.broadcast_to(
        jnp.eye(num_all, dtype=dtype) * scale, (*leading, num_all, num_all)
    )
    return RlsState(state, root, jnp.zeros((), jnp.int32))


@functools.partial(
    jax.jit, static_argnames=("forgetting_factor", "floor_power", "guard")
)
def rls(
    primary: Array,
    references: Array,
    state: RlsState,
    *,
    forgetting_factor: float = 0.9999,
    floor_power: float = FLOOR_POWER,
    guard: DoubleTalkGuard | None = None,
) -> tuple[Array, RlsState]:
    """Errors of the shape of `primary`, and the next state; recursive least squares.

    The taps after each step are those that minimise, with λ = `forgetting_factor`,
    ``Σ_i λ^(n - i)·(|d_i - wᵀu_i|² + floor_power·|w|²)``, where the second term comes
    to one tap after another, m-fold. It bounds P where the references leave taps
    undetermined, as tones and silence do: without it P grows by 1 / λ in each step.
    The start adds ``λ^n·initial_energy·|w|²`` after n steps.

    P is held by a square root (Potter, 1963, here with λ): it stays symmetric and
    positive however float32 rounds. One step costs O(m²).

    Args:
      primary: [..., t], float32 or complex64; d in `adaptive`.
      references: [..., r, t]; x in `adaptive`. The leading axes are those of `primary`.
      state: from `init_rls` or from the block before.
      forgetting_factor: at most 1; the filter remembers 1 / (1 - λ) steps.
      floor_power: mean square under which a reference counts as silent. Noise has in
        a bin of its spectrum its power times the sum of the squared window.
      guard: when taps and P rest; None adapts always.

    Raises:
      ShapeError: primary, references and state do not belong together.
      ConfigError: a number is out of range, or one signal complex and another real.
    """
    _check_settings(forgetting_factor, floor_power)
    past = state.filter
    *leading, num_references, num_taps = past.taps.shape
    num_all, lanes = num_references * num_taps, math.prod(leading)
    check_shape("root", state.root, "... m m", {"m": num_all})
    step = functools.partial(
        _step,
        forgetting_factor=forgetting_factor,
        floor=math.sqrt(num_all * floor_power),
        guard=guard,
    )
    carry = (
        jnp.transpose(to_windows(past.taps).reshape(num_all, lanes)),
        state.root.reshape(lanes, num_all, num_all),
        state.turn,
    )
    errors, carry, following = walk(step, carry, primary, references, past)
    taps, root, turn = carry
    windows = jnp.transpose(taps).reshape(num_taps, num_references, lanes)
    following = following._replace(taps=from_windows(windows, past.taps))
    return errors, RlsState(following, root.reshape(state.root.shape), turn)


_Carry = tuple[Array, Array, Array]
"""Taps [lanes, m], root [lanes, m, m], turn []."""


def _step(
    carry: _Carry,
    means: ErrorPower,
    window: Array,
    desired: Array,
    *,
    forgetting_factor: float,
    floor: float,
    guard: DoubleTalkGuard | None,
) -> tuple[_Carry, ErrorPower, Array]:
    taps, root, turn = carry
    dtype = taps.dtype
    heard = jnp.transpose(window.reshape(-1, taps.shape[0]))
    error = desired - (taps * heard).sum(-1)
    means, adapts = watch_error(means, error, guard)
    # Where the taps rest, nothing is heard and nothing forgotten.
    heard = jnp.where(adapts[:, None], heard, jnp.zeros_like(heard))
    decay = jnp.where(adapts, forgetting_factor, 1.0)
    growth = jnp.where(adapts, 1 / math.sqrt(forgetting_factor), 1.0).astype(dtype)
    seen = jnp.einsum("bij,bi->bj", root, heard, precision="highest")
    root, pull = _observe(root, jnp.conj(seen), decay)
    root = growth[:, None, None] * root
    taps = taps + pull * error[:, None]
    # The floor: as if this tap alone had heard something while the primary was 0.
    level = jnp.where(adapts, floor, 0.0)[:, None].astype(dtype)
    row = jax.lax.dynamic_index_in_dim(root, turn, 1, keepdims=False)
    tap = jax.lax.dynamic_slice_in_dim(taps, turn, 1, 1)
    root, pull = _observe(root, level * jnp.conj(row), jnp.ones_like(decay))
    taps = taps - pull * (level * tap)
    return (taps, root, (turn + 1) % taps.shape[1]), means, error


def _observe(root: Array, seen: Array, decay: Array) -> tuple[Array, Array]:
    """Root of P - k (S f)ᴴ, [lanes, m, m], and the gain k = S f / (decay + |f|²).

    `seen` is f = Sᴴu* of what was heard, [lanes, m]. P is not yet divided by the decay.
    """
    total = decay + power_of(seen).sum(-1)
    shrink = (1 / total).astype(root.dtype)
    pull = jnp.einsum("bij,bj->bi", root, seen, precision="highest") * shrink[:, None]
    # Potter: (I - s·f fᴴ)² = I - f fᴴ / total for this s·total.
    share = (1 / (1 + jnp.sqrt(decay / total))).astype(root.dtype)
    change = (share[:, None] * pull)[:, :, None] * jnp.conj(seen)[:, None, :]
    return root - change, pull


def _check_settings(forgetting_factor: float, floor_power: float) -> None:
    if not (0 < forgetting_factor <= 1 and floor_power >= 0):
        raise ConfigError(
            f"forgetting_factor is {forgetting_factor} and floor_power {floor_power}; "
            "give a factor above 0 and at most 1, such as 0.9999, and no negative power"
        )
