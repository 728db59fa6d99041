"""The program on a workdir of sound fields: fractions, pages, baselines, comparison."""

import dataclasses
import json
import pathlib

import jax
import numpy as np
import pytest

from spatialjax.data import DataConfig
from spatialjax.errors import ConfigError, DataError
from spatialjax.evaluation import EvaluationConfig, compare, read_scorecard
from spatialjax.tasks import (
    DirectionalConfig,
    Head,
    SpatialAudioConfig,
)
from spatialjax.training import Baseline, Experiment, open_evaluation
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.workdir import write_config
from tests.data import tiny
from tests.fakes import FakeTask
from tests.launch.programs import program

WXY = (True, True, False, True)
METRICS = {"stft", "mono_stft", "env", "emd", "mono_emd", "direction_deg"}


def experiment_of(data_dir, head=Head.DIRECTIONAL):
    return Experiment(
        name=f"tiny_{head.value}",
        task=SpatialAudioConfig(
            head=head,
            sample_rate_hz=tiny.RATE_HZ,
            n_fft=64,
            hop=16,
            num_frames=16,
            num_compared=160,
            num_images=1,
            image_height=8,
            directional=DirectionalConfig(
                num_rows=16,
                sound_downs=2,
                sound_width=4,
                picture_strided=(4,),
                picture_kept=(4,),
                num_features=4,
            ),
        ),
        data=DataConfig(str(data_dir), "tiny_clips", num_threads=0, flip=False),
        evaluation=EvaluationConfig(
            suites=("scene",), num_pairs=5, batch_size=4, num_bootstrap=50
        ),
    )


def fill_workdir(folder, experiment):
    """A run of one checkpoint of random weights."""
    write_config(folder, experiment)
    variables = jax.jit(experiment.task.build().init)(jax.random.key(0))
    with Checkpoints(folder, CheckpointConfig()) as checkpoints:
        checkpoints.save(10, jax.tree.map(np.asarray, variables), {})
    return folder


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fields")
    splits = {
        "train": [tiny.TinyClip(k, 3.0, ("",), channels=4) for k in range(3)],
        "validation": [
            tiny.TinyClip(5, 3.0, ("",), channels=4),
            tiny.TinyClip(6, 3.0, ("",), channels=4, channel_mask=WXY),
        ],
    }
    tiny.build(folder, splits)
    return folder


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, data_dir):
    return fill_workdir(tmp_path_factory.mktemp("run"), experiment_of(data_dir))


def run(**values):
    values = {
        n: str(v) if isinstance(v, pathlib.Path) else v for n, v in values.items()
    }
    with program("evaluate", **values) as evaluate:
        evaluate.main()


@pytest.fixture(scope="module")
def page(workdir):
    """The page of the model, which is scored with it."""
    run(workdir=workdir, report=workdir / "page", report_items=2)
    return workdir / "page"


@pytest.fixture(scope="module")
def deaf(tmp_path_factory, data_dir):
    """The score card of a model that does not see."""
    folder = tmp_path_factory.mktemp("deaf")
    fill_workdir(folder, experiment_of(data_dir, Head.AUDIO_ONLY))
    run(workdir=folder, report=folder / "page", report_items=1)
    assert "attention" not in (folder / "page" / "index.html").read_text()
    return read_scorecard(folder / "scores.json")


def test_the_page_shows_fields(page):
    text = (page / "index.html").read_text()
    assert text.count('<article class="item">') == 2
    assert text.count("of the sound placed") == 2
    assert (page / "scene" / "0001" / "estimate.wav").is_file()


def test_fractions_are_ratios_of_the_means_of_clips(page, workdir):
    card = read_scorecard(workdir / "scores.json")
    assert "] of mono_stft" in card.table()
    suite = card.suites["scene"]
    assert set(suite.values) >= METRICS
    clips = np.array(suite.clip_ids)
    means = {
        name: np.mean([suite.values[name][clips == c].mean() for c in set(clips)])
        for name in ("emd", "mono_emd")
    }
    fraction = suite.summaries["emd"].fraction
    np.testing.assert_allclose(fraction.mean, means["emd"] / means["mono_emd"])
    assert fraction.low <= fraction.mean <= fraction.high


def test_mono_is_nothing_above_w_on_the_same_items(workdir, deaf, capsys):
    run(workdir=workdir, baseline="mono")
    printed = capsys.readouterr().out
    assert "mono baseline of tiny_directional, on tiny_clips (" in printed
    mono = read_scorecard(workdir / "scores_mono.json")
    assert mono.origin.checkpoint_step is None
    values = mono.suites["scene"].values
    for name in ("stft", "env", "emd"):
        np.testing.assert_allclose(values[name], values[f"mono_{name}"], rtol=1e-6)
    differences = compare(deaf, mono, 20)["scene"]
    assert differences["stft"].difference.mean != 0
    assert differences["mono_stft"].difference.mean == pytest.approx(0, abs=1e-7)


def test_a_model_without_sight_is_compared_with_one_that_sees(page, workdir, deaf):
    seeing = read_scorecard(workdir / "scores.json")
    assert set(compare(seeing, deaf, 20)["scene"]) >= METRICS


def test_the_prior_is_that_of_the_training_split(workdir, tmp_path):
    clips = tmp_path / "clips.txt"
    clips.write_text("clip5\n")
    watched = []

    def watch(given):
        watched.extend(clip.clip_id for clip in given)
        return given

    evaluation = open_evaluation(workdir, clip_file=clips)
    prior = evaluation.with_baseline(Baseline.SPATIAL_PRIOR, watch)
    pcm = np.concatenate(
        [tiny.TinyClip(k, 3.0, ("",), channels=4).pcm[0] for k in range(3)], axis=-1
    ).astype(float)
    expected = pcm[1:] @ pcm[0] / (pcm[0] @ pcm[0])
    np.testing.assert_allclose(prior.trained.task.net.gains, expected, rtol=1e-9)
    assert watched == ["clip0", "clip1", "clip2"]
    scores = prior.run().suites["scene"].summaries["stft"]
    assert np.isfinite(scores.total.mean)
    assert scores.fraction.mean != 1


@pytest.fixture
def evaluation(workdir):
    return open_evaluation(workdir)


def test_a_task_without_baselines_is_one_line(evaluation):
    trained = evaluation.trained._replace(task=FakeTask())
    other = dataclasses.replace(evaluation, trained=trained)
    with pytest.raises(
        ConfigError, match="a FakeTask, which has no baseline 'mono'"
    ) as e:
        other.with_baseline(Baseline.MONO)
    assert "\n" not in str(e.value)


def test_a_missing_training_split_is_one_line(evaluation):
    evaluation.trained.experiment.data.train_split = "trian"
    with pytest.raises(DataError, match="did you mean 'train'"):
        evaluation.with_baseline(Baseline.SPATIAL_PRIOR)


@pytest.mark.slow
def test_validation_shows_a_page_of_fields(tmp_path, data_dir):
    experiment = experiment_of(data_dir)
    experiment.training.num_steps = 1
    experiment.data.batch_size = 8
    experiment.evaluation.batch_size = 8
    with program("train", workdir=str(tmp_path / "run"), report_items=1) as train:
        train.main(experiment)
    text = (tmp_path / "run" / "report" / "index.html").read_text()
    assert text.count('<article class="item">') == 1
    line = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1]
    assert "validation/stft" in json.loads(line)
