"""Datasets cut down to lists of clips."""

import json

import pytest

from spatialjax.data import make_pairs, open_dataset, read_clip_ids, restrict
from spatialjax.data.pairs import PairRule
from spatialjax.errors import DataError
from tests.data import tiny

LINES = "a/1\n\n# gone since\n  b 2 \n"
LIST = '["a/1", "b 2"]'
DATASET = """{"splits": {"test": [{"clip_id": "a/1"}, {"clip_id": "b 2"}],
                         "train": [{"clip_id": "c"}]}}"""


@pytest.mark.parametrize("text", [LINES, LIST, DATASET])
def test_ids_are_lines_or_a_json_list_or_a_dataset(tmp_path, text):
    path = tmp_path / "clips.txt"
    for encoding in ("utf-8", "utf-8-sig"):  # as some editors on Windows save
        path.write_text(text, encoding)
        assert read_clip_ids(path, ["test"]) == {"a/1", "b 2"}


def test_a_single_id_may_look_like_json(tmp_path):
    (tmp_path / "one").write_text("12345\n")
    assert read_clip_ids(tmp_path / "one", ["test"]) == {"12345"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no clip"),
        (b"# only words\n", "names no clip"),
        (b"[]", "names no clip"),
        (b"[1, 2]", "neither a list of clip ids nor"),
        (b'{"suites": {}}', "neither a list of clip ids nor"),
        (b'{"splits": {"train": []}}', "names no clip"),
        (b'{"splits": [3]}', "neither a list of clip ids nor"),
        (b"\xff\xfe", "is no text: byte 0"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, content, message):
    path = tmp_path / "clips.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_clip_ids(path, ["test"])


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match=r"none.txt: No such file"):
        read_clip_ids(tmp_path / "none.txt", ["test"])


def test_two_datasets_agree_on_what_both_hold(tmp_path):
    """Other clips, another order, other neighbours: the same pairs, the same hash."""
    clips = tiny.solos(6)
    tiny.build(tmp_path / "a", {"validation": clips[:5]})
    tiny.build(tmp_path / "b", {"validation": clips[:0:-1], "test": tiny.solos(2)})
    first = open_dataset(tmp_path / "a", "tiny_clips")
    second = open_dataset(tmp_path / "b", "tiny_clips")
    ids = {clip.clip_id for clip in first.split("validation")}
    common = ids & {clip.clip_id for clip in second.split("validation")}
    assert 0 < len(common) < 5
    listed = read_clip_ids(second.path / "clips.json", ["validation"])
    cut = restrict(first, listed, ["validation"])
    other = restrict(second, frozenset(ids), ["validation"])
    assert first.hash != second.hash
    assert cut.hash == other.hash
    assert {clip.clip_id for clip in cut.split("validation")} == common
    pairs = [
        make_pairs(d, "validation", PairRule.CLASS_DISTINCT, 2, 3) for d in (cut, other)
    ]
    assert pairs[0].hash == pairs[1].hash
    for clip in cut.split("validation"):
        (twin,) = (c for c in other.split("validation") if c.clip_id == clip.clip_id)
        audio, jpegs, _ = cut.read(clip, 0, 100, [0])
        expected, other_jpegs, _ = other.read(twin, 0, 100, [0])
        assert (audio == expected).all()
        assert jpegs == other_jpegs


def test_a_list_of_other_clips_is_told(tmp_path):
    tiny.build(tmp_path, {"validation": tiny.solos(2)})
    dataset = open_dataset(tmp_path, "tiny_clips")
    with pytest.raises(DataError, match=r"none of the 1 clips .* its ids look like"):
        restrict(dataset, frozenset({"nobody"}), ["validation"])
    with pytest.raises(DataError, match="no split 'tset'"):
        restrict(dataset, frozenset({"nobody"}), ["tset"])


def test_the_hash_of_all_clips_is_that_of_the_dataset(tmp_path):
    tiny.build(tmp_path, {"validation": tiny.solos(3)})
    dataset = open_dataset(tmp_path, "tiny_clips")
    content = json.loads((dataset.path / "clips.json").read_text())
    assert list(content["splits"]) == ["validation"]
    assert dataset.with_splits(dataset.splits).hash == dataset.hash
