"""Rules such as ``"sdr_db:max"``, by which one of several checkpoints is the best."""

from collections.abc import Collection, Mapping, Sequence

from spatialjax.errors import ConfigError, nearest


def parse_rule(rule: str) -> tuple[str, float]:
    """The metric of a rule such as ``"sdr_db:max"``, and 1 for max or -1 for min."""
    name, _, direction = rule.partition(":")
    if not name or direction not in ("min", "max"):
        raise ConfigError(f"best holds {rule!r}, expected 'metric:min' or 'metric:max'")
    return name, 1.0 if direction == "max" else -1.0


def check_rules(
    rules: Sequence[str], names: Collection[str], source: str = "validation"
) -> None:
    """Whether a source of scores has the metric of each rule.

    Raises:
      ConfigError: names the rule, and the nearest of the names.
    """
    for rule in rules:
        name = parse_rule(rule)[0]
        if name not in names:
            raise ConfigError(
                f"config.checkpoint.best holds {rule!r}, but {source} gives no "
                f"{name!r}; {nearest(name, names)}"
            )


def best_step(scores: Mapping[int, Mapping[str, float]], rule: str) -> int | None:
    """The step with the best finite score, the latest among equals; None if none."""
    name, sign = parse_rule(rule)
    found = [
        (sign * values[name], step) for step, values in scores.items() if name in values
    ]
    return max(found)[1] if found else None
