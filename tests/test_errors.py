import numpy as np
import pytest

from spatialjax import errors
from spatialjax.errors import ShapeError, UserError, check_shape, nearest


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
