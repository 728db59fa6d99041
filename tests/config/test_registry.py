import enum
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from spatialjax.config import from_json, register, to_json
from spatialjax.config.registry import type_text
from tests.config.trees import Experiment, Group, Loss, Optimizer


class Number(enum.Enum):
    ONE = 1


@dataclass
class Unregistered:
    size: int = 1


@pytest.mark.parametrize(
    "hint",
    [
        Any,
        list[int],
        Literal["a"],
        int | str,
        int | float | None,
        dict[str, int],
        dict[int, Group],
        tuple,
        tuple[Any, ...],
        tuple[list[int], ...],
        Number,
        Unregistered,
        Group | None,
        bytes,
        complex,
    ],
)
def test_a_type_that_a_config_cannot_hold_is_a_defect(hint):
    @dataclass
    class Broken:
        field_in_question: hint = None

    with pytest.raises(TypeError, match=r"Broken\.field_in_question: a config cannot"):
        register("sample_broken")(Broken)


def test_a_tag_names_one_class():
    with pytest.raises(TypeError, match=r"'sample_group' already names .*trees\.Group"):
        register("sample_group")(dataclass(type("Group2", (), {})))


def test_a_class_whose_module_is_run_again_takes_its_tag_over():
    def define():
        @register("sample_rerun")
        @dataclass
        class Rerun:
            size: int = 1

        return Rerun

    first, second = define(), define()
    assert type(from_json(to_json(first()))) is second


@pytest.mark.parametrize("decorate", [dataclass(frozen=True), lambda cls: cls])
def test_only_mutable_dataclasses_enter(decorate):
    with pytest.raises(TypeError, match="is no mutable dataclass"):
        register("sample_broken")(decorate(type("Broken", (), {})))


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (float, "float"),
        (int | None, "int or none"),
        (Loss, "one of bce, l1, l2"),
        (tuple[int, ...], "tuple[int, ...]"),
        (tuple[tuple[str, str], ...], "tuple[tuple[str, str], ...]"),
        (Optimizer, "of kind 'sample_optimizer'"),
        (Experiment.__annotations__["task"], "Task"),
    ],
)
def test_types_have_words(hint, text):
    assert type_text(hint) == text
