"""Settings of a dataset, some of which a user replaces."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from spatialjax.errors import ConfigError, nearest

Settings = TypeVar("Settings")


def replace_settings(settings: Settings, values: Mapping[str, Any] | None) -> Settings:
    """The settings, a dataclass, with other values for some of its fields.

    Raises:
      ConfigError: there is no such field.
    """
    known = [field.name for field in dataclasses.fields(settings)]  # type: ignore[arg-type]
    for name in values or {}:
        if name not in known:
            raise ConfigError(
                f"there is no setting {name} here: {nearest(name, known)}"
            )
    return dataclasses.replace(settings, **(values or {}))  # type: ignore[type-var]
