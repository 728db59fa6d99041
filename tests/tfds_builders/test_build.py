import fcntl
import json
import pathlib
import sys

import pytest

from spatialjax.errors import DataError, UserError
from tests.media.make import number_picture, tone, write_video
from tests.tfds_builders.fakes import FakeDataset, stored_records
from tests.tfds_builders.test_builder import WithBroken
from tfds_builders import build as build_module
from tfds_builders.build import build


@pytest.fixture
def fake(monkeypatch):
    """The name "fake" stands for a dataset of made-up clips."""

    def find(dataset):
        return (WithBroken if dataset == "broken" else FakeDataset), None

    monkeypatch.setattr(build_module, "_find", find)


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_dataset_appears_whole(fake, tmp_path):
    folder = build("fake", tmp_path / "data")
    assert folder == tmp_path / "data" / "fake_dataset" / "1.0.0"
    assert entries(tmp_path / "data") == ["fake_dataset"]
    assert {"clips.json", "manifest.json", "missing.json"} <= set(entries(folder))
    assert len(stored_records(folder)["train"]) == 21


def test_output_of_the_library_is_quiet(fake, tmp_path, capsys):
    build("fake", tmp_path)
    assert capsys.readouterr().out == ""


def test_a_dataset_is_not_replaced_unasked(fake, tmp_path):
    folder = build("fake", tmp_path)
    (folder / "mark").touch()
    with pytest.raises(DataError, match="exists already: pass overwrite"):
        build("fake", tmp_path)
    assert (folder / "mark").exists()
    assert build("fake", tmp_path, overwrite=True) == folder
    assert not (folder / "mark").exists()
    assert entries(tmp_path) == ["fake_dataset"]


def test_failed_build_leaves_nothing(fake, tmp_path):
    with pytest.raises(DataError, match="missing or broken"):
        build("broken", tmp_path / "new" / "data")
    assert not (tmp_path / "new").exists()


def test_failed_replacement_leaves_the_old_one(fake, tmp_path, monkeypatch):
    folder = build("fake", tmp_path)
    rename = pathlib.Path.rename

    def fail(path, target):
        if path.name == "1.0.0" and pathlib.Path(target) == folder:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        build("fake", tmp_path, overwrite=True)
    assert len(stored_records(folder)["train"]) == 21
    assert entries(tmp_path) == ["fake_dataset"]


def test_what_a_killed_build_left_is_in_nobodys_way(fake, tmp_path):
    left = (
        tmp_path
        / ".building-fake_dataset-None"
        / "fake_dataset"
        / "incomplete.ABC_1.0.0"
    )
    left.mkdir(parents=True)
    (left / "train-0").write_bytes(b"half")
    (tmp_path / ".building-fake_dataset-None" / "note").touch()
    build("fake", tmp_path)
    assert entries(tmp_path) == ["fake_dataset"]


def test_two_builds_at_once(fake, tmp_path):
    place = tmp_path / ".building-fake_dataset-None"
    place.mkdir()
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another run is at work"):
            build("fake", tmp_path)
    assert entries(place) == ["lock"]


def test_interrupted_build_leaves_nothing(fake, tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tfds_builders.loading.load_clip", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build("fake", tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("dataset", "kwargs", "words"),
    [
        ("av_clip", {}, "unknown dataset 'av_clip': did you mean 'av_clips'"),
        ("av_clips/musik", {}, "no config 'musik': did you mean 'music'"),
        ("toy_band", {"settings": {"channels": 2}}, "has no setting channels"),
        ("toy_band", {"beam_options": ("--x",)}, "but pipeline is 'local'"),
        ("av_clips", {"source": "/none"}, "source '/none' does not exist"),
        (
            "toy_band",
            {"pipeline": "beam", "beam_options": ("--runner=DataflowRunner",)},
            "the workers of Dataflow share no disk",
        ),
    ],
)
def test_mistakes(tmp_path, dataset, kwargs, words):
    with pytest.raises(DataError, match=words):
        build(dataset, tmp_path / "data", **kwargs)
    assert not (tmp_path / "data").exists()


def test_object_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="data_dir is gs://b/data, a URL, but is used"):
        build("toy_band/tiny", "gs://b/data")
    with pytest.raises(UserError, match=r"source is s3://b/x\.csv, a URL, but is used"):
        build("av_clips", tmp_path / "data", source="s3://b/x.csv")
    assert entries(tmp_path) == []


def test_without_beam(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", None)
    with pytest.raises(DataError, match=r'not installed: pip install -e "\.\[beam\]"'):
        build("toy_band", tmp_path, pipeline="beam")


def test_below_a_regular_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        build("toy_band/tiny", tmp_path / "file" / "data")
    assert entries(tmp_path) == ["file"]


def test_same_source_gives_the_same_hash(tmp_path):
    path = tmp_path / "source" / "cello" / "a.mp4"
    path.parent.mkdir(parents=True)
    write_video(path, [number_picture(i) for i in range(8)], 8, tone(1.0, 22050))
    hashes = [
        json.loads(
            (
                build(
                    "av_clips/music", tmp_path / name, source=str(tmp_path / "source")
                )
                / "manifest.json"
            ).read_text()
        )["hash"]
        for name in "ab"
    ]
    assert hashes[0] == hashes[1]
