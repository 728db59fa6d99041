"""The program: from a workdir and a film to a folder, or one line."""

import json
import re

import jax
import numpy as np
import pytest
import soundfile

from spatialjax.data import DataConfig
from spatialjax.models import FrameNet
from spatialjax.tasks import PixelsConfig
from spatialjax.training import Experiment
from spatialjax.training.checkpoint import CheckpointConfig, Checkpoints
from spatialjax.training.workdir import write_config
from tests.inference.fakes import RATE_HZ, halves, write_duet
from tests.integration.user import call, files_of
from tests.media.make import write_sound, write_video
from tests.training.runs import FakeConfig

PIXELS = PixelsConfig(
    num_samples=1023,
    sample_rate_hz=RATE_HZ,
    num_images=3,
    image_size=32,
    n_fft=126,
    hop=32,
    log_frequency_rows=32,
    num_channels=4,
    sound_downs=5,
    sound_width=4,
    frame_net=FrameNet.SMALL,
)


def write_workdir(folder, task):
    experiment = Experiment(
        name="tiny", task=task, data=DataConfig(image_spacing_s=0.25)
    )
    write_config(folder, experiment)
    variables = jax.jit(task.build().init)(jax.random.key(0))
    with Checkpoints(folder, CheckpointConfig()) as checkpoints:
        checkpoints.save(3, jax.tree.map(np.asarray, variables), {})
    return folder


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return write_workdir(tmp_path_factory.mktemp("run"), PIXELS)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "du'et.mkv"
    write_duet(path, 2.0)
    return path


def separate(workdir, film, output, *words):
    return call(
        "separate",
        f"--workdir={workdir}",
        f"--input={film}",
        f"--output={output}",
        *words,
    )


def test_a_film_becomes_a_folder_with_a_page(tmp_path, workdir, film):
    output = tmp_path / "out"
    done = separate(workdir, film, output, "--points=20,30;100,30")
    assert done.returncode == 0, done.stderr
    assert re.match(r"plan: \d+ windows at once, [\d.]+ MB, [\d.]+ s each", done.stdout)
    assert done.stdout.splitlines()[1:] == [
        f"{output}/sources/1_point_1.wav",
        f"{output}/sources/2_point_2.wav",
        f"{output}/index.html",
    ]
    assert set(files_of(output)) == {
        ".spatialjax",
        "energy.mp4",
        "film.mp4",
        "index.html",
        "mixture.wav",
        "scene.json",
        "sources/1_point_1.wav",
        "sources/2_point_2.wav",
    }
    scene = json.loads((output / "scene.json").read_text())
    for source in scene["sources"]:
        info = soundfile.info(output / source["file"])
        assert (info.samplerate, info.frames) == (RATE_HZ, 2 * RATE_HZ)
    assert "du&#39;et.mkv" in (output / "index.html").read_text()

    again = separate(workdir, film, output, "--num_objects=2", "--nopage")
    assert again.returncode == 0, again.stderr
    assert set(files_of(output)) == {
        ".spatialjax",
        "mixture.wav",
        "scene.json",
        "sources/1_object_1.wav",
        "sources/2_object_2.wav",
    }


def test_options_reach_the_separation(tmp_path, workdir, film):
    boxes = tmp_path / "boxes.json"
    boxes.write_text(
        '[{"name": "a", "box": [0, 0, 64, 64]}, {"box": [64, 0, 128, 64]}]'
    )
    write_sound(tmp_path / "second.wav", np.zeros(4000), RATE_HZ)
    done = separate(
        workdir,
        film,
        tmp_path / "out",
        f"--boxes={boxes}",
        "--postfilter=nlms",
        f"--reference={tmp_path / 'second.wav'}",
        "--rate=input",
        "--max_memory_gb=4",
        "--nopage",
    )
    assert done.returncode == 0, done.stderr
    names = {name for name in files_of(tmp_path / "out") if name.endswith(".wav")}
    assert names == {
        "mixture.wav",
        "removed.wav",
        "residual.wav",
        "sources/1_a.wav",
        "sources/2_box_2.wav",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--points=1,1", "--num_objects=2"], "2 of grid, boxes, points"),
        ([], "0 of grid, boxes, points and num_objects are given"),
        (["--points=900,2"], "lies outside the picture of 128x64"),
        (["--points=here"], "expected x,y;x,y"),
        (["--boxes=none.json"], "none.json cannot be read: No such file"),
        (["--num_objects=500"], "500 objects are asked for, but the picture has"),
        (["--num_objects=0"], "0 is not a positive integer"),
        (["--regions=all"], "value should be one of <grid>"),
        (["--postfilter=magic", "--points=1,1"], "should be one of"),
        (["--points=1,1", "--reference=none.wav"], "none.wav does not exist"),
        (["--points=1,1", "--max_memory_gb=1e-6"], "a single window needs"),
        (["--points=1,1", "--checkpoint=7"], "no step 7"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    tmp_path, workdir, film, words, message
):
    done = separate(workdir, film, tmp_path / "out", *words)
    check_refused(done, message)
    assert list(tmp_path.iterdir()) == []


def check_refused(done, message):
    assert done.returncode == 2, done.stderr
    lines = [line for line in re.split(r"[\r\n]+", done.stderr) if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("separate: ")
    assert re.search(message, lines[0])


def test_inputs_that_are_no_films_are_one_line(tmp_path, workdir):
    write_sound(tmp_path / "sound.wav", np.zeros(800), RATE_HZ)
    write_video(tmp_path / "mute.mp4", [halves()] * 8, 8)
    (tmp_path / "text.mp4").write_text("no film")
    whole = tmp_path / "whole.mp4"
    write_video(whole, [halves()] * 16, 8, np.zeros(16000), RATE_HZ)
    (tmp_path / "half.mp4").write_bytes(whole.read_bytes()[:2000])
    for name, message in {
        "sound.wav": "has no picture stream",
        "mute.mp4": "has no sound stream",
        "text.mp4": "cannot be read",
        "half.mp4": "has no (sound|picture) stream|cannot be read|cut off|no samples",
        "none.mp4": "does not exist",
        ".": "is a folder",
    }.items():
        done = separate(workdir, tmp_path / name, tmp_path / "out", "--points=1,1")
        check_refused(done, message)
        assert not (tmp_path / "out").exists()


def test_places_that_cannot_be_written_are_one_line(tmp_path, workdir, film):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    for output, message in {
        "file": "is a file, expected a folder",
        "full": "holds other files, as mine.txt",
        "file/out": "lies below a file",
    }.items():
        done = separate(workdir, film, tmp_path / output, "--points=1,1")
        check_refused(done, message)
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"


def test_an_input_within_the_output_is_refused(tmp_path, workdir, film):
    (tmp_path / "out").mkdir()
    mine = tmp_path / "out" / "film.mp4"
    mine.write_bytes(film.read_bytes())
    done = separate(workdir, mine, tmp_path / "out", "--points=1,1")
    check_refused(done, "film.mp4 lies in --output=")
    assert mine.read_bytes() == film.read_bytes()


def test_a_model_that_cannot_separate_is_told(tmp_path, film):
    folder = write_workdir(tmp_path / "run", FakeConfig())
    done = separate(folder, film, tmp_path / "out", "--points=1,1")
    check_refused(done, "holds tiny, which cannot separate by places")
