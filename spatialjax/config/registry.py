"""The closed registry of config classes, and the types that their fields may have."""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from spatialjax.errors import ConfigError, nearest

_T = TypeVar("_T")

CLASSES: dict[str, type] = {}
"""The registered classes by tag."""

TAGS: dict[type, str] = {}
"""The tags of the registered classes."""

HINTS: dict[type, dict[str, Any]] = {}
"""The types of the fields of each registered class, by name."""


def register(tag: str) -> Callable[[type[_T]], type[_T]]:
    """A class decorator that enters a mutable dataclass in the registry.

    Raises:
      TypeError: the class is no mutable dataclass, the tag is taken, or a field has a
        type that a config cannot hold.
    """

    def enter(cls: type[_T]) -> type[_T]:
        parameters = getattr(cls, "__dataclass_params__", None)
        if parameters is None or parameters.frozen:
            raise TypeError(f"{_full_name(cls)} is no mutable dataclass")
        other = CLASSES.get(tag, cls)
        if _full_name(other) != _full_name(cls):  # equal where a module is run again
            raise TypeError(f"the tag {tag!r} already names {_full_name(other)}")
        known = typing.get_type_hints(cls)
        names = [entry.name for entry in dataclasses.fields(typing.cast(Any, cls))]
        for name in names:
            if not _is_allowed(known[name]):
                raise TypeError(
                    f"{_full_name(cls)}.{name}: a config cannot hold a field of type "
                    f"{known[name]}; spatialjax/config/__init__.py lists those it can"
                )
        CLASSES[tag], TAGS[cls] = cls, tag
        HINTS[cls] = {name: known[name] for name in names}
        return cls

    return enter


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _is_allowed(hint: Any) -> bool:
    if typing.get_origin(hint) is dict:
        key, item = typing.get_args(hint)
        return key is str and is_node(item)
    return _is_value(without_none(hint)) or is_node(hint)


def _is_value(hint: Any) -> bool:
    if typing.get_origin(hint) is tuple:
        items = [arg for arg in typing.get_args(hint) if arg is not ...]
        return bool(items) and all(_is_value(item) for item in items)
    return hint in (bool, int, float, str) or is_enum(hint)


def is_enum(hint: Any) -> bool:
    """Whether a type is an enum whose values are texts."""
    return (
        isinstance(hint, type)
        and issubclass(hint, enum.Enum)
        and all(isinstance(member.value, str) for member in hint)
    )


def is_protocol(hint: Any) -> bool:
    """Whether a type is a Protocol: any registered kind with its methods fits."""
    return Protocol in getattr(hint, "__bases__", ())


def is_node(hint: Any) -> bool:
    """Whether a field of this type holds a registered dataclass."""
    return hint in TAGS or is_protocol(hint)


def is_group(hint: Any) -> bool:
    """Whether a field of this type has fields of its own."""
    return is_node(hint) or typing.get_origin(hint) is dict


def without_none(hint: Any) -> Any:
    """The type T of ``T | None``; any other type as it is."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [arg for arg in typing.get_args(hint) if arg is not types.NoneType]
        return rest[0] if len(rest) == 1 else hint
    return hint


def type_text(hint: Any) -> str:
    """A type in the words of messages and of ``--print_config``."""
    base = without_none(hint)
    if base is not hint:
        return f"{type_text(base)} or none"
    if is_enum(hint):
        return "one of " + ", ".join(member.value for member in hint)
    if args := typing.get_args(hint):
        names = ("..." if arg is ... else type_text(arg) for arg in args)
        return f"{typing.get_origin(hint).__name__}[{', '.join(names)}]"
    return f"of kind {TAGS[hint]!r}" if hint in TAGS else str(hint.__name__)


def value_text(value: Any) -> str:
    """A value in the words of messages, cut short where it is long."""
    if type(value) in TAGS:
        return f"of kind {TAGS[type(value)]!r}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def unknown_field(where: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a field that a node lacks; it names the nearest."""
    return ConfigError(f"{where} has no field {name!r}: {nearest(name, known)}")
