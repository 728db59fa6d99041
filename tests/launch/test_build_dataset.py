import json
import pathlib
import subprocess
import sys

import pytest
from absl import logging

from tests.launch.programs import program
from tests.media.make import number_picture, tone, write_video
from tests.tfds_builders.ambix_video.recordings import write_sphere

ROOT = pathlib.Path(__file__).parents[2]


def run(*words):
    command = [sys.executable, "-m", "launch.build_dataset", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    for label in ("cello", "tuba"):
        (folder / label).mkdir()
        for number in range(2):
            pictures = [number_picture(i) for i in range(8)]
            sound = None if (label, number) == ("tuba", 1) else tone(1.0, 22050)
            write_video(folder / label / f"{number}.mp4", pictures, 8, sound)
    return folder


def test_builds_and_tells_what_there_is(source, tmp_path):
    done = run(
        "--dataset=av_clips/music",
        f"--source={source}",
        f"--data_dir={tmp_path}",
        "--max_missing=0.3",
        "--sample_rate_hz=8000",
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "av_clips" / "music" / "1.0.0"
    lines = done.stdout.splitlines()
    assert "train: 1 clips, 1 s" in lines or "train: 2 clips, 2 s" in lines
    assert lines[-1] == f"dataset in {folder}"
    assert lines[-2].startswith("1 clips missing or broken")
    clips = json.loads((folder / "clips.json").read_text())
    assert clips["sample_rate_hz"] == 8000
    (broken,) = json.loads((folder / "missing.json").read_text())
    assert broken["reason"].endswith("1.mp4 has no sound stream")


def last_line(done):
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_too_many_broken_clips(source, tmp_path):
    data_dir = tmp_path / "data"
    line = last_line(
        run(
            "--dataset=av_clips",
            f"--source={source}",
            f"--data_dir={data_dir}",
            "--num_workers=0",
        )
    )
    assert line.startswith("build_dataset: at least 1 of 4 clips are missing or broken")
    assert not data_dir.exists()


def test_no_room(source, tmp_path):
    """A limit on the size of files stands for a full disk."""
    data_dir = tmp_path / "data"
    program = (
        "import resource, runpy, sys;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        f"sys.argv = ['build_dataset', '--dataset=av_clips', '--source={source}',"
        f" '--data_dir={data_dir}', '--num_workers=0', '--max_missing=1'];"
        "runpy.run_module('launch.build_dataset', run_name='__main__')"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    line = last_line(done)
    assert "File too large" in line
    assert "free some room" in line
    assert not data_dir.exists()


def test_below_a_regular_file(source, tmp_path):
    (tmp_path / "file").touch()
    line = last_line(
        run("--dataset=toy_band/tiny", f"--data_dir={tmp_path / 'file' / 'data'}")
    )
    assert "Not a directory" in line


def test_unknown_dataset(tmp_path):
    line = last_line(run("--dataset=toy_bnd", f"--data_dir={tmp_path}"))
    assert line == "build_dataset: unknown dataset 'toy_bnd': did you mean 'toy_band'?"


def test_object_store(tmp_path):
    line = last_line(run("--dataset=toy_band/tiny", "--data_dir=gs://bucket/data"))
    assert line.startswith("build_dataset: --data_dir is gs://bucket/data, a URL, but")


def test_verbosity_stays_as_it_was_asked_for(tmp_path, monkeypatch):
    class BuildingError(Exception):
        pass

    def build(*_args, **_kwargs):
        raise BuildingError

    monkeypatch.setattr("tfds_builders.build.build", build)
    before = logging.get_verbosity()
    logging.set_verbosity(logging.DEBUG)
    with program("build_dataset", dataset="toy_band", data_dir=str(tmp_path)) as module:
        with pytest.raises(BuildingError):
            module.main()
        assert logging.get_verbosity() == logging.DEBUG
    logging.set_verbosity(before)


def test_sound_fields_and_spheres(tmp_path):
    write_sphere(tmp_path / "source" / "a.mp4", channels=9)
    words = (f"--source={tmp_path / 'source'}", f"--data_dir={tmp_path / 'data'}")
    settings = ("--sample_rate_hz=4000", "--short_side=32", "--order=2", "--flow")
    done = run("--dataset=ambix_video", *words, *settings, "--num_workers=0")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "data" / "ambix_video" / "default" / "1.0.0"
    clips = json.loads((folder / "clips.json").read_text())
    assert (clips["sample_rate_hz"], clips["channels"]) == (4000, 9)
    (clip,) = clips["splits"]["train"]
    assert (clip["height"], clip["width"], clip["has_flow"]) == (32, 64, True)
    line = last_line(run("--dataset=av_clips", *words, "--order=2"))
    assert "there is no setting order here: did you mean" in line
