"""The program on a workdir of random weights: what it prints, writes and refuses."""

import json
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import UserError
from spatialjax.evaluation import EvaluationConfig, compare, read_scorecard
from spatialjax.models import FrameNet
from spatialjax.tasks import PixelsConfig
from spatialjax.training import Experiment
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.workdir import write_config
from tests.data import tiny
from tests.launch.programs import program

ROOT = pathlib.Path(__file__).parents[2]
METRICS = {
    "loss",
    "si_sdr_db",
    "si_sdr_mixture_db",
    "si_sdr_improvement_db",
    "sdr_db",
    "sir_db",
    "sar_db",
    "sdr_mixture_db",
    "sdr_improvement_db",
}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of two checkpoints, whose last has the worse loss."""
    folder = tmp_path_factory.mktemp("run")
    tiny.build(folder / "data", {"validation": tiny.solos(6), "test": tiny.solos(3)})
    experiment = Experiment(
        name="tiny",
        task=PixelsConfig(
            num_samples=2047,
            sample_rate_hz=tiny.RATE_HZ,
            num_images=1,
            image_size=32,
            n_fft=126,
            hop=64,
            log_frequency_rows=32,
            num_channels=4,
            sound_downs=5,
            sound_width=4,
            frame_net=FrameNet.SMALL,
        ),
        data=DataConfig(str(folder / "data"), "tiny_clips", num_threads=0),
        evaluation=EvaluationConfig(num_pairs=5, batch_size=4, num_bootstrap=50),
    )
    write_config(folder, experiment)
    variables = jax.jit(experiment.task.build().init)(jax.random.key(0))
    with Checkpoints(folder, CheckpointConfig(best=("loss:min",))) as checkpoints:
        for step, loss in ((10, 0.5), (20, 0.7)):
            tree = jax.tree.map(np.asarray, variables)
            checkpoints.save(step, tree, {})
            checkpoints.add_scores(step, {"loss": loss})
    return folder


def run(**values):
    values = {
        n: str(v) if isinstance(v, pathlib.Path) else v for n, v in values.items()
    }
    with program("evaluate", **values) as evaluate:
        evaluate.main()


def test_writes_scores_pairs_and_page(workdir, tmp_path, capsys):
    run(workdir=workdir, report=tmp_path / "page", save_pairs=tmp_path / "pairs")
    printed = capsys.readouterr().out
    assert printed.startswith("tiny, step 20, on tiny_clips (")
    assert "class_distinct: 5 items" in printed
    card = read_scorecard(workdir / "scores.json")
    suite = card.suites["class_distinct"]
    assert set(suite.values) >= METRICS
    assert card.origin.split == "validation"
    assert suite.summaries["sdr_db"].total.num_valid == 10
    assert (tmp_path / "page" / "index.html").is_file()
    saved = json.loads((tmp_path / "pairs" / "class_distinct.json").read_text())
    assert saved["hash"] == suite.pair_hash


def test_a_list_from_a_file_gives_the_same_scores(workdir, tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    run(workdir=workdir, output=first, save_pairs=tmp_path)
    run(workdir=workdir, output=second, pairs=[str(tmp_path / "class_distinct.json")])
    differences = compare(read_scorecard(first), read_scorecard(second), 20)
    for found in differences["class_distinct"].values():
        np.testing.assert_allclose(found.difference[:3], 0, atol=1e-6)


def test_options(workdir, tmp_path, capsys):
    run(
        workdir=workdir,
        output=tmp_path / "new" / "scores.json",
        checkpoint="loss:min",
        split="test",
        suites=["class_distinct_swapped", "published"],
        max_items=2,
    )
    card = read_scorecard(tmp_path / "new" / "scores.json")
    assert card.origin.checkpoint_step == 10
    assert card.origin.split == "test"
    assert [len(s.item_ids) for s in card.suites.values()] == [2, 2]
    assert [s.swap_images for s in card.suites.values()] == [True, False]


def test_only_the_clips_of_a_list_count(workdir, tmp_path, capsys):
    listed = tmp_path / "clips.txt"
    listed.write_text("clip5\nclip0\nclip1\ngone\n")
    run(workdir=workdir, output=tmp_path / "scores.json", clips=listed)
    card = read_scorecard(tmp_path / "scores.json")
    items = card.suites["class_distinct"].item_ids
    clips = {clip for item in items for clip in item.split(" + ")}
    assert clips == {"clip0", "clip1", "clip5"}
    assert "clips   3 of validation, hash " + card.origin.dataset_hash[:12] in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"clips": "none.txt"}, "cannot read none.txt"),
        ({"pairs": ["x.json"], "clips": "x"}, "without a split, suites, clips"),
        ({"split": "tset"}, "did you mean 'test'"),
        ({"suites": ["duets"]}, "did you mean 'duet'"),
        ({"suites": ["duet"]}, "no split 'duets'"),
        ({"checkpoint": "30"}, "no step 30"),
        ({"data_dir": "/nowhere"}, "/nowhere"),
        ({"pairs": ["none.json"]}, "none.json"),
        ({"pairs": ["a/x.json", "b/x.json"]}, "one name"),
        ({"pairs": ["x.json"], "max_items": 4}, "says what is mixed"),
        ({"baseline": "mono"}, "holds a Pixels, which has no baseline 'mono'"),
        ({"report": ROOT}, "holds other files"),
        ({"output": ROOT}, "is a folder, expected a file"),
        ({"output": ROOT / "pyproject.toml" / "x"}, "is a file, expected a folder"),
        (
            {"report": "new/page", "output": "new/page/../page/a/scores.json"},
            "scores.json lies in the folder of the page",
        ),
        (
            {"report": "new/page", "save_pairs": "new/page"},
            "new/page lies in the folder of the page",
        ),
        ({"report": ROOT / "pyproject.toml"}, "is a file, expected a folder"),
    ],
)
def test_refuses_before_anything_is_scored(workdir, values, text):
    with pytest.raises(UserError, match=text) as error:
        run(workdir=workdir, **values)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_workdir_is_one_line(tmp_path):
    command = [sys.executable, "-m", "launch.evaluate", f"--workdir={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"evaluate: {tmp_path} is no workdir: it has no config.json"
    ]
