"""A warm start: parameters and statistics of another run, chosen by path."""

import re
from dataclasses import dataclass

from spatialjax.config import register
from spatialjax.errors import CheckpointError, ConfigError, nearest
from spatialjax.media import as_place
from spatialjax.tasks.base import Variables
from spatialjax.training.checkpoint import Checkpoints, abstract
from spatialjax.training.paths import flatten, unflatten


@register("init_from")
@dataclass
class InitFrom:
    """Which arrays come from which checkpoint; the rest keep their random start."""

    path: str | None = None  # a workdir; None: no warm start
    checkpoint: str = "latest"  # "latest", a step, or best by a rule as "loss:min"
    include: str = ".*"  # regular expression of the whole path, as "frame/.*"
    exclude: str | None = None  # taken away from what `include` holds

    def validate(self) -> None:
        """Raises ConfigError for a pattern that is no regular expression."""
        for pattern in (self.include, self.exclude or ""):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ConfigError(
                    f"init_from pattern {pattern!r} is no regular expression: {error}"
                ) from error

    def holds(self, path: str) -> bool:
        """Whether a path such as ``"frame/conv1/kernel"`` is taken over."""
        if self.exclude is not None and re.fullmatch(self.exclude, path):
            return False
        return re.fullmatch(self.include, path) is not None


def warm_start(config: InitFrom, variables: Variables) -> Variables:
    """The variables with those chosen replaced; unchanged where no path is given.

    Raises:
      CheckpointError: the checkpoint is missing or damaged, or lacks what is chosen.
      ConfigError: the patterns choose no parameter.
    """
    if config.path is None:
        return variables
    own = flatten(abstract(variables))
    chosen = {path: array for path, array in own.items() if config.holds(_short(path))}
    if not any(path.startswith("params/") for path in chosen):
        raise ConfigError(
            f"init_from.include={config.include!r} with exclude={config.exclude!r} "
            "chooses no parameter; "
            + nearest(config.include, [_short(path) for path in own])
        )
    if not as_place(config.path).is_dir():
        raise CheckpointError(f"init_from.path={config.path!r} is no workdir")
    with Checkpoints(config.path) as checkpoints:
        step = checkpoints.find(config.checkpoint)
        taken = checkpoints.restore_leaves(step, chosen)
    fresh = flatten(variables)
    return unflatten(fresh | taken, variables)


def _short(path: str) -> str:
    """A path without the leading ``params`` or ``state``."""
    return path.partition("/")[2]
