"""The flags ``--config=FILE`` and ``--config.FIELD=VALUE``, by `config_flags`.

`config_flags` finds the overrides on the command line and makes a flag of each. What
it is given to work on is not the config itself but a `_View`, which answers for every
field and takes texts, so that `spatialjax.config` alone decides what fits.
"""

import importlib.util
import os
import pathlib
import re
import typing
from collections import Counter
from collections.abc import Sequence
from typing import Any

from absl import flags
from ml_collections import config_flags

from spatialjax.config import (
    describe,
    from_json,
    hint_of,
    override,
    to_json,
    to_text,
    validate_tree,
)
from spatialjax.errors import ConfigError, nearest

FOLDER = pathlib.Path(__file__).parents[1] / "configs"
"""Where a bare name is looked for."""

_PLACES = ("data.data_dir", "init_from.path")

flags.disclaim_key_flags()  # --help lists them under the program


def config_names() -> list[str]:
    """Names of the configs that come with the library."""
    return sorted(p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_"))


def load_config(name: str) -> Any:
    """What `get_config` gives in a file, or in the file of that name in ``configs/``.

    The config is checked, and its nodes are its own: a copy that shares nothing.

    Raises:
      ConfigError: there is no such file, it holds no `get_config`, it is no Python, or
        the config is wrong.
    """
    bare = re.fullmatch(r"\w*", name) is not None
    path = FOLDER / f"{name}.py" if bare else pathlib.Path(name)
    if not path.exists():
        known = nearest(path.stem, config_names())
        raise ConfigError(f"--config={name}: there is no file {path}; {known}")
    get_config = _run_file(path).get("get_config")
    if not callable(get_config):
        raise ConfigError(f"--config={name}: {path} defines no get_config()")
    config = get_config()
    validate_tree(config)
    return from_json(to_json(config))


def define(argv: Sequence[str], flag_values: flags.FlagValues) -> None:
    """Define ``--config``; `argv` is what will be parsed."""
    names = ", ".join(config_names())
    config_flags.DEFINE_config_file(
        "config",
        help_string=f"the experiment: a Python file with get_config(), or one of "
        f"{names}. --config.FIELD=VALUE behind it changes a field; --print_config "
        "lists them all",
        flag_values=flag_values,
        sys_argv=list(argv),
    )


def prepare(argv: Sequence[str], flag_values: flags.FlagValues) -> Any:
    """The config that a command line names, before its overrides.

    They are checked here for their names and take effect on the returned config when
    `flag_values` parses the same command line.

    Raises:
      ConfigError: ``--config`` is missing, given twice or behind an override, or one
        of the overrides names no field.
    """
    name, overrides = _scan(argv)
    if name is None:
        return None
    config = load_config(name)
    for path, count in Counter(overrides).items():
        hint = hint_of(config, path)
        if count > 1 and typing.get_origin(hint) is tuple:
            raise ConfigError(
                f"--config.{path} is given {count} times; write all items at once, as "
                f"in --config.{path}=1,2"
            )
    flag_values["config"].parser = _Given(_View(config))
    return config


def changed_fields(config: Any, argv: Sequence[str]) -> list[str]:
    """The flags that make the config that a command line names what it has become.

    Fields that say where something lies are left out.
    """
    name, _ = _scan(argv)
    if name is None:
        return []
    before = {path: value for path, _, value in describe(load_config(name))}
    return [
        f"--config.{path}={to_text(value)}"
        for path, _, value in describe(config)
        if before.get(path) != value and path not in _PLACES
    ]


def _run_file(path: pathlib.Path) -> dict[str, Any]:
    """The names that a Python file defines."""
    spec = importlib.util.spec_from_file_location(f"configs.{path.stem}", path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise ConfigError(f"--config={path} is no Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = f"{error.filename}, line {error.lineno}"
        raise ConfigError(f"--config: {error.msg} in {where}") from error
    return vars(module)


def _scan(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """The value of ``--config`` and the paths of the overrides behind it."""
    name, paths = None, []
    tokens = iter(argv[1:])
    for token in tokens:
        flag, equals, value = token.partition("=")
        if token == "--":
            break
        if flag in ("--config", "-config"):
            if name is not None:
                raise ConfigError("--config is given twice; name one experiment")
            name = value if equals else next(tokens, None)
        elif match := re.match(r"--?(?:no)?config\.(.*)", flag):
            if name is None:
                raise ConfigError(
                    f"{flag} changes what --config=FILE holds; put that in front of it"
                )
            paths.append(match[1])
    return name, paths


class _View:
    """A config as `config_flags` sees it: names lead on, values are set as texts."""

    def __init__(self, root: Any, path: str = "") -> None:
        self._root, self._path = root, path

    def _below(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def __contains__(self, name: str) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        path = self._below(name)
        is_switch = hint_of(self._root, path) is bool  # --config.x and --noconfig.x
        return False if is_switch else _View(self._root, path)

    def __setitem__(self, name: str, value: Any) -> None:
        text = str(value)
        text = os.path.expanduser(text) if text.startswith("~/") else text
        override(self._root, self._below(name), text)


class _Text(flags.ArgumentParser):
    """Hands the text of an override on as it is."""

    def parse(self, argument: Any) -> Any:
        return argument


class _Given(flags.ArgumentParser):
    """Stands for a config that is loaded already, whatever the text."""

    def __init__(self, view: _View) -> None:
        self._view = view

    def parse(self, argument: Any) -> Any:
        return self._view

    def flag_type(self) -> str:
        return "config file"


config_flags.register_flag_parser_for_type(_View, _Text())
