"""Every command and every line of Python that README and docs show."""

import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

from spatialjax.ambisonics import pixel_to_angles
from spatialjax.config import validate_tree
from tests.launch.front import read

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([\d.]+) \|.*\| `(--config=.*)` \|$", TEXT, re.MULTILINE)
SCALING = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python -m (launch\.\w+ .*)$", TEXT + SCALING, re.MULTILINE)


@pytest.mark.parametrize(("number", "words"), ROWS, ids=[row[0] for row in ROWS])
def test_every_experiment_is_a_config(number, words):
    config = read(*shlex.split(words))[0][0]
    validate_tree(config)
    assert config.task.build().batch_spec["audio"].shape == (2, 1, 65535)
    assert config.data.batch_size == 20
    assert config.task.loss_weight.value == "none"
    per_epoch = {"av_clips/music": 23, "av_clips/vggsound": 9000}[config.data.dataset]
    assert config.training.num_steps == (20 if number == "7.1" else 100) * per_epoch
    assert config.optimizer.schedule.boundaries == (40 * per_epoch, 80 * per_epoch)


def test_the_whole_grid_is_there():
    assert [number for number, _ in ROWS] == [
        *("1.1", "1.2", "1.3", "2", "3.1", "3.2", "4.1", "4.2", "4.3"),
        *("5.1", "5.2", "5.3", "6.1", "6.2", "6.3", "7.1"),
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command):
    name, *words = shlex.split(command)
    source = (ROOT / (name.replace(".", "/") + ".py")).read_text()
    if "several_processes=True" in source:
        source += (ROOT / "launch" / "_processes.py").read_text()
    configured = [word for word in words if word.startswith("--config")]
    if configured:
        validate_tree(read(*configured)[0][0])
    for word in set(words) - set(configured) - {"--print_config"}:
        flag = word.removeprefix("--").partition("=")[0]
        assert f'"{flag}"' in source, flag


@pytest.mark.parametrize("word", re.findall(r"`(--config\.\S+)`", SCALING))
def test_every_setting_of_the_page_of_scale_is_understood(word):
    name, _, value = word.removeprefix("--config.").partition("=")
    words = [word]
    if name == "parallel.num_shards":
        words.append("--config.parallel.strategy=fsdp")
    if not value:
        words = [f"{word}=3"]
    validate_tree(read("--config=pixels_music", *words)[0][0])


def test_there_are_commands():
    assert len(COMMANDS) > 6


def test_the_example_runs():
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"-?\d+\.\d+", done.stdout)) == 2


def test_the_tour_of_sound_fields_runs():
    tour = (ROOT / "docs" / "ambisonics.md").read_text()
    names = {}
    for code in re.findall(r"```python\n(.*?)```", tour, re.DOTALL):
        exec(compile(code, "ambisonics.md", "exec"), names)
    found = names["azimuth_deg"], names["elevation_deg"]
    np.testing.assert_allclose(found, (90, 30), atol=0.01)
    assert names["found_deg"] < 1
    assert 0 < names["spread"] < 1
    assert names["channels"].shape == (6, 48000)
    row, column = np.unravel_index(names["energy"].argmax(), (32, 64))
    azimuth_rad, _ = pixel_to_angles(float(row), float(column), 32, 64)
    assert -0.1 < azimuth_rad < np.pi / 2 + 0.1
    left, right = np.square(names["ears"]).sum(-1)
    assert left > 2 * right


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target
