import pytest

from spatialjax.errors import DataError
from tfds_builders.ambix_video.lists import (
    find_list,
    mask_of,
    published_splits,
    read_layouts,
    read_subset,
)

IDS = [f"video{i:06d}" for i in range(40)]


def write_lists(root, train=IDS[:30], test=IDS[30:], name="YT-All"):
    folder = root / "meta" / "subsets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.train.1.lst").write_text("\n".join(train))
    (folder / f"{name}.test.1.lst").write_text("\n".join(test))


@pytest.mark.parametrize(
    "text", ["a\nb\nc", "a\nb\nc\n", "\ufeffa\r\nb\r\n\r\nc", "a\nb\na\nc"]
)
def test_b27_a_list_may_lack_its_last_newline(tmp_path, text):
    (tmp_path / "x.lst").write_text(text)
    assert read_subset(tmp_path / "x.lst") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "is empty"), ("\n \n", "is empty"), ("a b\n", "'a b' is no")],
)
def test_a_list_without_ids(tmp_path, text, words):
    (tmp_path / "x.lst").write_text(text)
    with pytest.raises(DataError, match=words):
        read_subset(tmp_path / "x.lst")
    with pytest.raises(DataError, match="cannot be read"):
        read_subset(tmp_path)


def test_layouts(tmp_path):
    (tmp_path / "l.txt").write_text("a WXYZ\nb WXY\n\nc WXYZ")
    masks = read_layouts(tmp_path / "l.txt")
    assert masks["b"] == (True, True, False, True)
    assert mask_of(masks, "train/b", 4) == (True, True, False, True)
    assert mask_of(masks, "a", 9) == mask_of(masks, "unknown", 9) == (True,) * 9
    (tmp_path / "l.txt").write_text("a WXYZ\nb WYZ")
    with pytest.raises(DataError, match=r"l\.txt line 2: 'b WYZ', expected an id and"):
        read_layouts(tmp_path / "l.txt")


def test_b27_splits_are_apart_and_whole(tmp_path):
    write_lists(tmp_path)
    splits = published_splits(tmp_path / "db", "YT-All", 1, 0)
    assert splits["test"] == IDS[30:]
    assert sorted(splits["train"] + splits["validation"]) == IDS[:30]
    assert 1 <= len(splits["validation"]) <= 7
    write_lists(tmp_path, test=IDS[29:])
    with pytest.raises(DataError, match=f"'{IDS[29]}' is in train and in test"):
        published_splits(tmp_path / "db", "YT-All", 1, 0)


def test_a_video_has_one_place_in_all_databases(tmp_path):
    write_lists(tmp_path)
    write_lists(tmp_path, train=IDS[:30:2], name="YT-Music")
    every = published_splits(tmp_path, "YT-All", 1, 3)
    some = published_splits(tmp_path, "YT-Music", 1, 3)
    assert set(some["train"]) <= set(every["train"])
    assert set(some["validation"]) <= set(every["validation"])
    write_lists(tmp_path, train=IDS[:2], name="YT-Clean")
    assert len(published_splits(tmp_path, "YT-Clean", 1, 3)["validation"]) == 1


def test_a_missing_list(tmp_path):
    write_lists(tmp_path)
    (tmp_path / "db").mkdir()
    match = (
        r"there is no YT-All\.train\.2\.lst in .*did you mean 'YT-All\.train\.1\.lst'"
    )
    with pytest.raises(DataError, match=match):
        published_splits(tmp_path / "db", "YT-All", 2, 0)
    assert find_list(tmp_path / "db", "none.txt") is None
