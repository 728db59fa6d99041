import os

import pytest

from spatialjax.errors import DataError
from tfds_builders.av_clips.index import Row, class_names, clip_ids, read_source


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


class TestCsv:
    def test_published_rows(self, tmp_path, monkeypatch):
        audio = touch(tmp_path / "data" / "audio" / "trumpet" / "a.mp3")
        frames = tmp_path / "data" / "frames" / "trumpet" / "a.mp4"
        frames.mkdir(parents=True)
        index = tmp_path / "data" / "index.csv"
        row = "./data/audio/trumpet/a.mp3,./data/frames/trumpet/a.mp4,493\n"
        index.write_text(row + "\n" + row)
        # The paths start one folder above the csv.
        assert read_source(str(index)) == [Row(audio, str(frames), 493)]

    def test_paths_from_the_folder_of_the_csv_or_the_working_folder(
        self, tmp_path, monkeypatch
    ):
        beside = touch(tmp_path / "lists" / "beside.wav")
        here = touch(tmp_path / "work" / "here.wav")
        monkeypatch.chdir(tmp_path / "work")
        index = tmp_path / "lists" / "index.csv"
        index.write_text(f"beside.wav,x,1\nhere.wav,x,1\n{here},x,1\nnone.wav,x,1\n")
        found = [row.audio_path for row in read_source(str(index))]
        none = str(tmp_path / "lists" / "none.wav")
        assert found == [beside, here, none]

    def test_silent_sound_is_not_looked_for(self, tmp_path):
        (tmp_path / "index.csv").write_text("audio/room.silent,frames/room,480\n")
        (row,) = read_source(str(tmp_path / "index.csv"))
        assert (row.audio_path, row.num_images) == ("", 480)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "is empty, expected rows AUDIO_PATH,FRAMES_DIR,NUMBER_FRAMES"),
            ("\n \n", "is empty"),
            ("a.mp3,f,1\nb.mp3,2\n", "row 2 has 2 columns, expected AUDIO_PATH"),
            ("a.mp3,f,1,x\n", "row 1 has 4 columns"),
            ("a.mp3\n", "row 1 has 1 column, expected"),
            ("audio,frames,count\n", r"row 1: NUMBER_FRAMES is 'count'.*no header"),
            ("a.mp3,f,-1\n", "row 1: NUMBER_FRAMES is '-1'"),
            (",f,1\n", "row 1 has an empty path"),
        ],
    )
    def test_malformed(self, tmp_path, text, words):
        path = tmp_path / "index.csv"
        path.write_text(text)
        with pytest.raises(DataError, match=words) as caught:
            read_source(str(path))
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_no_text(self, tmp_path):
        (tmp_path / "index.csv").write_bytes(b"\xff\xfe\x00\xd8")
        with pytest.raises(DataError, match="cannot be read as csv"):
            read_source(str(tmp_path / "index.csv"))


class TestFolder:
    def test_csv_of_each_split(self, tmp_path):
        for name in ("train", "val", "test", "all"):
            (tmp_path / f"{name}.csv").write_text(f"{name}.mp3,frames,9\n")
        rows = read_source(str(tmp_path))
        assert [row.split for row in rows] == ["test", "train", "validation"]

    def test_other_csv_names(self, tmp_path):
        (tmp_path / "clips.csv").write_text("a.mp3,frames,9\n")
        with pytest.raises(DataError, match=r"clips\.csv: name one of them"):
            read_source(str(tmp_path))

    def test_audio_and_frames(self, tmp_path):
        a = touch(tmp_path / "audio" / "cello" / "a.mp3")
        b = touch(tmp_path / "audio" / "tuba" / "b.wav")
        c = touch(tmp_path / "audio" / "tuba" / "c.wav")
        (tmp_path / "frames" / "cello" / "a.mp4").mkdir(parents=True)
        (tmp_path / "frames" / "tuba" / "b").mkdir(parents=True)
        touch(tmp_path / "frames" / "tuba" / "c.webm")
        rows = read_source(str(tmp_path))
        frames = tmp_path / "frames"
        assert rows == [
            Row(a, str(frames / "cello" / "a.mp4"), None),
            Row(b, str(frames / "tuba" / "b"), None),
            Row(c, str(frames / "tuba" / "c.webm"), None),
        ]

    def test_audio_and_frames_without_sound(self, tmp_path):
        (tmp_path / "audio").mkdir()
        (tmp_path / "frames").mkdir()
        with pytest.raises(DataError, match="has no sound"):
            read_source(str(tmp_path))

    def test_videos(self, tmp_path):
        a = touch(tmp_path / "cello" / "a.mp4")
        b = touch(tmp_path / "tuba" / "b.MOV")
        touch(tmp_path / "tuba" / "notes.txt")
        (tmp_path / "tuba" / "frames.mp4").mkdir()
        assert read_source(str(tmp_path)) == [Row(a, a, None), Row(b, b, None)]

    def test_videos_below_splits(self, tmp_path):
        touch(tmp_path / "train" / "cello" / "a.mp4")
        touch(tmp_path / "val" / "cello" / "b.mp4")
        rows = read_source(str(tmp_path))
        assert [row.split for row in rows] == ["train", "validation"]
        touch(tmp_path / "tuba" / "c.mp4")
        assert {row.split for row in read_source(str(tmp_path))} == {""}

    def test_links_are_followed_but_not_in_circles(self, tmp_path):
        touch(tmp_path / "disk" / "b.mp4")
        root = tmp_path / "source"
        a = touch(root / "cello" / "a.mp4")
        (root / "tuba").symlink_to(tmp_path / "disk")
        (root / "cello" / "again").symlink_to(root)
        (root / "broken").symlink_to(tmp_path / "none")
        b = str(root / "tuba" / "b.mp4")
        assert [row.audio_path for row in read_source(str(root))] == [a, b]
        # Two links that lead to one another end, too.
        (tmp_path / "disk" / "cello").symlink_to(root / "cello")
        (root / "cello" / "tuba").symlink_to(tmp_path / "disk")
        assert len(read_source(str(root))) == 4

    def test_folder_that_cannot_be_read(self, tmp_path, monkeypatch):
        (tmp_path / "cello").mkdir()
        scandir = os.scandir

        def refuse(path):
            if os.fspath(path).endswith("cello"):
                raise PermissionError(13, "Permission denied", path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        with pytest.raises(DataError, match="cello cannot be read: Permission denied"):
            read_source(str(tmp_path))

    def test_nothing_of_use(self, tmp_path):
        with pytest.raises(DataError, match="neither an index csv, nor"):
            read_source(str(tmp_path))

    @pytest.mark.parametrize("source", ["", "none"])
    def test_missing(self, tmp_path, source):
        path = str(tmp_path / "none") if source else ""
        with pytest.raises(DataError, match="does not exist"):
            read_source(path)


def rows_of(*paths):
    return [Row(path, path, None) for path in paths]


def test_clip_ids_are_short_and_unique():
    assert clip_ids(rows_of("/d/cello/a.mp3", "/d/tuba/a.mp3")) == ["cello/a", "tuba/a"]
    assert clip_ids(rows_of("/x/cello/a.mp3", "/y/cello/a.mp3")) == [
        "x/cello/a",
        "y/cello/a",
    ]
    same = rows_of("/x/cello/a.mp3", "/x/cello/a.wav")
    assert clip_ids(same) == ["cello/a.mp3", "cello/a.wav"]
    silent = [*same, Row("", "/x/cello/a.mp3", 9)]
    assert clip_ids(silent) == ["cello/a.mp3", "cello/a.wav", "silence/a.mp3"]
    assert clip_ids([Row("", "/f/rooms/r.mp4", 9)]) == ["silence/r"]


def test_class_is_the_folder():
    rows = [*rows_of("/d/cello/a.mp4", "/d/b.mp4"), Row("", "/d/room", 9)]
    assert class_names(rows, "/d") == ["cello", "", "silence"]


def test_class_is_in_the_name_where_all_lie_in_one_folder():
    names = ["dog barking-abcdefghijk-30", "violin, fiddle-abc-efg_ijk"]
    rows = rows_of(*(f"/d/audio/{name}.mp3" for name in names))
    assert class_names(rows, "/d") == ["dog barking", "violin, fiddle"]
    more = [*rows, *rows_of("/d/audio/other.mp3")]
    assert class_names(more, "/d") == ["", "", ""]
    assert class_names(more, "/") == ["audio", "audio", "audio"]


def test_folders_that_name_no_class(tmp_path):
    index = touch(tmp_path / "mine" / "index.csv")
    folder = tmp_path / "mine"
    for source in (str(folder), index):
        names = ["train/a.mp4", "val/b.mp4", "train/cello/c.mp4"]
        rows = rows_of(*(str(folder / name) for name in names))
        assert class_names(rows, source) == ["", "", "cello"]
        rows = rows_of(str(folder / "d.wav"))
        assert class_names(rows, source) == [""]
        rows = rows_of(str(folder / "train" / "a.mp4"), str(folder / "bus" / "b.mp4"))
        assert class_names(rows, source) == ["train", "bus"]
