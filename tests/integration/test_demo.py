"""`make demo` on the tiny band: one command, then the same command again."""

import json
import re

import numpy as np
import pytest

from tests.integration.user import check_whole, files_of, lines_of, spawn, the_line

pytestmark = pytest.mark.slow


SUITES = {
    "class_distinct": "two instruments of two classes",
    "ideal": "ideal masks (the bound)",
    "class_distinct_swapped": "pictures swapped (the control)",
    "duet": "duets, each instrument cut from one picture",
    "same_class": "two instruments of one class",
}


def demo(folder, **changes):
    flags = {
        "dataset": "toy_band/tiny",
        "steps": 8,
        "output": folder / "demo",
        "data_dir": folder / "data",
    } | changes
    return spawn("demo", *(f"--{name}={value}" for name, value in flags.items()))


def test_builds_trains_scores_and_goes_on(tmp_path):
    done = demo(tmp_path)
    assert done.returncode == 0, done.stderr
    assert lines_of(done) == []
    output = tmp_path / "demo"
    assert f"built {tmp_path / 'data'}" in done.stdout
    assert re.search(r"^trained to step 8 in \d+ s$", done.stdout, re.MULTILINE)
    assert all(words in done.stdout for words in SUITES.values())
    summary = json.loads((output / "summary.json").read_text())
    (suites,) = summary.values()
    assert set(suites) == set(SUITES)
    for metrics in suites.values():
        assert np.isfinite(list(metrics.values())).all()
    assert suites["ideal"]["sdr_improvement_db"] > 5
    page = (output / "report" / "index.html").read_text()
    assert all(name in page for name in SUITES if name != "ideal")
    check_whole(tmp_path)

    before = files_of(output)
    again = demo(tmp_path)
    assert again.returncode == 0, again.stderr
    assert "built" not in again.stdout
    (line,) = lines_of(again)
    assert line.endswith("holds step 8: nothing is left to do")
    after = files_of(output)
    for name in ("summary.json", "seed0/metrics.jsonl", "seed0/scores.json"):
        assert after[name] == before[name]
    assert set(after) == set(before)


def test_an_output_that_is_a_file(tmp_path):
    (tmp_path / "demo").write_text("mine")
    assert f"{tmp_path / 'demo'} is a file" in the_line(demo(tmp_path))
    assert files_of(tmp_path) == {"demo": b"mine"}


def test_it_learns_and_the_picture_decides(tmp_path):
    """A quarter of the demo's steps on its own band: well on the way to its figures."""
    done = demo(tmp_path, dataset="toy_band", steps=300)
    assert done.returncode == 0, done.stderr
    (suites,) = json.loads((tmp_path / "demo" / "summary.json").read_text()).values()
    gains = {name: suites[name]["si_sdr_improvement_db"] for name in SUITES}
    assert gains["class_distinct"] > 3
    assert gains["duet"] > 3
    assert gains["class_distinct_swapped"] < 0
    assert gains["ideal"] > 20
