"""Settings of an evaluation."""

from dataclasses import dataclass

from spatialjax.config import register
from spatialjax.data import PairRule
from spatialjax.errors import ConfigError, nearest

SWAPPED = "_swapped"
"""Ending of a control suite: the sources of an item trade their pictures."""


@register("evaluation")
@dataclass
class EvaluationConfig:
    """What is scored and how the scores are summed up."""

    suites: tuple[str, ...] = ("class_distinct",)
    """Rules of the pair lists; with the ending ``_swapped`` the same list as a control
    in which each source is shown the pictures of another, or of another clip."""
    num_pairs: int = 256
    """Items of a suite; the rules published and duet take each clip once at most, and
    the rule scene spreads its items over all clips."""
    scene_spacing_s: float = 1.0
    """Time between two items of one clip, for the rule scene."""
    duet_split: str = "duets"
    """Split of the clips that hold several sources, for the rule duet."""
    pair_seed: int = 0
    """Of the pair lists; the published rule has its own."""
    batch_size: int = 32
    """Items of one device batch, over all devices."""
    host_scores: bool = True
    """Also the scores in float64 on the host, such as BSS-eval."""
    num_bootstrap: int = 2000
    """Draws behind the 95 % interval."""
    batch_mean_parity: bool = False
    """Also the mean of the published code, over batches of `batch_size`, in which a
    batch without a valid item counts as 0."""

    def rule_and_split(self, suite: str, split: str) -> tuple[PairRule, str]:
        """The rule of a suite, and the split of its clips: duets have their own."""
        rule = PairRule(suite.removesuffix(SWAPPED))
        return rule, self.duet_split if rule is PairRule.DUET else split

    def validate(self) -> None:
        """Refuse unknown suites and counts out of range.

        Raises:
          ConfigError: names the value and what is expected.
        """
        if not self.suites:
            raise ConfigError("suites is empty; name at least one")
        rules = [rule.value for rule in PairRule]
        for suite in self.suites:
            if suite.removesuffix(SWAPPED) not in rules:
                known = [*rules, *(rule + SWAPPED for rule in rules)]
                raise ConfigError(f"suites holds {suite!r}; {nearest(suite, known)}")
        for name in ("num_pairs", "batch_size", "num_bootstrap"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected >= 1")
        if not self.scene_spacing_s > 0:
            raise ConfigError(
                f"scene_spacing_s is {self.scene_spacing_s}, expected more than 0"
            )
        if len(set(self.suites)) < len(self.suites):
            raise ConfigError(f"suites is {self.suites}; name each of them once")
        if not 0 <= self.pair_seed < 2**63:
            raise ConfigError(f"pair_seed is {self.pair_seed}, expected 0 to 2^63 - 1")
