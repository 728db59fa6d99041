import pytest

from spatialjax.config import describe, hint_of, override, to_text, validate_tree
from spatialjax.errors import ConfigError
from tests.config.trees import Experiment, Loss, OtherTask


def test_every_field_is_described_in_order():
    assert [(s.path, s.type) for s in describe(Experiment())] == [
        ("name", "str"),
        ("seed", "int"),
        ("flip", "bool"),
        ("note", "str or none"),
        ("num_workers", "int or none"),
        ("task.loss", "one of bce, l1, l2"),
        ("task.size", "tuple[int, int]"),
        ("task.crop", "tuple[int, int] or none"),
        ("task.fallback", "one of bce, l1, l2 or none"),
        ("optimizer.learning_rate", "float"),
        ("optimizer.betas", "tuple[float, float]"),
        ("optimizer.boundaries", "tuple[int, ...]"),
        ("optimizer.best", "tuple[tuple[str, str], ...]"),
        ("optimizer.groups.sound.learning_rate", "float or none"),
        ("optimizer.groups.sound.frozen", "bool"),
        ("optimizer.groups.frame.learning_rate", "float or none"),
        ("optimizer.groups.frame.frozen", "bool"),
    ]


def test_what_is_described_can_be_set_to_what_it_is():
    config = Experiment()
    for path, _, value in describe(config):
        override(config, path, to_text(value))
    validate_tree(config)
    assert config == Experiment()


def get(config, path):
    return next(s.value for s in describe(config) if s.path == path)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("name", "none", "none"),
        ("note", "none", None),
        ("note", "some text", "some text"),
        ("seed", "-3", -3),
        ("flip", "True", True),
        ("flip", "0", False),
        ("num_workers", "4", 4),
        ("num_workers", "None", None),
        ("task.loss", "l2", Loss.SQUARED),
        ("task.loss", "squared", Loss.SQUARED),
        ("task.loss", "SQUARED", Loss.SQUARED),
        ("task.fallback", "bce", Loss.BCE),
        ("task.fallback", "none", None),
        ("task.size", "3,4", (3, 4)),
        ("task.size", "(3, 4)", (3, 4)),
        ("task.size", "[3, 4]", (3, 4)),
        ("task.crop", "(3, 4)", (3, 4)),
        ("task.crop", "none", None),
        ("optimizer.learning_rate", "3", 3.0),
        ("optimizer.betas", "0,1e-3", (0.0, 0.001)),
        ("optimizer.boundaries", "", ()),
        ("optimizer.boundaries", "()", ()),
        ("optimizer.boundaries", "7", (7,)),
        ("optimizer.boundaries", "(7,)", (7,)),
        ("optimizer.best", "(('loss', 'min'),)", (("loss", "min"),)),
        ("optimizer.best", "(a,b),(c,d)", (("a", "b"), ("c", "d"))),
        ("optimizer.groups.sound.learning_rate", "1e-3", 1e-3),
        ("optimizer.groups.frame.learning_rate", "none", None),
    ],
)
def test_a_text_sets_a_field(path, text, value):
    config = Experiment()
    override(config, path, text)
    assert get(config, path) == value
    assert type(get(config, path)) is type(value)
    override(config, path, to_text(value))
    assert get(config, path) == value


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("sed", "1", "config has no field 'sed': did you mean 'seed'?"),
        ("", "1", "config has no field ''"),
        ("task.los", "1", "config.task has no field 'los': did you mean 'loss'?"),
        ("task.build", "1", "config.task has no field 'build'"),
        (
            "optimizer.groups.sond.frozen",
            "1",
            "config.optimizer.groups has no field 'sond': did you mean 'sound'?",
        ),
        (
            "optimizer.groups.sound.frozn",
            "1",
            "config.optimizer.groups.sound has no field 'frozn': did you mean 'frozen'",
        ),
        ("seed.low", "1", "config.seed (int) has no fields, not 'low'"),
        ("task", "x", "config.task is a group; set one of its fields: loss, size, "),
        (
            "optimizer.groups",
            "{}",
            "config.optimizer.groups is a group; set one of its fields: sound, frame",
        ),
        ("seed", "1.5", "config.seed is '1.5', expected int"),
        ("seed", "none", "config.seed is 'none', expected int"),
        ("seed", "", "config.seed is '', expected int"),
        ("flip", "maybe", "config.flip is 'maybe', expected bool"),
        ("num_workers", "x", "config.num_workers is 'x', expected int or none"),
        ("task.loss", "l3", "config.task.loss is 'l3', expected one of bce, l1, l2"),
        ("task.fallback", "x", "config.task.fallback is 'x', expected one of bce, l1"),
        (
            "task.size",
            "1,2,3",
            "config.task.size is (1, 2, 3) of length 3, expected tuple[int, int] of "
            "length 2",
        ),
        ("task.size", "1", "config.task.size is (1,) of length 1, expected "),
        ("task.size", "1,x", "config.task.size[1] is 'x', expected int"),
        ("task.size", "(1,2", "config.task.size is ('(1,2',) of length 1, expected "),
        ("optimizer.best", "(a,b)", "config.optimizer.best[0] is ('a',) of length 1"),
        ("optimizer.learning_rate", "fast", "config.optimizer.learning_rate is 'fast'"),
        (
            "optimizer.learning_rate",
            "nan",
            "config.optimizer.learning_rate is nan, expected a finite number",
        ),
    ],
)
def test_a_wrong_path_or_text_is_named(path, text, message):
    config = Experiment()
    with pytest.raises(ConfigError) as error:
        override(config, path, text)
    assert str(error.value).startswith(message)
    assert config == Experiment()


def test_a_path_goes_through_the_kind_that_stands_there():
    config = Experiment(task=OtherTask())
    override(config, "task.order", "3")
    assert config.task == OtherTask(3)
    with pytest.raises(ConfigError, match="has no field 'loss': known: order"):
        override(config, "task.loss", "l1")


def test_hint_of_gives_the_type():
    assert hint_of(Experiment(), "flip") is bool
    assert hint_of(Experiment(), "task.loss") is Loss
