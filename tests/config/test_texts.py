import pytest

from spatialjax.config.texts import from_text, to_text


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        (" ( a , b ) ", ("a", "b")),
        ("1,1.10,none", ("1", "1.10", "none")),
        ("'a,b',c", ("a,b", "c")),
        ('"(a|b)"', ("(a|b)",)),
        ("a{1,2},b[2,3]", ("a{1,2}", "b[2,3]")),
        ("'',x", ("", "x")),
        ("a,,b,", ("a", "b")),
        (r"frame/.*\.bias", (r"frame/.*\.bias",)),
    ],
)
def test_items_of_texts(text, items):
    assert from_text(tuple[str, ...], text) == items


@pytest.mark.parametrize(
    "value",
    [
        (),
        ("",),
        ("a, b",),
        ("(a|b)",),
        ('say "a"', "it's"),
        (r"frame/fc\..*", "none"),
        ("[x]", "(", "'"),
    ],
)
def test_tuples_of_texts_come_back(value):
    assert from_text(tuple[str, ...], to_text(value)) == value


def test_nested_tuples_come_back():
    value = (((1, 2), (3, 4)), ((5, 6), (7, 8)))
    inner = tuple[tuple[int, int], ...]
    assert from_text(tuple[inner, ...], to_text(value)) == value
    assert from_text(tuple[inner, ...], to_text(value[:1])) == value[:1]
