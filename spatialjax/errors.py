"""The mistakes of a user: what was given, what was expected, what to do.

A launcher prints the text of a `UserError` as one line and exits with status 2.
Anything else that is raised is a defect of this library and keeps its traceback.
"""

import difflib
import enum
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Choice = TypeVar("Choice", bound=enum.Enum)


class UserError(ValueError):
    """A mistake that the user can mend; its text is one line."""


class ShapeError(UserError):
    """An array has another shape than the function states."""


class ConfigError(UserError):
    """A configuration value is missing, unknown or out of range."""


class DataError(UserError):
    """A dataset, index or batch is missing, broken or of another kind."""


class CheckpointError(UserError):
    """A checkpoint is missing, damaged or belongs to another model."""


class MediaError(UserError):
    """A media file cannot be read or written."""


def nearest(name: str, candidates: Iterable[str], most: int = 3) -> str:
    """The candidates nearest to a name, as a phrase ready for an error text."""
    known = sorted(candidates)
    close = difflib.get_close_matches(name, known, n=most, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    if not known:
        return "there are none"
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"known: {shown}"


def check_choice(name: str, value: object, choices: type[Choice]) -> Choice:
    """The member of an enum that a value is, or whose value it is.

    Raises:
      ConfigError: it is none; the text tells them all.
    """
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(str(choice.value) for choice in choices)
        raise ConfigError(f"{name} is {value!r}, expected one of {known}") from None


def check_positive(name: str, value: float, most: float = math.inf) -> None:
    """Refuse what is not above 0, not finite, or above `most`.

    Raises:
      ConfigError: it is out of range.
    """
    if not 0 < value < math.inf or value > most:
        upper = "" if most == math.inf else f" of at most {most:g}"
        raise ConfigError(f"{name} is {value}, expected a positive number{upper}")


def check_shape(
    name: str, array: Any, pattern: str, sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Sizes of the axes of an array, by the letters of a pattern such as ``"b n t"``.

    A number in the pattern is a fixed size, ``...`` (in front) stands for any leading
    axes, and a letter that occurs twice, or in `sizes`, must have one size.

    Raises:
      ShapeError: the shape does not fit; the text shows both.
    """
    found = dict(sizes or {})
    letters = pattern.split()
    shape = tuple(array.shape)
    if letters[:1] == ["..."]:
        letters = letters[1:]
        trailing = shape[len(shape) - len(letters) :] if letters else ()
    else:
        trailing = shape
    fits = len(trailing) == len(letters)
    for letter, size in zip(letters, trailing, strict=False):
        expected = int(letter) if letter.isdigit() else found.setdefault(letter, size)
        fits = fits and expected == size
    if not fits:
        known = ", ".join(f"{k}={v}" for k, v in (sizes or {}).items())
        raise ShapeError(
            f"{name} has shape {list(shape)}, expected [{pattern}]"
            + (f" with {known}" if known else "")
        )
    return found
