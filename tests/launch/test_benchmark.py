"""The program: one object whose figures fit together, of every system."""

import json

import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.inference import FieldStream, time_stream
from spatialjax.training import Experiment
from tests.inference.field_fakes import RATE_HZ, constant, directional, model_of
from tests.launch.programs import program
from tests.training.runs import FakeConfig, make_experiment


def experiment(task):
    return Experiment(name="tiny", task=task, data=DataConfig(image_spacing_s=0.2))


def run(capsys, made, **values):
    """The object that the program prints, and writes."""
    with program("benchmark", **values) as benchmark:
        benchmark.main(made)
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("task", [directional(), constant()], ids=["sees", "blind"])
def test_figures_of_a_stream_fit_together(tmp_path, task, capsys):
    output = tmp_path / "speed.json"
    whole = run(
        capsys,
        experiment(task),
        what="spatialize",
        seconds=2.0,
        windows=2,
        output=str(output),
    )
    assert whole == json.loads(output.read_text())
    assert (whole["what"], whole["config"]) == ("spatialize", "tiny")
    assert whole["machine"]["versions"]["jax"]
    (found,) = whole["rows"]
    window_s = found["window_s"]
    assert found["num_windows"] * window_s >= 2
    assert found["num_windows"] % found["num_windows_per_call"] == 0
    rate = found["windows_per_s"] * window_s
    assert found["real_time_factor"] == pytest.approx(rate, rel=1e-4)
    assert 0 < found["call_s_p50"] <= found["call_s_p90"]
    assert found["latency_s"] * RATE_HZ == pytest.approx(
        round(found["latency_s"] * RATE_HZ), rel=1e-4
    )


def test_a_sweep_has_a_row_for_each_combination(capsys, small_peaks):
    made = make_experiment(task=FakeConfig(), data=DataConfig(batch_size=8))
    values = {"parallel": ["data", "fsdp"], "batch": ["4", "8"], "calls": 1}
    whole = run(capsys, made, what="step", **values)
    found = [(row["strategy"], row["batch_size"]) for row in whole["rows"]]
    assert found == [("data", 4), ("data", 8), ("fsdp", 4), ("fsdp", 8)]


def test_scores_are_measured(capsys):
    made = make_experiment(task=FakeConfig())
    (row,) = run(capsys, made, what="metrics", calls=1)["rows"]
    assert row["names"] == ["error", "loss", "peak_error"]


def test_a_page_is_written_beside_its_folder(tmp_path, capsys):
    made = make_experiment(task=FakeConfig())
    folder = tmp_path / "speed"
    folder.mkdir()
    run(capsys, made, what="metrics", calls=1, output=str(folder / "a.json"))
    with program("benchmark_page") as page:
        page.main(str(folder))
    assert (tmp_path / "speed.md").read_text().startswith("# Benchmarks")
    assert capsys.readouterr().out.strip() == str(tmp_path / "speed.md")


def test_each_call_runs_the_program_once(monkeypatch):
    ran = []
    run = FieldStream._run
    monkeypatch.setattr(
        FieldStream, "_run", lambda *args: ran.append(args[-1]) or run(*args)
    )
    speed = time_stream(model_of(constant()), 0.5, 2)
    assert ran == [2] * (1 + speed.num_windows // 2)


def test_a_task_that_makes_no_sound_field_is_told():
    with (
        program("benchmark", what="spatialize") as benchmark,
        pytest.raises(ConfigError, match="PlainTask makes no sound field"),
    ):
        benchmark.main(experiment(FakeConfig()))
