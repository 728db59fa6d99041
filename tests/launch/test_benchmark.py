"""The program: one object whose figures fit together, of every system."""

import json

import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError
from spatialjax.inference import FieldStream, time_stream
from spatialjax.training import Experiment
from tests.inference.field_fakes import RATE_HZ, constant, directional, model_of
from tests.launch.programs import program
from tests.training.runs import FakeConfig


def experiment(task):
    return Experiment(name="tiny", task=task, data=DataConfig(image_spacing_s=0.2))


@pytest.mark.parametrize("task", [directional(), constant()], ids=["sees", "blind"])
def test_figures_of_a_stream_fit_together(tmp_path, task, capsys):
    output = tmp_path / "speed.json"
    with program("benchmark", seconds=2.0, windows=2, output=str(output)) as benchmark:
        benchmark.main(experiment(task))
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(output.read_text())
    assert (found["what"], found["config"]) == ("spatialize", "tiny")
    assert found["versions"]["jax"]
    window_s = found["window_s"]
    assert found["num_windows"] * window_s >= 2
    assert found["num_windows"] % found["num_windows_per_call"] == 0
    assert found["real_time_factor"] == pytest.approx(found["windows_per_s"] * window_s)
    assert 0 < found["call_s_p50"] <= found["call_s_p90"]
    assert found["latency_s"] * RATE_HZ == pytest.approx(
        round(found["latency_s"] * RATE_HZ)
    )


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
        program("benchmark") as benchmark,
        pytest.raises(ConfigError, match="PlainTask makes no sound field"),
    ):
        benchmark.main(experiment(FakeConfig()))
