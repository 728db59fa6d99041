"""Values as texts: what a flag takes and what ``--print_config`` shows."""

import enum
import typing
from typing import Any

from spatialjax.config.registry import is_enum, without_none

_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def to_text(value: Any) -> str:
    """The text of a value that `from_text` reads back."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        items = [_quote(v) if type(v) is str else to_text(v) for v in value]
        return "(" + ", ".join(items) + ("," if len(value) == 1 else "") + ")"
    return str(value.value if isinstance(value, enum.Enum) else value)


def from_text(hint: Any, text: str) -> Any:
    """The value that a text means for a type; the text itself where it means none."""
    base = without_none(hint)
    word = text.strip().casefold()
    if base is not hint and word == "none":
        return None
    if base is bool:
        return _TRUTHS.get(word, text)
    if base in (int, float):
        try:
            return base(text)
        except ValueError:
            return text
    if is_enum(base):
        for member in base:
            if word in (member.value.casefold(), member.name.casefold()):
                return member
    if typing.get_origin(base) is tuple:
        items = _split_items(text)
        args = list(typing.get_args(base))
        args = args[:1] * len(items) if args[-1] is ... else args
        args += args[-1:] * (len(items) - len(args))  # too many: the check will tell
        return tuple(from_text(a, item) for a, item in zip(args, items, strict=False))
    return text


def _quote(text: str) -> str:
    mark = "'" if '"' in text else '"'
    return mark + text + mark


def _split_items(text: str) -> list[str]:
    """Texts of the items of ``a,b`` or ``(a, b)``, without their outer quotes.

    Commas inside brackets or quotes do not separate.
    """
    items, depth, quote = [""], 0, ""
    for character in text.strip():
        if character == "," and depth == 0 and not quote:
            items.append("")
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character in "([{") - (character in ")]}")
        items[-1] += character
    whole = len(items) == 1
    items = [item.strip() for item in items if item.strip()]
    ends = [item[0] + item[-1] if len(item) > 1 else "" for item in items]
    if whole and ends and ends[0] in ("()", "[]"):
        return _split_items(items[0][1:-1])
    quoted = ("''", '""')
    pairs = zip(items, ends, strict=True)
    return [item[1:-1] if end in quoted else item for item, end in pairs]
