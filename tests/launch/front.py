"""What the front makes of a command line, without a process for each."""

import pathlib

import pytest
from absl import flags

from launch import _app
from spatialjax.errors import UserError

CONFIG = "--config=" + str(pathlib.Path(__file__).with_name("sample_config.py"))


def read(*words, config_flag=True, uses_jax=False, positional=(), urls=()):
    """What `main` would be called with, and the flags."""
    flag_values = flags.FlagValues()
    flags.DEFINE_string("workdir", "here", "where", flag_values=flag_values)
    flags.DEFINE_integer("num_items", 1, "count", flag_values=flag_values)
    argv = ["program", *words]
    _app.define_flags(argv, flag_values, config_flag=config_flag, uses_jax=uses_jax)
    return _app.read_flags(argv, flag_values, positional, urls), flag_values


def read_config(*words):
    return read(CONFIG, *words)[0][0]


def text_of(*words, **keywords):
    """The one line that a wrong command line gives."""
    with pytest.raises(UserError) as error:
        read(*words, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)
