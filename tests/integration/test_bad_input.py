"""Mistakes of a user, in the programs: one line, status 2, nothing half-written.

A line counts unless it only tells of work under way (`user.PROGRESS`).
"""

import shutil

import numpy as np
import pytest
import soundfile

from tests.integration.user import (
    call,
    check_whole,
    files_of,
    spawn,
    the_line,
    write_clip,
    write_mp4,
)
from tests.media.make import number_picture, tone, write_sound


def build(source, data_dir, *words):
    return call(
        "build_dataset",
        "--dataset=av_clips",
        f"--source={source}",
        f"--data_dir={data_dir}",
        "--num_workers=0",
        *words,
    )


def missing_file(folder):
    row = write_clip(folder, "c", 1, "wav+mp4")
    (folder / "audio" / "c" / "00000000001.wav").unlink()
    return row


def no_sound(folder):
    write_mp4(folder / "c.mp4", [number_picture(0)] * 8, 8)
    return f"{folder}/c.mp4,{folder}/c.mp4,8"


def no_samples(folder):
    row = write_clip(folder, "c", 1, "wav+mp4")
    soundfile.write(row.split(",")[0], np.zeros(0), 8000)
    return row


def not_a_number(folder):
    row = write_clip(folder, "c", 1, "wav+mp4")
    sound = tone(1.5, 8000)
    sound[4000] = np.nan
    soundfile.write(row.split(",")[0], sound, 8000, "FLOAT")
    return row


def other_length(folder):
    row = write_clip(folder, "c", 1, "mp3+jpg")
    write_sound(folder / "audio" / "c" / "00000000001.mp3", tone(9.0, 22050), 22050)
    return row


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (missing_file, "00000000001.wav does not exist, expected a media file"),
        (no_sound, "c.mp4 has no sound stream"),
        (no_samples, "has no samples"),
        (not_a_number, "holds samples that are not finite"),
        (other_length, "pictures and sound do not belong together"),
        (lambda folder: "", "index.csv is empty, expected rows AUDIO_PATH,FRAMES_DIR"),
        (lambda folder: "a.mp3,a", "row 1 has 2 columns, expected AUDIO_PATH,FRAMES_"),
        (lambda folder: "a.mp3,a,x", "NUMBER_FRAMES is 'x', expected a whole number"),
    ],
)
def test_clips_that_cannot_be_used(tmp_path, make, text):
    (tmp_path / "source").mkdir()
    index = tmp_path / "source" / "index.csv"
    index.write_text(make(tmp_path / "source"))
    assert text in the_line(build(index, tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_all_clips_may_be_missing_but_then_there_is_no_dataset(tmp_path):
    index = tmp_path / "index.csv"
    index.write_text("gone.mp3,gone,3")
    done = build(index, tmp_path / "data", "--max_missing=1")
    assert "gone.mp3" in the_line(done)
    assert not (tmp_path / "data").exists()


def test_a_source_that_is_not_there(tmp_path):
    line = the_line(build(tmp_path / "none.csv", tmp_path / "data"))
    assert "none.csv' does not exist" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("--config.task.sample_rate_hz=8000", "4000 Hz"),
        ("--config.data.data_dir=/nowhere", "/nowhere"),
        ("--config.data.dataset=av_clips/music", "music"),
        ("--config.data.validation_split=valid", "did you mean 'validation'?"),
        ("--config.data.class_distnct", "did you mean 'class_distinct'?"),
        ("--config.task.num_sources=4", "class"),
        ("--config.parallel.num_devices=99", "num_devices"),
    ],
)
def test_configs_that_do_not_fit(own, tmp_path, change, text):
    done = call("train", *own.train, f"--workdir={tmp_path / 'run'}", change)
    assert text in the_line(done)
    assert list(tmp_path.iterdir()) == []


def test_a_workdir_of_another_config(own):
    before = files_of(own.run)
    change = "--config.optimizer.learning_rate=0.5"
    done = call("train", *own.train, f"--workdir={own.run}", change)
    assert "optimizer.learning_rate" in the_line(done)
    assert files_of(own.run) == before


def test_a_workdir_of_another_dataset(own, tmp_path):
    built = build(
        own.source / "train.csv", tmp_path, "--sample_rate_hz=4000", "--overwrite"
    )
    assert built.returncode == 0
    before = files_of(own.run)
    change = (
        f"--config.data.data_dir={tmp_path}",
        "--config.data.validation_split=train",
    )
    done = call("train", *own.train, *change, f"--workdir={own.run}")
    assert "the dataset's hash" in the_line(done)
    assert files_of(own.run) == before


def test_a_dataset_at_another_rate_is_not_scored(own, tmp_path):
    assert build(own.source, tmp_path, "--sample_rate_hz=8000").returncode == 0
    output = tmp_path / "scores.json"
    done = call(
        "evaluate",
        f"--workdir={own.run}",
        f"--data_dir={tmp_path}",
        f"--output={output}",
    )
    assert "8000 Hz" in the_line(done)
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("build_dataset", "--data_dir"),
        ("train", "--workdir"),
        ("evaluate", "--output"),
        ("evaluate", "--report"),
        ("evaluate", "--save_pairs"),
        ("demo", "--output"),
        ("demo", "--data_dir"),
    ],
)
def test_an_output_below_a_file(own, tmp_path, name, flag):
    (tmp_path / "file").write_text("mine")
    words = {
        "build_dataset": own.build,
        "train": own.train,
        "evaluate": (f"--workdir={own.run}",),
        "demo": (
            "--dataset=toy_band/tiny",
            f"--data_dir={tmp_path / 'data'}",
            f"--output={tmp_path / 'demo'}",
        ),
    }
    before = files_of(own.run)
    done = call(name, *words[name], f"{flag}={tmp_path / 'file' / 'below'}")
    assert str(tmp_path / "file") in the_line(done)
    assert files_of(tmp_path) == {"file": b"mine"}
    assert files_of(own.run) == before


def test_a_workdir_that_is_a_file_or_none(own, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name in ("file", "none"):
        place = f"--workdir={tmp_path / name}"
        assert "is no workdir" in the_line(call("evaluate", place))
    assert "is a file" in the_line(
        call("train", *own.train, f"--workdir={tmp_path}/file")
    )
    assert files_of(tmp_path) == {"file": b"mine"}


@pytest.mark.slow
@pytest.mark.parametrize("limit", [10, 2000, 20000])
def test_no_room_to_build(own, tmp_path, limit):
    data_dir = f"--data_dir={tmp_path / 'data'}"
    done = spawn("build_dataset", *own.build, data_dir, file_limit=limit)
    assert "File too large" in the_line(done)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("limit", [10, 30000])
def test_no_room_to_train(own, tmp_path, limit):
    """First not for the config or not for the checkpoint, then for all."""
    words = (*own.train, f"--workdir={tmp_path}")
    assert "File too large" in the_line(spawn("train", *words, file_limit=limit))
    check_whole(tmp_path)
    done = call("train", *words)
    assert done.returncode == 0, done.stderr
    check_whole(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [10, 1000, 2500])
def test_no_room_for_scores_and_page(own, tmp_path, limit):
    page = f"--report={tmp_path / 'page'}"
    words = (f"--workdir={own.run}", page, f"--output={tmp_path / 'scores.json'}")
    done = spawn("evaluate", *words, file_limit=limit)
    assert "File too large" in the_line(done)
    check_whole(tmp_path)
    assert not (tmp_path / "page").exists()


def test_a_damaged_dataset_is_told(own, tmp_path):
    """Bytes lost after the build: the clip is named, whoever meets it."""
    data_dir = tmp_path / "data"
    shutil.copytree(own.data_dir, data_dir)
    (folder,) = data_dir.glob("av_clips/default/*")
    (shard,) = folder.glob("*train*array_record*")
    content = bytearray(shard.read_bytes())
    for place in range(len(content) // 4, len(content) // 2):
        content[place] ^= 255
    shard.write_bytes(content)
    words = (*own.train, f"--config.data.data_dir={data_dir}")
    done = call("train", *words, f"--workdir={tmp_path / 'run'}")
    assert str(folder) in the_line(done)
    check_whole(tmp_path / "run")
