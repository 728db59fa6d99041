import json
import math
import sys

import numpy as np
import pytest

from spatialjax.config import from_json, to_json, validate_tree
from spatialjax.errors import ConfigError
from tests.config.trees import Experiment, Group, Loss, Optimizer, OtherTask, Pixels


def experiment(**fields):
    return Experiment(**fields)


def test_json_reloads_equal():
    config = experiment(
        name='a "quoted" name, größer\n',
        note=None,
        num_workers=3,
        task=OtherTask(order=3),
        optimizer=Optimizer(groups={"all": Group(0.1, frozen=True)}, boundaries=(3, 4)),
    )
    validate_tree(config)
    again = from_json(to_json(config))
    assert again == config
    assert type(again.task) is OtherTask
    assert to_json(again) == to_json(config)


def test_floats_reload_bit_by_bit():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**63, 2000).astype(np.uint64).view(np.float64)
    values = [float(v) for v in values if math.isfinite(v)]
    values += [0.1 + 0.2, 5e-324, sys.float_info.max, sys.float_info.min, -0.0]
    for value in values:
        config = Group(learning_rate=value)
        assert repr(from_json(to_json(config)).learning_rate) == repr(value)


def test_an_object_begins_with_its_tag():
    plain = json.loads(to_json(experiment()))
    assert next(iter(plain)) == "class"
    assert plain["task"]["class"] == "sample_pixels"
    assert plain["optimizer"]["groups"]["frame"] == {
        "class": "sample_group",
        "learning_rate": 1e-4,
        "frozen": False,
    }


def test_a_field_that_the_text_lacks_takes_its_default():
    assert from_json('{"class": "sample_experiment", "seed": 3}') == experiment(seed=3)


def test_values_are_converted_where_nothing_is_lost():
    config = experiment(
        task=Pixels(loss="l1", size=[3, 4], fallback="l2"),
        optimizer=Optimizer(learning_rate=1, betas=(0, 1)),
    )
    validate_tree(config)
    assert config.task == Pixels(Loss.L1, (3, 4), None, Loss.SQUARED)
    assert type(config.optimizer.learning_rate) is float
    assert [type(beta) for beta in config.optimizer.betas] == [float, float]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (experiment(seed=1.0), "config.seed is 1.0, expected int"),
        (experiment(seed=True), "config.seed is True, expected int"),
        (experiment(seed=np.int64(3)), "config.seed is np.int64(3), expected int"),
        (experiment(seed=None), "config.seed is None, expected int"),
        (experiment(flip=1), "config.flip is 1, expected bool"),
        (experiment(name=b"x"), "config.name is b'x', expected str"),
        (experiment(note=3), "config.note is 3, expected str or none"),
        (experiment(task=3), "config.task is 3, expected Task"),
        (
            experiment(task=Optimizer()),
            "config.task is of kind 'sample_optimizer', expected Task",
        ),
        (
            experiment(optimizer=Group()),
            "config.optimizer is of kind 'sample_group', expected of kind "
            "'sample_optimizer'",
        ),
        (
            experiment(task=Pixels(loss="l3")),
            "config.task.loss is 'l3', expected one of bce, l1, l2",
        ),
        (
            experiment(task=Pixels(size=(1, 2, 3))),
            "config.task.size is (1, 2, 3) of length 3, expected tuple[int, int] of "
            "length 2",
        ),
        (
            experiment(task=Pixels(size=(1, "2"))),
            "config.task.size[1] is '2', expected int",
        ),
        (
            experiment(optimizer=Optimizer(learning_rate=math.inf)),
            "config.optimizer.learning_rate is inf, expected a finite number",
        ),
        (
            experiment(optimizer=Optimizer(learning_rate=math.nan)),
            "config.optimizer.learning_rate is nan, expected a finite number",
        ),
        (
            experiment(optimizer=Optimizer(betas=(0.9, 10**400))),
            f"config.optimizer.betas[1] is {'1' + '0' * 56}..., expected a finite "
            "number",
        ),
        (
            experiment(optimizer=Optimizer(learning_rate=True)),
            "config.optimizer.learning_rate is True, expected float",
        ),
        (
            experiment(optimizer=Optimizer(learning_rate=-1.0)),
            "config.optimizer: learning_rate is -1.0, expected >= 0",
        ),
        (experiment(seed=-1), "config: seed is -1, expected >= 0"),
        (
            experiment(optimizer=Optimizer(groups={"frame-net": Group()})),
            "config.optimizer.groups has the key 'frame-net', expected a name of "
            "letters, digits and _ so that --config.optimizer.groups.NAME reaches it",
        ),
        (
            experiment(optimizer=Optimizer(groups={"a": 3})),
            "config.optimizer.groups.a is 3, expected of kind 'sample_group'",
        ),
        (
            experiment(optimizer=Optimizer(groups=[])),
            "config.optimizer.groups is [], expected dict[str, of kind 'sample_group']",
        ),
        ({"seed": 3}, "config is {'seed': 3}, expected a registered config"),
    ],
)
def test_a_wrong_value_is_named_with_its_path(config, message):
    with pytest.raises(ConfigError) as error:
        validate_tree(config)
    assert str(error.value) == message


def test_a_keyword_is_no_key():
    with pytest.raises(ConfigError, match="has the key 'lambda'"):
        validate_tree(Optimizer(groups={"lambda": Group()}))


def test_a_misspelt_assignment_is_found():
    config = experiment()
    config.optimizer.learning_rates = 3e-4
    with pytest.raises(ConfigError) as error:
        validate_tree(config)
    assert str(error.value).startswith(
        "config.optimizer has no field 'learning_rates': did you mean 'learning_rate'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "config is [], expected a JSON object"),
        ("{}", "config lacks 'class', the tag of a registered config"),
        ('{"class": 3}', "config lacks 'class', the tag of a registered config"),
        (
            '{"class": "sample_experimnt"}',
            "config is of unknown kind 'sample_experimnt': did you mean "
            "'sample_experiment'",
        ),
        (
            '{"class": "sample_experiment", "sed": 1}',
            "config has no field 'sed': did you mean 'seed'?",
        ),
        (
            '{"class": "sample_experiment", "task": {"class": "sample_pixls"}}',
            "config.task is of unknown kind 'sample_pixls': did you mean "
            "'sample_pixels'",
        ),
        (
            '{"class": "sample_experiment", "optimizer": {"class": "sample_optimizer", '
            '"groups": {"a": {"class": "sample_group", "frozn": true}}}}',
            "config.optimizer.groups.a has no field 'frozn': did you mean 'frozen'?",
        ),
        (
            '{"class": "sample_experiment", "seed": "1"}',
            "config.seed is '1', expected int",
        ),
        (
            '{"class": "sample_group", "learning_rate": 1e999}',
            "config.learning_rate is inf, expected a finite number",
        ),
        (
            '{"class": "sample_group", "learning_rate": NaN}',
            "config.learning_rate is nan, expected a finite number",
        ),
        (
            '{"class": "sample_experiment", "seed": -1}',
            "config: seed is -1, expected >= 0",
        ),
    ],
)
def test_wrong_json_is_named_with_its_path(text, message):
    with pytest.raises(ConfigError) as error:
        from_json(text)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_field_without_default_must_be_there():
    from dataclasses import dataclass

    from spatialjax.config import register

    @register("sample_needy")
    @dataclass
    class Needy:
        size: int

    assert from_json('{"class": "sample_needy", "size": 2}') == Needy(2)
    with pytest.raises(ConfigError, match="config lacks the field 'size'"):
        from_json('{"class": "sample_needy"}')
