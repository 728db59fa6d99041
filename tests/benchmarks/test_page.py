"""The page says what the files hold, and nothing else."""

import json

import pytest

from spatialjax.benchmarks import benchmark_page, to_json_object
from spatialjax.benchmarks.scores import ScoreSpeed
from spatialjax.errors import DataError
from tests.test_layers import ROOT

SPEED = ScoreSpeed("data", 2, 16, ("loss",), 1234.5678, None)


def write(folder, name, found):
    (folder / f"{name}.json").write_text(json.dumps(found))


def test_a_row_of_each_file(tmp_path):
    one = to_json_object("metrics", "pixels_toy", ["--config.seed=3"], [SPEED, SPEED])
    other = json.loads(json.dumps(one))
    other["machine"]["processor"] = "another one"
    write(tmp_path, "a", one)
    write(tmp_path, "b", other)
    write(tmp_path, "c", {"not_run": ["a batch of 80: no device"]})
    page = benchmark_page(tmp_path)
    row = "| pixels_toy `--config.seed=3` | 16 | 2 | 1230 | – | M1 |"
    assert page.count(row) == 2
    assert page.count(row.replace("M1", "M2")) == 2
    assert "- a batch of 80: no device" in page
    assert "- **M2**:" in page
    assert "another one" in page
    assert "## The training step" not in page
    assert f"jax {one['machine']['versions']['jax']}" in page


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "is not a file that launch.benchmark wrote"),
        ('{"what": "step", "config": "", "machine": {}, "rows": []}', "is not a file"),
        ('{"what": "step", "config": "", "machine": null, "rows": [3]}', "is not a"),
    ],
)
def test_other_files_are_refused(tmp_path, text, match):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=match):
        benchmark_page(tmp_path)


def test_another_measurement_is_refused(tmp_path):
    write(tmp_path, "a", to_json_object("metrics", "", [], []) | {"what": "x"})
    with pytest.raises(DataError, match="measures 'x', expected one of step, input"):
        benchmark_page(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no"):
        benchmark_page(tmp_path)


def test_the_page_of_this_project_is_that_of_its_files():
    folder = ROOT / "docs" / "benchmarks"
    assert folder.with_suffix(".md").read_text("utf-8") == benchmark_page(folder)
