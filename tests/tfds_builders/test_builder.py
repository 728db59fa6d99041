import json

import pytest

from spatialjax.errors import DataError
from tests.tfds_builders.fakes import FakeClip, FakeDataset, stored_records


class WithBroken(FakeDataset, skip_registration=True):
    """Two of the seven clips cannot be loaded."""

    broken = frozenset({1, 6})


def test_broken_clips_are_listed_and_left_out(tmp_path, capsys):
    builder = WithBroken(data_dir=tmp_path, max_missing=0.3)
    builder.download_and_prepare()
    assert json.loads((builder.data_path / "missing.json").read_text()) == [
        {"clip_id": "a/1", "reason": "there is no sound", "path": "/media/1.mp4"},
        {"clip_id": "a/6", "reason": "there is no sound", "path": "/media/6.mp4"},
    ]
    splits = json.loads((builder.data_path / "clips.json").read_text())["splits"]
    assert [clip["clip_id"] for clip in splits["train"]] == ["a/0", "a/2", "a/3", "a/4"]
    assert [clip["clip_id"] for clip in splits["test"]] == ["a/5"]
    assert "5/5" in capsys.readouterr().err


def test_too_many_broken_clips_leave_nothing(tmp_path):
    with pytest.raises(DataError, match=r"at least 2 of 7 .* max_missing = 0.2 "):
        WithBroken(data_dir=tmp_path, max_missing=0.2).download_and_prepare()
    assert not list(tmp_path.rglob("*.array_record*"))
    assert not list(tmp_path.rglob("*.json*"))


def test_processes_give_the_same_records(tmp_path):
    folders = []
    for num_workers in (0, 2):
        builder = WithBroken(
            data_dir=tmp_path / str(num_workers),
            num_workers=num_workers,
            max_missing=0.5,
        )
        builder.download_and_prepare()
        folders.append(builder.data_dir)
    assert stored_records(folders[0]) == stored_records(folders[1])


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"pipeline": "spark"}, "expected local or beam"),
        ({"max_missing": 1.5}, "expected 0 to 1"),
        ({"num_workers": -1}, "expected 0 or more"),
    ],
)
def test_arguments_out_of_range(tmp_path, kwargs, words):
    with pytest.raises(DataError, match=words):
        FakeDataset(data_dir=tmp_path, **kwargs)


class Unreadable(FakeDataset, skip_registration=True):
    """A clip of a folder without permission."""

    def clips(self):
        return {"train": [FakeClip(0), UnreadableClip(1)]}


class UnreadableClip(FakeClip):
    def load(self):
        raise PermissionError(13, "Permission denied", "/media/frames")


def test_a_path_without_permission_is_a_broken_clip(tmp_path):
    builder = Unreadable(data_dir=tmp_path, max_missing=0.5)
    builder.download_and_prepare()
    (broken,) = json.loads((builder.data_path / "missing.json").read_text())
    assert broken["reason"] == "/media/frames cannot be read: Permission denied"
