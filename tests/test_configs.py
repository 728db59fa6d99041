"""Every file of configs/ is an experiment: checked, reloadable, built, overridable."""

import ast
import pathlib

import pytest

from launch import _config_flag
from spatialjax.config import describe, from_json, override, to_json, to_text
from tests.test_layers import parse

NAMES = _config_flag.config_names()


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_it_is_an_experiment_that_reloads_equal(name):
    from spatialjax.training.experiment import Experiment

    config = _config_flag.load_config(name)
    assert type(config) is Experiment
    assert from_json(to_json(config)) == config


def test_each_load_gives_a_config_of_its_own(name):
    first, second = (_config_flag.load_config(name) for _ in range(2))
    first.seed += 1
    assert first != second


def test_it_builds_its_task(name):
    from spatialjax.tasks.base import Trainable

    task = _config_flag.load_config(name).task.build()
    assert isinstance(task, Trainable)
    assert {"example_id", "valid"} <= set(task.batch_spec)


def test_every_field_can_be_given_back_as_a_flag(name):
    config = _config_flag.load_config(name)
    expected = to_json(config)
    for path, _, value in describe(config):
        override(config, path, to_text(value))
    assert to_json(config) == expected


def test_it_is_data(name):
    """One function, no branch, no loop."""
    path = pathlib.Path(_config_flag.FOLDER, f"{name}.py")
    tree = parse(path.name, path.read_text("utf-8")).tree
    logic = (ast.If, ast.For, ast.While, ast.Try, ast.ClassDef, ast.Lambda)
    assert not [node for node in ast.walk(tree) if isinstance(node, logic)]
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert functions == ["get_config"]
