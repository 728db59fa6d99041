"""Which filter runs after a separation, and how: settings, and the filter they name."""

import dataclasses
import enum
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from spatialjax.audio.adaptive import (
    FLOOR_POWER,
    DoubleTalkGuard,
    init_adaptive,
)
from spatialjax.audio.adaptive_lms import lms, nlms
from spatialjax.audio.adaptive_rls import INITIAL_ENERGY, init_rls, rls
from spatialjax.errors import ConfigError
from spatialjax.typing import Array, PyTree


class PostFilter(enum.StrEnum):
    """What is done to the estimates of a mixture's sources."""

    NONE = "none"
    MIXTURE_CONSISTENCY = "mixture_consistency"
    """What is missing from the mixture is shared out equally."""
    WIENER = "wiener"
    """The mixture is shared out by the powers of the estimates; spectra only."""
    LMS = "lms"
    NLMS = "nlms"
    RLS = "rls"

    @property
    def is_adaptive(self) -> bool:
        """Whether it learns from a reference what to remove."""
        return self in (PostFilter.LMS, PostFilter.NLMS, PostFilter.RLS)


class PostFilterPrimary(enum.StrEnum):
    """From what an adaptive filter removes the other estimates."""

    ESTIMATE = "estimate"
    MIXTURE = "mixture"


@dataclasses.dataclass(frozen=True)
class PostFilterSettings:
    """Which filter and how; what a kind has no use for is left aside."""

    kind: PostFilter = PostFilter.NONE
    primary: PostFilterPrimary = PostFilterPrimary.ESTIMATE
    """Of `postfilter`."""
    num_taps: int = 16
    """For each reference: 8 to 64 samples of signals, 1 to 4 frames of spectra."""
    delay: int = 0
    """Of `cancel_reference`: steps that the result lags behind, for what reaches the
    primary first."""
    step_size: float = 0.05
    """Of nlms; of lms too, there below 2 / (taps in all · power)."""
    leak: float = 0.0
    """Of lms and nlms: part of the taps that is forgotten in each step."""
    forgetting_factor: float = 0.9999
    """Of rls: 1 - 1 / steps, steps being samples of signals or frames of spectra."""
    floor_power: float = FLOOR_POWER
    """Of nlms and rls: power under which a reference is silent."""
    initial_energy: float = INITIAL_ENERGY
    """Of rls: how firmly the taps start at zero."""
    guard: DoubleTalkGuard | None = None


def init_filter(
    settings: PostFilterSettings,
    num_references: int,
    leading: Sequence[int],
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> PyTree:
    """State of the adaptive filter of these settings, as `init_adaptive` takes it.

    Raises:
      ConfigError: the kind is not adaptive, or a number is out of range.
    """
    _check_adaptive(settings)
    num_taps, delay = settings.num_taps, settings.delay
    if settings.kind == PostFilter.RLS:
        return init_rls(
            num_references,
            num_taps,
            delay=delay,
            leading=leading,
            dtype=dtype,
            initial_energy=settings.initial_energy,
        )
    return init_adaptive(
        num_references, num_taps, delay=delay, leading=leading, dtype=dtype
    )


def run_filter(
    settings: PostFilterSettings, primary: Array, references: Array, state: PyTree
) -> tuple[Array, PyTree]:
    """Errors [..., t] of primary [..., t] and references [..., r, t]; the next state.

    Raises:
      ShapeError: primary, references and state do not belong together.
      ConfigError: the kind is not adaptive, or a number is out of range.
    """
    _check_adaptive(settings)
    guard, floor_power = settings.guard, settings.floor_power
    step_size, leak = settings.step_size, settings.leak
    if settings.kind == PostFilter.RLS:
        return rls(
            primary,
            references,
            state,
            forgetting_factor=settings.forgetting_factor,
            floor_power=floor_power,
            guard=guard,
        )
    if settings.kind == PostFilter.LMS:
        return lms(
            primary, references, state, step_size=step_size, leak=leak, guard=guard
        )
    return nlms(
        primary,
        references,
        state,
        step_size=step_size,
        leak=leak,
        floor_power=floor_power,
        guard=guard,
    )


def _check_adaptive(settings: PostFilterSettings) -> None:
    if not settings.kind.is_adaptive:
        raise ConfigError(
            f"the filter of a reference has kind {str(settings.kind)!r}; give rls, "
            "nlms or lms"
        )
