"""The fields of a config tree by their paths: listed, looked up, set from a text."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from spatialjax.config.checks import ROOT, check_value
from spatialjax.config.registry import (
    HINTS,
    is_group,
    is_node,
    type_text,
    unknown_field,
)
from spatialjax.config.texts import from_text
from spatialjax.errors import ConfigError


class Setting(NamedTuple):
    """One field of a config: its path, its type in words, its value."""

    path: str
    type: str
    value: Any


def describe(node: Any) -> list[Setting]:
    """Every field below a node, in order, with paths such as ``data.batch_size``."""
    return list(_settings(node, ""))


def hint_of(root: Any, path: str) -> Any:
    """The type of the field or group at a path such as ``data.batch_size``.

    Raises:
      ConfigError: there is no such field; the text names the nearest.
    """
    return _find(root, path)[2]


def override(root: Any, path: str, text: str) -> None:
    """Set one field from a text, as it stands behind ``--config.PATH=``.

    A tuple is written ``1,2`` or ``(1, 2)``, an enum by value or by name, an absent
    value ``none``. Ranges are left to `validate_tree`.

    Raises:
      ConfigError: there is no such field, or the text does not fit its type.
    """
    parent, name, hint = _find(root, path)
    where = f"{ROOT}.{path}"
    if is_group(hint):
        names = ", ".join(_names(_child(parent, name), hint)) or "it has none"
        raise ConfigError(f"{where} is a group; set one of its fields: {names}")
    setattr(parent, name, check_value(hint, from_text(hint, text), where))


def _settings(node: Any, prefix: str) -> Iterator[Setting]:
    for name, hint in _names(node, type(node)).items():
        value = getattr(node, name)
        if is_node(hint):
            yield from _settings(value, f"{prefix}{name}.")
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from _settings(item, f"{prefix}{name}.{key}.")
        else:
            yield Setting(prefix + name, type_text(hint), value)


def _names(node: Any, hint: Any) -> Mapping[str, Any]:
    """Names and types of what stands directly below a node, a dict or a value."""
    if typing.get_origin(hint) is dict:
        return dict.fromkeys(node, typing.get_args(hint)[1])
    return HINTS.get(type(node), {})


def _child(node: Any, name: str) -> Any:
    return node[name] if isinstance(node, dict) else getattr(node, name)


def _find(root: Any, path: str) -> tuple[Any, str, Any]:
    """The parent of a field, the name of the field and its type."""
    parent, node, hint, where, name = None, root, type(root), ROOT, ""
    for name in path.split("."):
        if not is_group(hint):
            raise ConfigError(
                f"{where} ({type_text(hint)}) has no fields, not {name!r}"
            )
        known = _names(node, hint)
        if name not in known:
            raise unknown_field(where, name, known)
        parent, node, hint = node, _child(node, name), known[name]
        where = f"{where}.{name}"
    return parent, name, hint
