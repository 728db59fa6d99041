"""The program: one object whose figures fit together, of every system."""

import json

import jax
import pytest

from launch._config_flag import changed_fields, load_config
from spatialjax.benchmarks.measure import MEASURES, SWEPT
from spatialjax.benchmarks.page import TABLES
from spatialjax.benchmarks.scores import ScoreSpeed
from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.inference import FieldStream, time_stream
from spatialjax.training import Experiment, Strategy
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


def test_rows_before_a_failure_are_kept(capsys, monkeypatch, small_peaks, tmp_path):
    full = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    def measure(experiment, effort):
        if experiment.data.batch_size > 4:
            raise full
        return [ScoreSpeed("data", 1, 4, (), 1.0, None)]

    monkeypatch.setitem(MEASURES, "step", measure)
    made = make_experiment(task=FakeConfig(), data=DataConfig(batch_size=8))
    output = tmp_path / "a.json"
    values = {"what": "step", "batch": ["4", "8"], "output": str(output)}
    with pytest.raises(ConfigError, match="a batch of 8 takes more memory than the"):
        run(capsys, made, **values)
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 1
    assert len(json.loads(output.read_text())["rows"]) == 1


def test_each_run_of_a_sweep_has_a_folder(capsys, monkeypatch):
    seen = []
    monkeypatch.setitem(MEASURES, "train", lambda _, effort: seen.append(effort) or [])
    made = make_experiment(task=FakeConfig(), data=DataConfig(batch_size=8))
    with program("benchmark", what="train", workdir="w", batch=["4", "8"]) as benchmark:
        benchmark.main(made)
    assert [effort.workdir for effort in seen] == ["w/0", "w/1"]


@pytest.mark.parametrize(
    ("what", "sweep"), [("metrics", "batch"), ("input", "dtype"), ("stft", "parallel")]
)
def test_a_sweep_without_effect_is_refused(what, sweep):
    values = {"what": what, sweep: ["x"]}
    with (
        program("benchmark", **values) as benchmark,
        pytest.raises(ConfigError, match=f"{what} does not depend on {sweep}; sweep"),
    ):
        benchmark.main(make_experiment(task=FakeConfig()))


def test_what_is_measured_has_one_name_everywhere():
    with program("benchmark") as benchmark:
        assert set(benchmark._WHATS) == set(MEASURES) == set(SWEPT) == set(TABLES)


def test_changes_are_told_as_flags():
    argv = ["benchmark", "--config=pixels_toy", "--config.data.batch_size", "4"]
    made = load_config("pixels_toy")
    made.data.batch_size, made.data.data_dir = 4, "/elsewhere"
    made.parallel.strategy = Strategy.FSDP
    assert changed_fields(made, argv) == [
        "--config.data.batch_size=4",
        "--config.parallel.strategy=fsdp",
    ]
    assert changed_fields(made, ["benchmark"]) == []


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
