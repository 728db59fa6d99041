"""Checks of a config tree, and its JSON, which reloads equal."""

import dataclasses
import enum
import json
import keyword
import sys
import typing
from typing import Any

from spatialjax.config.registry import (
    CLASSES,
    HINTS,
    TAGS,
    is_enum,
    is_node,
    is_protocol,
    type_text,
    unknown_field,
    value_text,
    without_none,
)
from spatialjax.errors import ConfigError, nearest

ROOT = "config"
"""What the paths in messages begin with: the name of the flag."""

TAG = "class"
"""The entry of a JSON object that holds its tag: a keyword, so never a field."""


def validate_tree(node: Any) -> None:
    """Check every field against its type, then each node by its own `validate`.

    Works from the leaves to the root. In place, ints become floats, lists tuples and
    texts members of an enum where the type of the field asks for it.

    Raises:
      ConfigError: names the path, the value and what was expected.
    """
    if type(node) not in TAGS:
        raise ConfigError(f"{ROOT} is {value_text(node)}, expected a registered config")
    _check_node(node, ROOT)


def to_json(node: Any) -> str:
    """JSON of a config: each node an object that begins with its tag."""
    return json.dumps(_to_plain(node), indent=2, allow_nan=False)


def from_json(text: str) -> Any:
    """The config that `to_json` wrote, checked as by `validate_tree`.

    A field that the text lacks takes its default.

    Raises:
      ConfigError: the text is no JSON, or holds an unknown tag, an unknown field or a
        wrong value.
    """
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{ROOT} is no JSON: {error}") from None
    if not isinstance(plain, dict):
        raise ConfigError(f"{ROOT} is {value_text(plain)}, expected a JSON object")
    node = _from_plain(plain, ROOT)
    _check_node(node, ROOT)
    return node


def check_value(hint: Any, value: Any, path: str) -> Any:
    """The value, converted to its type where nothing is lost; nodes are checked too.

    Raises:
      ConfigError: the value is of another type.
    """
    base = without_none(hint)
    origin = typing.get_origin(base)
    if value is None and base is not hint:
        return None
    if base in (bool, int, str) and type(value) is base:
        return value
    if base is float and isinstance(value, int | float) and type(value) is not bool:
        return _check_float(value, path)
    if is_enum(base) and isinstance(value, base | str):
        for member in base:
            if value is member or value == member.value:
                return member
    if origin is tuple and isinstance(value, tuple | list):
        return _check_tuple(base, value, path)
    if origin is dict and isinstance(value, dict):
        return _check_dict(base, value, path)
    if is_node(base):
        node = _from_plain(value, path) if isinstance(value, dict) else value
        if _fits(node, base):
            _check_node(node, path)
            return node
        value = node
    raise ConfigError(f"{path} is {value_text(value)}, expected {type_text(hint)}")


def _check_float(value: float, path: str) -> float:
    if abs(value) <= sys.float_info.max:
        return float(value)
    raise ConfigError(f"{path} is {value_text(value)}, expected a finite number")


def _check_tuple(hint: Any, value: Any, path: str) -> tuple[Any, ...]:
    args = typing.get_args(hint)
    if args[-1] is ...:
        args = args[:1] * len(value)
    if len(args) != len(value):
        raise ConfigError(
            f"{path} is {value_text(tuple(value))} of length {len(value)}, expected "
            f"{type_text(hint)} of length {len(args)}"
        )
    pairs = enumerate(zip(args, value, strict=True))
    return tuple(check_value(arg, item, f"{path}[{i}]") for i, (arg, item) in pairs)


def _check_dict(hint: Any, value: dict[Any, Any], path: str) -> dict[str, Any]:
    item_hint = typing.get_args(hint)[1]
    for key in value:
        if not (isinstance(key, str) and key.isidentifier()) or keyword.iskeyword(key):
            raise ConfigError(
                f"{path} has the key {key!r}, expected a name of letters, digits and _ "
                f"so that --{path}.NAME reaches it"
            )
    return {k: check_value(item_hint, item, f"{path}.{k}") for k, item in value.items()}


def _check_node(node: Any, path: str) -> None:
    hints = HINTS[type(node)]
    for name in getattr(node, "__dict__", {}):
        if name not in hints and not hasattr(type(node), name):
            raise unknown_field(path, name, hints)  # a misspelt assignment
    for name, hint in hints.items():
        setattr(node, name, check_value(hint, getattr(node, name), f"{path}.{name}"))
    validate = getattr(node, "validate", None)
    if validate is not None:
        try:
            validate()
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def _fits(node: Any, hint: Any) -> bool:
    if type(node) not in TAGS:
        return False
    if not is_protocol(hint):
        return isinstance(node, hint)
    return all(hasattr(node, name) for name in vars(hint) if not name.startswith("_"))


def _to_plain(value: Any) -> Any:
    if type(value) in TAGS:
        names = HINTS[type(value)]
        items = {name: _to_plain(getattr(value, name)) for name in names}
        return {TAG: TAGS[type(value)]} | items
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


def _from_plain(plain: dict[Any, Any], path: str) -> Any:
    """The node of a JSON object; its fields are still to be checked."""
    tag = plain.get(TAG)
    if not isinstance(tag, str):
        raise ConfigError(f"{path} lacks {TAG!r}, the tag of a registered config")
    if tag not in CLASSES:
        raise ConfigError(f"{path} is of unknown kind {tag!r}: {nearest(tag, CLASSES)}")
    cls = CLASSES[tag]
    values = {name: value for name, value in plain.items() if name != TAG}
    for name in values:
        if name not in HINTS[cls]:
            raise unknown_field(path, name, HINTS[cls])
    for entry in dataclasses.fields(cls):
        defaults = (entry.default, entry.default_factory)
        if entry.name not in values and defaults == (dataclasses.MISSING,) * 2:
            raise ConfigError(f"{path} lacks the field {entry.name!r}")
    return cls(**values)
