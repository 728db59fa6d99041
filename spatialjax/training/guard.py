"""The guard against NaN: it names the step, and never lets the devices run dry."""

from collections import deque
from collections.abc import Callable

import numpy as np

from spatialjax.errors import UserError
from spatialjax.training.step import StepReport
from spatialjax.typing import PyTree

IN_FLIGHT = 2
"""Calls that may be under way unchecked: enough that the host is never waited for."""


class NonFiniteError(UserError):
    """A loss, gradient, parameter or running statistic is NaN or infinite."""


class NonFiniteGuard:
    """Looks at each step's report a little later, when its numbers are there anyway."""

    def __init__(self, fetch: Callable[[PyTree], PyTree]) -> None:
        self._fetch = fetch
        self._waiting: deque[tuple[int, StepReport]] = deque()

    def add(self, step: int, report: StepReport) -> None:
        """Notes the report of a call that was just dispatched; checks an earlier one.

        `step` is the last one of the call; the report has its steps on a leading axis.

        Raises:
          NonFiniteError: names the first step whose numbers are not finite.
        """
        self._waiting.append((step, report))
        if len(self._waiting) > IN_FLIGHT:
            self._check_oldest()

    def check_all(self) -> None:
        """Waits for all steps; raises as `add` does."""
        while self._waiting:
            self._check_oldest()

    def _check_oldest(self) -> None:
        last, report = self._waiting.popleft()
        is_finite = self._fetch(report.is_finite)
        if is_finite.all():
            return
        first = int(np.argmin(is_finite))
        step = last - len(is_finite) + 1 + first
        values = self._fetch(report.scalars)
        shown = ", ".join(
            f"{name} {values[name][first]:.4g}"
            for name in ("loss", "gradient_norm", "parameter_norm")
        )
        raise NonFiniteError(
            f"step {step} is not finite ({shown}) and no checkpoint of it was written; "
            f"look at batch {step - 1} of the data, lower optimizer.learning_rate or "
            "set optimizer.clip_norm"
        )
