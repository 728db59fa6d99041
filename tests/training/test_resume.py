import math
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

import pytest

from spatialjax.config import from_json
from spatialjax.errors import CheckpointError
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.experiment import TrainingConfig
from spatialjax.training.optimizer import OptimizerConfig, OptimizerKind
from tests.training.runs import (
    FakeConfig,
    assert_trees_equal,
    make_batches,
    make_experiment,
    read_lines,
    run_fit,
)

ROOT = pathlib.Path(__file__).parents[2]


def start_child(workdir, mode):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.child", str(workdir), mode],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_arrays(workdir, step):
    with Checkpoints(workdir) as checkpoints:
        return checkpoints.restore_leaves(step, checkpoints.shapes(step))


def test_a_killed_run_goes_on_bitwise(tmp_path):
    with start_child(tmp_path / "killed", "kill") as child:
        child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL
    assert [line["step"] for line in read_lines(tmp_path / "killed")][:4] == [
        1,
        2,
        3,
        4,
    ]
    seen = []

    def batches(start):
        seen.append(start)
        return make_batches()(start)

    whole = run_fit(tmp_path / "whole", make_experiment(6))
    parts = run_fit(tmp_path / "killed", make_experiment(6), batches)
    assert seen == [3]
    assert_trees_equal(whole.variables, parts.variables)
    assert_trees_equal(
        *(read_arrays(tmp_path / name, 6) for name in ("whole", "killed"))
    )
    one, other = (tmp_path / n / "metrics.jsonl" for n in ("whole", "killed"))
    assert one.read_bytes() == other.read_bytes()
    assert not list((tmp_path / "killed").rglob("*tmp*"))


def test_the_optimizer_is_restored_bitwise(tmp_path):
    adam = OptimizerConfig(OptimizerKind.ADAM, learning_rate=0.01, clip_norm=1.0)
    for name, steps in (("whole", [4]), ("parts", [2, 4])):
        for num_steps in steps:
            run_fit(tmp_path / name, make_experiment(num_steps, optimizer=adam))
    whole, parts = (read_arrays(tmp_path / n, 4) for n in ("whole", "parts"))
    assert any(path.startswith("opt_state/") and "mu" in path for path in whole)
    assert_trees_equal(whole, parts)


def test_sigterm_saves_and_exits_cleanly(tmp_path):
    with start_child(tmp_path / "run", "endless") as child:
        for line in child.stderr:
            if line.startswith("step 5/"):
                break
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    name, step = out.split()
    assert name == "SIGTERM"
    assert re.search(r"SIGTERM: stopped at step \d+, saved as .*same command", err)
    lines = read_lines(tmp_path / "run")
    assert [line["step"] for line in lines] == list(range(1, int(step) + 1))
    with Checkpoints(tmp_path / "run") as checkpoints:
        assert checkpoints.latest() == int(step)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_at_the_step_and_the_run_goes_on(tmp_path, number):
    before = signal.getsignal(number)

    def interrupt(step, batch):
        if step == 2:
            os.kill(os.getpid(), number)

    experiment = validated_experiment()
    stopped = run_fit(
        tmp_path / "parts", experiment, make_batches(edit=interrupt), validate=mean_loss
    )
    assert stopped.stopped_by == number.name
    assert signal.getsignal(number) == before
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    result = run_fit(parts, experiment, validate=mean_loss)
    assert result.stopped_by is None
    check_same_run(parts, result, whole, run_fit(whole, experiment, validate=mean_loss))


def mean_loss(step, variables):
    return {"loss": float(variables.state["mean"])}


def validated_experiment(best="loss:max"):
    """Five steps; the second, the fourth and the last are validated."""
    training = TrainingConfig(5, log_every_steps=2, validate_every_steps=2)
    checkpoint = CheckpointConfig(keep=1, best=(best,))
    return make_experiment(5, training=training, checkpoint=checkpoint)


def check_same_run(folder, result, whole_folder, whole):
    """Whether a run in parts left what a run in one left."""
    assert_trees_equal(whole.variables, result.variables)
    assert result.scores == whole.scores
    assert read_lines(folder) == read_lines(whole_folder)
    kept = []
    for place in (folder, whole_folder):
        with Checkpoints(place) as checkpoints:
            steps = checkpoints.steps()
            kept.append({s: checkpoints.metadata(s)["scores"] for s in steps})
    assert kept[0] == kept[1]


@pytest.mark.parametrize("stop", [2, 4, 5])
def test_a_validation_that_a_signal_prevents_is_made_up_for(tmp_path, stop):
    """The step after which the run stops is due for validation, and the best."""
    validated = []

    def signal_now(*of):
        os.kill(os.getpid(), signal.SIGTERM)

    def interrupt(index, batch):
        if index == stop:  # read while step `stop` runs
            signal_now()

    def score(step, variables):
        validated.append(step)
        return {"good": float(step == stop), **mean_loss(step, variables)}

    def score_or_stop(step, variables):
        if step == stop - 1:  # no batch is read while the last step runs
            signal_now()
        return score(step, variables)

    experiment = validated_experiment("good:max")
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    batches = make_batches(edit=interrupt)
    stopped = run_fit(parts, experiment, batches, validate=score_or_stop)
    assert (stopped.step, stopped.stopped_by) == (stop, "SIGTERM")
    assert stop not in validated
    result = run_fit(parts, experiment, validate=score)
    assert validated == [2, 4, 5]
    check_same_run(parts, result, whole, run_fit(whole, experiment, validate=score))


@pytest.mark.parametrize("step", [2, 5])
def test_a_run_killed_in_a_validation_has_lost_no_step(tmp_path, step):
    def die(done, variables):
        if done == step:
            raise KeyboardInterrupt
        return mean_loss(done, variables)

    experiment = validated_experiment()
    with pytest.raises(KeyboardInterrupt):
        run_fit(tmp_path / "parts", experiment, validate=die)
    with Checkpoints(tmp_path / "parts") as checkpoints:
        assert checkpoints.latest() == step
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    result = run_fit(parts, experiment, validate=mean_loss)
    check_same_run(parts, result, whole, run_fit(whole, experiment, validate=mean_loss))


@pytest.mark.parametrize("step", [2, 5])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_where_scores_are_stored_tells_them_once(
    tmp_path, monkeypatch, step, when
):
    store = Checkpoints.add_scores

    def die(self, done, scores):
        if done != step or when == "after":
            store(self, done, scores)
        if done == step:
            raise KeyboardInterrupt

    experiment = validated_experiment()
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    monkeypatch.setattr(Checkpoints, "add_scores", die)
    with pytest.raises(KeyboardInterrupt):
        run_fit(parts, experiment, validate=mean_loss)
    monkeypatch.setattr(Checkpoints, "add_scores", store)
    result = run_fit(parts, experiment, validate=mean_loss)
    check_same_run(parts, result, whole, run_fit(whole, experiment, validate=mean_loss))
    one, other = (place / "metrics.jsonl" for place in (parts, whole))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("scores", [{"loss": math.nan}, {}])
def test_scores_of_which_none_is_finite_count_as_a_validation(tmp_path, scores):
    validated = []

    def score(step, variables):
        validated.append(step)
        return scores

    experiment = validated_experiment()
    experiment.checkpoint.best = ()
    run_fit(tmp_path, experiment, validate=score)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    run_fit(tmp_path, experiment, validate=score)
    assert validated == [2, 4, 5]
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_a_workdir_tells_its_experiment(tmp_path):
    experiment = make_experiment(1)
    run_fit(tmp_path, experiment)
    assert from_json((tmp_path / "config.json").read_text()) == experiment
    with Checkpoints(tmp_path) as checkpoints:
        metadata = checkpoints.metadata(1)
    assert metadata["seed"] == 0
    assert metadata["batch_size"] == 8
    assert metadata["config"]["optimizer"]["learning_rate"] == 0.05


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path):
    task = FakeConfig(num_samples=20000)
    experiment = make_experiment(2, task=task)
    run_fit(tmp_path, experiment)
    experiment.training.num_steps = 4
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30000, limits[1]))
    try:
        with pytest.raises(CheckpointError) as caught:
            run_fit(tmp_path, experiment)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert "cannot write the checkpoint of step 3" in str(caught.value)
    assert "free some room and run again" in str(caught.value)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["2"]
    assert run_fit(tmp_path, experiment).step == 4


def damage(workdir, step, how):
    """Halves, flips or removes the largest file of a checkpoint, or its text."""
    folder = workdir / "checkpoints" / str(step)
    files = [path for path in folder.rglob("*") if path.is_file()]
    path = max(files, key=lambda path: path.stat().st_size)
    if how == "text":
        path = folder / "metadata" / "metadata"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.unlink()
    if how != "remove":
        path.write_bytes(data[: len(data) // 2] if how == "halve" else data)


@pytest.mark.parametrize("how", ["halve", "flip", "remove", "text"])
def test_a_damaged_last_checkpoint_gives_way_to_the_one_before(tmp_path, capfd, how):
    whole = run_fit(tmp_path / "whole", make_experiment(9))
    run_fit(tmp_path / "parts", make_experiment(6))
    damage(tmp_path / "parts", 6, how)
    capfd.readouterr()
    parts = run_fit(tmp_path / "parts", make_experiment(9))
    first, *_ = capfd.readouterr().err.splitlines()
    assert re.match(
        r"warning: checkpoint .*/6 is damaged: .*; the run goes on from step 3, and "
        r".*/damaged-6 is kept",
        first,
    )
    assert_trees_equal(whole.variables, parts.variables)
    assert read_lines(tmp_path / "whole") == read_lines(tmp_path / "parts")
    with Checkpoints(tmp_path / "parts") as checkpoints:
        assert checkpoints.steps() == [6, 9]  # 6 was made again, keep is 2


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_anew(tmp_path):
    run_fit(tmp_path, make_experiment(6))
    for step in (3, 6):
        damage(tmp_path, step, "halve")
    with pytest.raises(CheckpointError, match="is damaged"):
        run_fit(tmp_path, make_experiment(9))
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [3, 6]


def test_a_damaged_checkpoint_that_is_set_aside_again_replaces_the_first(tmp_path):
    for _ in range(2):
        run_fit(tmp_path, make_experiment(6))
        damage(tmp_path, 6, "flip")
    run_fit(tmp_path, make_experiment(6))
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["3", "6", "damaged-6"]
