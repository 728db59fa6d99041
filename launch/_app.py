"""The front of every program: flags in, one call of `main`, one line for a mistake.

    def main(config: Any) -> None:
        from spatialjax.training import train  # here, so that --help answers at once

        train(config, _WORKDIR.value)

    if __name__ == "__main__":
        _app.run(main, config_flag=True)

A mistake of the user (a `UserError`, a bad flag, a full disk, a path that cannot be
used) is one line on stderr and status 2; ctrl-C is one line and status 130; a reader
of the output who leaves, as in ``| head``, is status 141; a run that the same command
continues is status 75. Anything else is a defect and keeps its traceback.
"""

import contextlib
import errno
import io
import os
import pathlib
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from logging import LogRecord
from typing import Any, NoReturn

from absl import app, flags, logging

from launch import _compiled_programs, _config_flag, _processes
from spatialjax.config import describe, to_text, validate_tree
from spatialjax.errors import ConfigError, UserError, nearest

_READER_LEFT = 141
"""The status that a shell gives a program whose reader left: 128 + SIGPIPE."""

_URLS = ("compilation_cache", "config.init_from.path")
"""Flags of every program that take a URL."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BAD_PATH = {
    errno.EACCES,
    errno.EBUSY,
    errno.EEXIST,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
    errno.EXDEV,
}

flags.disclaim_key_flags()  # --help lists them under the program


def run(
    main: Callable[..., int | None],
    *,
    config_flag: bool = False,
    positional: Sequence[str] = (),
    uses_jax: bool = True,
    several_processes: bool = False,
    urls: Sequence[str] = (),
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Parse the flags, call `main`, exit with its status.

    Args:
      main: takes the checked config where `config_flag` is set, then the positional
        arguments; returns None or a status.
      config_flag: adds ``--config`` (required), ``--config.FIELD`` and
        ``--print_config``.
      positional: names of the arguments without a flag, as ``("A.json", "B.json")``.
      uses_jax: adds ``--compilation_cache`` and sets JAX up before `main` is called.
      several_processes: adds the flags of `_processes` and meets the other processes
        before `main` is called.
      urls: flags whose folder or file may lie in an object store; others refuse a URL.
      argv: the command line, `sys.argv` by default.
    """
    words = list(sys.argv if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names may hold what it cannot show
            stream.reconfigure(errors="backslashreplace")
    given: list[Any] = []

    def parse(args: list[str]) -> list[str]:
        given.extend(read_flags(args, flags.FLAGS, positional, urls))
        return args[:1]

    def start(_: list[str]) -> int | None:
        quieten_libraries(flags.FLAGS)
        if uses_jax:
            set_up_jax(flags.FLAGS.compilation_cache)
        if several_processes:
            _processes.join(flags.FLAGS)
        status = main(*given)
        sys.stdout.flush()
        return status

    with one_line(pathlib.Path(words[0]).stem):
        with _mistakes_in_flags(flags.FLAGS):
            words = flags.FLAGS.read_flags_from_files(words, force_gnu=False)
        define_flags(words, flags.FLAGS, config_flag=config_flag, uses_jax=uses_jax)
        if several_processes:
            _processes.define_flags(flags.FLAGS)
        app.run(start, words, flags_parser=parse)
    raise SystemExit(0)


@contextlib.contextmanager
def one_line(program: str) -> Iterator[None]:
    """Turns a mistake of the user into one line on stderr and an exit."""
    try:
        yield
    except UserError as error:
        if _processes.is_one_of_many() and _processes.is_lost_peer(error):
            _processes.leave_lost()
        text, status = str(error), 2
    except BrokenPipeError:
        if not _reader_left():
            raise
        raise SystemExit(_READER_LEFT) from None
    except OSError as error:
        if not _is_of_user(error):
            raise
        text, status = _os_error_text(error), 2
    except KeyboardInterrupt:
        text, status = "interrupted", _processes.INTERRUPTED
    else:
        return
    words = [f"{program}:", *_processes.own_name(), *text.split()]
    print(" ".join(words), file=sys.stderr)
    if _processes.is_one_of_many():
        _processes.leave(status)
    raise SystemExit(status)


def define_flags(
    argv: Sequence[str],
    flag_values: flags.FlagValues,
    *,
    config_flag: bool,
    uses_jax: bool,
) -> None:
    """Define the flags that programs share; flags may stand behind arguments."""
    flag_values.set_gnu_getopt(True)
    if config_flag:
        _config_flag.define(argv, flag_values)
        flags.DEFINE_boolean(
            "print_config",
            False,
            "list every field of the config with value and type, and exit",
            flag_values=flag_values,
        )
    if uses_jax:
        flags.DEFINE_string(
            "compilation_cache",
            None,
            "folder that keeps compiled programs for the next run; empty for none "
            f"(default: $JAX_COMPILATION_CACHE_DIR or {_default_cache()})",
            flag_values=flag_values,
        )


def read_flags(
    argv: Sequence[str],
    flag_values: flags.FlagValues,
    positional: Sequence[str] = (),
    urls: Sequence[str] = (),
) -> list[Any]:
    """What `main` is called with: the config, where there is one, and the arguments.

    Raises:
      UserError: a flag, a field, a value or an argument is wrong or missing.
    """
    has_config = "config" in flag_values
    config = _config_flag.prepare(argv, flag_values) if has_config else None
    try:
        with _mistakes_in_flags(flag_values):
            rest = flag_values(argv)[1:]
    except _MissingFlagError:
        if config is None or not flag_values["print_config"].value:
            raise
        rest = list(positional)
    _check_positional(rest, positional)
    _check_urls(flag_values, (*urls, *_URLS))
    _find_home(flag_values)
    if not has_config:
        return rest
    if config is None:
        names = ", ".join(_config_flag.config_names())
        raise ConfigError(f"--config is required: a file, or one of {names}")
    validate_tree(config)
    flag_values["config"].value = config
    if flag_values["print_config"].value:
        print_config(config)
        raise SystemExit(0)
    return [config, *rest]


def print_config(config: Any) -> None:
    """Print every field as the flag that sets it, with its type as a comment."""
    rows = [
        (f"--config.{path}={shlex.quote(to_text(value))}", words)
        for path, words, value in describe(config)
    ]
    width = min(60, max(len(setting) for setting, _ in rows))
    for setting, words in rows:
        print(f"{setting:{width}}  # {words}")


def set_up_jax(compilation_cache: str | None) -> None:
    """What holds for the whole process: strict shapes, compiled programs kept.

    Args:
      compilation_cache: a folder; empty for none; None for the folder of the
        environment or, without one, of the user.
    """
    import jax

    jax.config.update("jax_numpy_rank_promotion", "raise")
    if compilation_cache is not None:
        folder = os.path.expanduser(compilation_cache) or None
    else:
        folder = os.environ.get("JAX_COMPILATION_CACHE_DIR") or _default_cache()
    jax.config.update("jax_compilation_cache_dir", folder)
    if folder is not None:
        _compiled_programs.mend(folder)


def quieten_libraries(flag_values: flags.FlagValues) -> None:
    """Let libraries speak from warnings on, unless ``--verbosity`` says otherwise."""
    if "verbosity" in flag_values and not flag_values["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
        # Orbax warns three times of a preemption, which the program tells itself.
        logging.get_absl_logger().addFilter(_is_news)


def _is_news(record: LogRecord) -> bool:
    return "Reached preemption sync point" not in record.getMessage()


def _default_cache() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "spatialjax", "xla")


class _MissingFlagError(UserError):
    """Every flag that was given is right, but a required one was not given."""


@contextlib.contextmanager
def _mistakes_in_flags(flag_values: flags.FlagValues) -> Iterator[None]:
    """Turns what absl finds wrong with a command line into a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except flags.UnrecognizedFlagError as error:
        raise UserError(_unknown_flag_text(error.flagname, flag_values)) from None
    except (flags.Error, ValueError) as error:
        text = re.sub(r"\('Non-boolean .*", "expected true or false", str(error))
        if missing := re.match(r"flag --(\w+)=None: .* other than None", text):
            raise _MissingFlagError(f"--{missing[1]} is required") from None
        raise UserError(text) from None


def _unknown_flag_text(name: str, flag_values: flags.FlagValues) -> str:
    near = nearest(name, (f"--{known}" for known in flag_values))
    if not near.startswith("did you mean"):
        near = "--help lists the flags"
    return f"unknown flag --{name}: {near}"


def _check_positional(given: Sequence[str], names: Sequence[str]) -> None:
    if len(given) < len(names):
        raise UserError(f"{' '.join(names[len(given) :])} is missing")
    if len(given) > len(names):
        raise UserError(
            f"unexpected argument {given[len(names)]!r}; a flag is written --name=value"
        )


def _check_urls(flag_values: flags.FlagValues, urls: Sequence[str]) -> None:
    """Refuse a URL where a path of a disk is meant: it would become a folder."""
    for name in sorted(set(flag_values) - set(urls)):
        value = flag_values[name].value
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and ":/" in text:
                from spatialjax.media import local_path  # which takes a second

                local_path(f"--{name}", text)


def _find_home(flag_values: flags.FlagValues) -> None:
    """Take ``--workdir=~/x`` as meant: a shell leaves a ~ within a word alone."""
    for name in flag_values:
        value = flag_values[name].value
        if isinstance(value, str) and value.startswith("~/"):
            flag_values[name].value = os.path.expanduser(value)


def _reader_left() -> bool:
    """Whether nobody reads stdout any more, as in ``| head``; if so, it is closed."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _is_of_user(error: OSError) -> bool:
    has_path = error.filename is not None
    return error.errno in _NO_ROOM or (has_path and error.errno in _BAD_PATH)


def _os_error_text(error: OSError) -> str:
    place = f" ({error.filename})" if error.filename is not None else ""
    if error.errno in _NO_ROOM:
        return (
            f"no room left to write{place}: {error.strerror}; free some and run again"
        )
    return f"cannot use the path {error.filename!r}: {error.strerror}"
