import enum
import math

import numpy as np
import pytest

from spatialjax import errors
from spatialjax.errors import (
    ConfigError,
    ShapeError,
    UserError,
    check_choice,
    check_positive,
    check_shape,
    nearest,
)


def test_every_error_is_a_user_error_and_a_value_error():
    names = ("ShapeError", "ConfigError", "DataError", "CheckpointError", "MediaError")
    for name in names:
        kind = getattr(errors, name)
        assert issubclass(kind, UserError)
        assert issubclass(kind, ValueError)


def test_nearest_names_what_was_meant():
    assert nearest("learning_rat", ["learning_rate", "seed"]) == (
        "did you mean 'learning_rate'?"
    )


def test_nearest_lists_what_is_known_when_nothing_is_near():
    assert nearest("xyz", ["b", "a"]) == "known: a, b"
    assert nearest("xyz", []) == "there are none"


def test_check_shape_returns_the_sizes():
    assert check_shape("x", np.zeros((2, 3, 3)), "b n n") == {"b": 2, "n": 3}
    assert check_shape("x", np.zeros((7, 2, 5)), "... t", {"n": 2})["t"] == 5


@pytest.mark.parametrize(
    ("shape", "pattern", "sizes"),
    [
        ((2, 3), "b", None),
        ((2,), "b n", None),
        ((2, 3), "b b", None),
        ((2, 3), "b 4", None),
        ((2, 3), "b n", {"n": 4}),
        ((3,), "... n t", None),
    ],
)
def test_check_shape_shows_both_shapes(shape, pattern, sizes):
    with pytest.raises(ShapeError) as caught:
        check_shape("thing", np.zeros(shape), pattern, sizes)
    text = str(caught.value)
    assert "thing" in text
    assert str(list(shape)) in text
    assert pattern in text
    assert "\n" not in text


class Colour(enum.StrEnum):
    RED = "red"
    DARK_BLUE = "dark_blue"


def test_a_choice_is_a_member_or_its_value():
    assert check_choice("colour", Colour.RED, Colour) is Colour.RED
    assert check_choice("colour", "dark_blue", Colour) is Colour.DARK_BLUE
    for value in ("DARK_BLUE", None, 3):
        with pytest.raises(ConfigError) as caught:
            check_choice("colour", value, Colour)
        assert str(caught.value) == (
            f"colour is {value!r}, expected one of red, dark_blue"
        )


def test_positive_is_finite_and_at_most_what_is_told():
    for value in (1e-9, 1, 95):
        check_positive("quality", value, 95)
    for value in (0, -1, math.inf, math.nan):
        with pytest.raises(ConfigError, match=r"a positive number$"):
            check_positive("size", value)
    with pytest.raises(ConfigError, match=r"is 96, expected a positive .* at most 95"):
        check_positive("quality", 96, 95)
