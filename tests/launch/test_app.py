import errno
import os
import pathlib
import subprocess
import sys

import jax
import orbax.checkpoint as ocp
import pytest
from absl import app, flags, logging
from jax.experimental import multihost_utils

from launch import _app
from spatialjax.config import describe
from spatialjax.errors import ConfigError, DataError, UserError
from tests.config.trees import Experiment
from tests.launch.front import CONFIG, read, read_config, text_of

ROOT = pathlib.Path(__file__).parents[2]


def run_program(*words):
    command = [sys.executable, "-m", "tests.launch.program", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_program_runs_and_its_status_counts():
    done = run_program("--workdir=w", CONFIG, "--config.seed", "7", "--config.flip")
    assert (done.stdout, done.stderr, done.returncode) == ("w 7 BCE False\n", "", 3)


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        ([CONFIG], 2, "program: --workdir is required"),
        (
            [CONFIG, "--workdir=w", "--fail=user"],
            2,
            "program: the index has 2 columns, expected 3",
        ),
        (
            ["--workdir=LICENSE", CONFIG, "--fail=write"],
            2,
            "program: cannot use the path 'LICENSE/below': Not a directory",
        ),
        (
            ["--flagfile=nowhere"],
            2,
            "program: ERROR:: Unable to open flagfile: [Errno 2] No such file or "
            "directory: 'nowhere'",
        ),
    ],
)
def test_a_mistake_is_one_line(words, status, line):
    done = run_program(*words)
    assert (done.stderr, done.stdout, done.returncode) == (line + "\n", "", status)


def test_a_defect_keeps_its_traceback():
    done = run_program(CONFIG, "--workdir=w", "--fail=defect")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: a defect\n")


def test_help_lists_the_flags_of_the_program():
    for word in ("--help", "--helpfull"):
        text = run_program(word).stdout
        for flag in ("--config:", "--[no]print_config:", "--workdir:", "--fail:"):
            assert flag in text.partition("absl.")[0]


def test_print_config_needs_no_other_flag_and_can_be_given_back():
    done = run_program(CONFIG, "--print_config", "--config.name=it's")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(describe(Experiment()))
    assert lines[0].split() == ["--config.name='it'\"'\"'s'", "#", "str"]
    assert "--config.task.loss=bce " in lines[5]
    assert lines[5].endswith("# one of bce, l1, l2")
    words = [line.partition("  #")[0].strip() for line in lines[1:]]
    given = [word.replace("'", "") for word in words]  # as the shell would
    assert read_config(*given) == Experiment()


def test_print_config_shows_what_overrides_made(capsys):
    with pytest.raises(SystemExit) as stop:
        read(CONFIG, "--config.task.size=3,4", "--print_config")
    assert stop.value.code == 0
    assert "--config.task.size='(3, 4)'  " in capsys.readouterr().out
    with pytest.raises(ConfigError, match="seed is -1"):
        read(CONFIG, "--config.seed=-1", "--print_config")


def test_a_required_flag_is_missed_in_one_line(capsys):
    flag_values = flags.FlagValues()
    flags.DEFINE_string("workdir", None, "", flag_values=flag_values, required=True)
    argv = ["program", CONFIG]
    _app.define_flags(argv, flag_values, config_flag=True, uses_jax=False)
    with pytest.raises(UserError, match=r"^--workdir is required$"):
        _app.read_flags(argv, flag_values)
    with pytest.raises(SystemExit) as stop:
        _app.read_flags([*argv, "--print_config"], flag_values)
    assert stop.value.code == 0
    assert "--config.seed=0 " in capsys.readouterr().out


def test_words_behind_two_dashes_are_no_flags():
    assert text_of(CONFIG, "--", "--config.seed=1").startswith(
        "unexpected argument '--c"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "--config is required: a file, or one of "),
        (["--wrkdir=x"], "unknown flag --wrkdir: did you mean '--workdir'?"),
        (["--zzzzzzzz"], "unknown flag --zzzzzzzz: --help lists the flags"),
        (["--num_items=x"], "flag --num_items=x: invalid literal for int() with base "),
        (["--workdir"], "Missing value for flag --workdir"),
        ([CONFIG, "extra"], "unexpected argument 'extra'; a flag is written --name="),
        (["--config.seed=1"], "--config.seed changes what --config=FILE holds; put "),
        (["--config.seed=1", CONFIG], "--config.seed changes what --config=FILE holds"),
        (["--noconfig.flip", CONFIG], "--noconfig.flip changes what --config=FILE "),
        ([CONFIG, CONFIG], "--config is given twice; name one experiment"),
        (["--config"], "Missing value for flag --config"),
        ([CONFIG, "--config.seed"], "Missing value for flag --config.seed"),
        ([CONFIG, "--config.sed=1"], "config has no field 'sed': did you mean 'seed'?"),
        (
            [CONFIG, "--config.optimizer.learning_rat=1"],
            "config.optimizer has no field 'learning_rat': did you mean 'learning_",
        ),
        ([CONFIG, "--config.a-b=1"], "config has no field 'a-b': known: flip, name"),
        ([CONFIG, "--config.=1"], "config has no field ''"),
        ([CONFIG, "--config.__doc__=1"], "config has no field '__doc__'"),
        ([CONFIG, "--config.validate=1"], "config has no field 'validate'"),
        ([CONFIG, "--config.flip.x=1"], "config.flip (bool) has no fields, not 'x'"),
        ([CONFIG, "--config.task=x"], "config.task is a group; set one of its fields"),
        ([CONFIG, "--config.optimizer.groups.new.frozen"], "config.optimizer.groups "),
        ([CONFIG, "--config.seed=1.5"], "config.seed is '1.5', expected int"),
        ([CONFIG, "--config.seed=none"], "config.seed is 'none', expected int"),
        ([CONFIG, "--config.seed=-1"], "config: seed is -1, expected >= 0"),
        ([CONFIG, "--noconfig.seed"], "unknown flag --noconfig.seed: did you mean "),
        (
            [CONFIG, "--config.flip=maybe"],
            "flag --config.flip=maybe: expected true or ",
        ),
        ([CONFIG, "--noconfig.flip=1"], "--noconfig.flip=1 does not take an argument"),
        (
            [CONFIG, "--config.task.loss=l3"],
            "config.task.loss is 'l3', expected one of bce, l1, l2",
        ),
        (
            [CONFIG, "--config.task.size=1,2,3"],
            "config.task.size is (1, 2, 3) of length 3, expected tuple[int, int] of ",
        ),
        (
            [CONFIG, "--config.task.size=1", "--config.task.size=2"],
            "--config.task.size is given 2 times; write all items at once",
        ),
        (
            [CONFIG, "--config.optimizer.learning_rate=-1"],
            "config.optimizer: learning_rate is -1.0, expected >= 0",
        ),
    ],
)
def test_a_wrong_word_gives_one_line(words, line):
    assert text_of(*words).startswith(line)


def test_a_flag_without_a_config_is_unknown_to_other_programs():
    assert text_of("--config=x", config_flag=False).startswith("unknown flag --config:")
    assert read("--workdir=x", config_flag=False)[0] == []


def test_positional_arguments_follow_the_config():
    names = ("A.json", "B.json")
    words, flag_values = read(
        "a", "b", "--workdir=x", config_flag=False, positional=names
    )
    assert (words, flag_values["workdir"].value) == (["a", "b"], "x")
    assert read("a", CONFIG, "b", positional=names)[0] == [Experiment(), "a", "b"]
    keywords = {"config_flag": False, "positional": names}
    assert text_of("a", **keywords) == "B.json is missing"
    assert text_of(**keywords) == "A.json B.json is missing"
    assert text_of("a", "b", "c", **keywords).startswith("unexpected argument 'c'")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DataError("a\n b"), 2, "demo: a b\n"),
        (KeyboardInterrupt(), 130, "demo: interrupted\n"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            2,
            "demo: no room left to write: No space left on device; free some and run "
            "again\n",
        ),
        (
            OSError(errno.EFBIG, "File too large", "a.json"),
            2,
            "demo: no room left to write (a.json): File too large; free some and run "
            "again\n",
        ),
        (
            IsADirectoryError(errno.EISDIR, "Is a directory", "runs"),
            2,
            "demo: cannot use the path 'runs': Is a directory\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "runs"),
            2,
            "demo: cannot use the path 'runs': Permission denied\n",
        ),
    ],
)
def test_what_a_user_can_mend_ends_in_one_line(error, status, line, capsys):
    with pytest.raises(SystemExit) as stop, _app.one_line("demo"):
        raise error
    assert stop.value.code == status
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    "error",
    [
        ValueError("defect"),
        OSError("no number"),
        OSError(errno.EACCES, "of a socket, not of a path"),
        OSError(errno.EBADF, "Bad file descriptor", "x"),
        SystemExit(5),
    ],
)
def test_defects_pass_through(error):
    with pytest.raises(type(error)) as raised, _app.one_line("demo"):
        raise error
    assert raised.value is error


@pytest.fixture
def _jax_settings():
    names = ("jax_numpy_rank_promotion", "jax_compilation_cache_dir")
    before = {name: jax.config.values[name] for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.usefixtures("_jax_settings")
def test_jax_is_set_up(monkeypatch, tmp_path):
    jax.config.update("jax_numpy_rank_promotion", "allow")
    _app.set_up_jax(str(tmp_path))
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path)
    assert jax.config.values["jax_numpy_rank_promotion"] == "raise"
    _app.set_up_jax("")
    assert jax.config.values["jax_compilation_cache_dir"] is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    _app.set_up_jax(None)
    folder = str(tmp_path / "spatialjax" / "xla")
    assert jax.config.values["jax_compilation_cache_dir"] == folder
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "own"))
    _app.set_up_jax(None)
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "own")


def test_the_cache_is_a_flag_of_programs_that_use_jax():
    assert read(uses_jax=True, config_flag=False)[1]["compilation_cache"].value is None
    assert text_of("--compilation_cache=x", config_flag=False).startswith("unknown")


@pytest.mark.usefixtures("_jax_settings")
def test_run_sets_jax_up_and_calls_main(monkeypatch, tmp_path):
    def run_once(start, argv, flags_parser):
        raise SystemExit(start(flags_parser(argv)))

    monkeypatch.setattr(app, "run", run_once)
    monkeypatch.setattr(flags, "FLAGS", flags.FlagValues())
    cache = f"--compilation_cache={tmp_path}"
    calls = []
    with pytest.raises(SystemExit) as stop:
        _app.run(
            lambda *given: calls.append(given),
            config_flag=True,
            positional=["FILE"],
            argv=["program", CONFIG, "song.wav", "--config.flip", cache],
        )
    assert stop.value.code is None
    assert calls == [(Experiment(flip=True), "song.wav")]
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path)


def _run_piped(body):
    """Status and errors of a program whose reader reads one line and leaves."""
    code = f"from launch import _app\n{body}\n_app.run(main, uses_jax=False)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout.readline() == "0\n"
        started.stdout.close()
        errors = started.stderr.read()
    return started.returncode, errors


def test_a_reader_who_leaves_is_no_mistake():
    body = "def main():\n    for i in range(100000): print(i)"
    assert _run_piped(body) == (141, "")


def test_another_broken_pipe_is_a_defect():
    status, errors = _run_piped(
        "import sys\n"
        "def main():\n"
        "    print(0, flush=True)\n"
        "    sys.stdout = sys.stderr\n"
        "    raise BrokenPipeError('a worker died')"
    )
    assert status == 1
    assert errors.strip().endswith("BrokenPipeError: a worker died")


def test_home_is_found_in_flags_and_fields(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    flag_values = flags.FlagValues()
    flags.DEFINE_string("workdir", None, "", flag_values=flag_values)
    words = ["x", "--workdir=~/run"]
    _app.define_flags(words, flag_values, config_flag=False, uses_jax=False)
    _app.read_flags(words, flag_values)
    assert flag_values["workdir"].value == str(tmp_path / "run")
    config = read("--config=pixels_toy", "--config.data.data_dir=~/data")[0][0]
    assert config.data.data_dir == str(tmp_path / "data")


def test_names_that_a_terminal_cannot_show_are_escaped():
    code = "from launch import _app; _app.run(lambda: print('\\u30c1'), uses_jax=False)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\\u30c1\n", "")


@pytest.mark.parametrize("url", ["gs://bucket/run", "s3://bucket/run", "gs:/bucket"])
def test_a_flag_of_a_disk_refuses_a_url(url):
    text = text_of(f"--workdir={url}", config_flag=False)
    assert text.startswith(f"--workdir is {url}, a URL, but is used on a disk; name a")
    words = ("--config=pixels_music", f"--config.data.data_dir={url}")
    assert text_of(*words).startswith(f"--config.data.data_dir is {url}, a URL")


def test_a_flag_that_says_so_takes_a_url():
    url = "gs://bucket/run"
    _, values = read(f"--workdir={url}", config_flag=False, urls=["workdir"])
    assert values["workdir"].value == url
    words = ("--config=pixels_music", f"--config.init_from.path={url}")
    assert read(*words)[0][0].init_from.path == url
    cache = f"--compilation_cache={url}"
    _, values = read(cache, config_flag=False, uses_jax=True)
    assert values["compilation_cache"].value == url


def test_a_preemption_is_left_to_the_program_to_tell(monkeypatch, caplog):
    logger, before = logging.get_absl_logger(), logging.get_verbosity()
    monkeypatch.setattr(logger, "filters", list(logger.filters))
    monkeypatch.setattr(
        multihost_utils, "reached_preemption_sync_point", lambda step: True
    )
    assert ocp.utils.reached_preemption(3)
    assert "preemption" in caplog.text
    caplog.clear()
    _app.quieten_libraries(flags.FLAGS)
    assert ocp.utils.reached_preemption(4)
    logging.warning("another")
    logging.set_verbosity(before)
    assert [record.getMessage() for record in caplog.records] == ["another"]
