import pytest

from launch import _config_flag
from spatialjax.errors import ConfigError, UserError
from tests.config.trees import Experiment, Group, Loss, Pixels
from tests.launch.front import CONFIG, read, read_config, text_of


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Experiment()),
        (["--config.seed=3"], Experiment(seed=3)),
        (["--config.seed", "3"], Experiment(seed=3)),
        (["-config.seed=3"], Experiment(seed=3)),
        (["--config.seed=3", "--config.seed=4"], Experiment(seed=4)),
        (["--config.flip"], Experiment(flip=True)),
        (["--config.flip=true"], Experiment(flip=True)),
        (["--config.flip", "--noconfig.flip"], Experiment()),
        (["--config.flip", "--config.flip=False"], Experiment()),
        (["--config.name="], Experiment(name="")),
        (["--config.note=a=b, c"], Experiment(note="a=b, c")),
        (["--config.num_workers=4"], Experiment(num_workers=4)),
        (["--config.num_workers=4", "--config.num_workers=none"], Experiment()),
        (["--config.task.loss=L1"], Experiment(task=Pixels(Loss.L1))),
        (["--config.task.loss=l2"], Experiment(task=Pixels(Loss.SQUARED))),
        (["--config.task.loss=squared"], Experiment(task=Pixels(Loss.SQUARED))),
        (["--config.task.size=3,4"], Experiment(task=Pixels(size=(3, 4)))),
        (["--config.task.size=(3, 4)"], Experiment(task=Pixels(size=(3, 4)))),
        (["--config.task.crop=3,4"], Experiment(task=Pixels(crop=(3, 4)))),
        (["--config.task.crop=3,4", "--config.note=none"], None),
    ],
)
def test_overrides(words, expected):
    config = read_config(*words)
    assert config == (expected or Experiment(task=Pixels(crop=(3, 4))))


def test_overrides_inside_groups():
    groups = read_config("--config.optimizer.groups.sound.learning_rate=1e-3")
    assert groups.optimizer.groups == {"sound": Group(1e-3), "frame": Group(1e-4)}
    groups = read_config(
        "--config.optimizer.groups.frame.learning_rate=none",
        "--config.optimizer.groups.frame.frozen",
    )
    assert groups.optimizer.groups["frame"] == Group(None, frozen=True)


def test_the_flag_holds_the_config():
    (config,), flag_values = read(CONFIG, "--config.seed=3")
    assert flag_values["config"].value is config


def write(folder, text, name="own.py"):
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_bare_name_is_looked_for_among_the_configs(tmp_path, monkeypatch):
    monkeypatch.setattr(_config_flag, "FOLDER", tmp_path)
    write(tmp_path, "from tests.launch.sample_config import get_config", "pixels_a.py")
    write(tmp_path, "", "_hidden.py")
    assert _config_flag.config_names() == ["pixels_a"]
    assert _config_flag.load_config("pixels_a") == Experiment()
    with pytest.raises(ConfigError, match=r"pixels_b\.py; did you mean 'pixels_a'\?"):
        _config_flag.load_config("pixels_b")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seed = 3", "defines no get_config"),
        ("get_config = 3", "defines no get_config"),
        ("def get_config(:", "invalid syntax in .*own.py, line 1"),
        ("def get_config(): return {}", "config is {}, expected a registered config"),
        ("def get_config(): pass", "config is None, expected a registered config"),
        (
            "from spatialjax.errors import DataError\n"
            "def get_config(): raise DataError('no clips')",
            "^no clips$",
        ),
        (
            "from tests.config.trees import Experiment\n"
            "def get_config():\n"
            "  config = Experiment()\n"
            "  config.optimizer.lerning_rate = 1e-3\n"
            "  return config",
            "config.optimizer has no field 'lerning_rate': did you mean 'learning_",
        ),
    ],
)
def test_a_wrong_config_file_gives_one_line(text, line, tmp_path):
    with pytest.raises(UserError, match=line):
        read("--config=" + write(tmp_path, text))


def test_a_defect_in_a_config_file_stays_a_defect(tmp_path):
    for text in ("undefined", "def get_config(): return int([])"):
        with pytest.raises((NameError, TypeError)):
            read("--config=" + write(tmp_path, text))


@pytest.mark.parametrize("name", ["nowhere/own.py", "", "own.json"])
def test_a_missing_config_file_gives_one_line(name):
    assert "there is no file" in text_of(f"--config={name}")


def test_a_config_file_is_python(tmp_path):
    path = write(tmp_path, "{}", "own.json")
    assert text_of(f"--config={path}").endswith("own.json is no Python file (.py)")
    assert text_of(f"--config={tmp_path}").endswith("is no Python file (.py)")


def test_nodes_of_a_loaded_config_share_nothing(tmp_path):
    path = write(
        tmp_path,
        "from tests.config.trees import Experiment, Group, Optimizer\n"
        "GROUP = Group()\n"
        "def get_config():\n"
        "  return Experiment(optimizer=Optimizer(groups={'a': GROUP, 'b': GROUP}))",
    )
    (config,), _ = read(f"--config={path}", "--config.optimizer.groups.a.frozen")
    assert config.optimizer.groups == {"a": Group(frozen=True), "b": Group()}
