"""Typed settings: a closed registry, checks, JSON that reloads equal, flag texts.

A config is a tree of mutable dataclasses, each entered by `register` under a tag:

    @register("optimizer")
    @dataclass
    class OptimizerConfig:
        learning_rate: float = 1e-3
        groups: dict[str, Group] = field(default_factory=dict)

        def validate(self) -> None:
            if self.learning_rate < 0:
                raise ConfigError(f"learning_rate is {self.learning_rate}, ...")

A field is a bool, int, float, str or enum of texts, a tuple of these (or of tuples),
any of these or None, a registered dataclass, or a ``dict[str, registered dataclass]``.
Where several kinds may stand, such as the task of an experiment, the type is a
`typing.Protocol`: every registered dataclass that has its methods fits.
"""

from spatialjax.config.checks import from_json, to_json, validate_tree
from spatialjax.config.fields import Setting, describe, hint_of, override
from spatialjax.config.registry import register
from spatialjax.config.texts import to_text

__all__ = [
    "Setting",
    "describe",
    "from_json",
    "hint_of",
    "override",
    "register",
    "to_json",
    "to_text",
    "validate_tree",
]
