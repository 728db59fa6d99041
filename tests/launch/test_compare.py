import pathlib
import subprocess
import sys

from tests.evaluation.cards import random_card

ROOT = pathlib.Path(__file__).parents[2]


def run_compare(*words):
    command = [sys.executable, "-m", "launch.compare", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_prints_both_side_by_side(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    random_card(step=100).write(first)
    random_card(step=200, seed=1, shift=5.0).write(second)
    done = run_compare(first, second, "--num_bootstrap=200")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"first   {first}: toy, step 100, on toy_band (cdcdcdcd")
    assert lines[1].startswith(f"second  {second}: toy, step 200")
    assert any("sdr_db" in line and "*" in line for line in lines)


def test_refuses_other_items_in_one_line(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    random_card().write(first)
    random_card(items=11).write(second)
    done = run_compare(first, second)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "different items" in done.stderr


def test_needs_two_files(tmp_path):
    done = run_compare(tmp_path / "none.json")
    assert done.returncode == 2
    assert "B.json is missing" in done.stderr
