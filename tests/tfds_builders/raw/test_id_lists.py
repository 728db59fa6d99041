import json

import pytest

from spatialjax.errors import DataError
from tfds_builders.raw.id_lists import Video, read_list

IDS = ("0QuDuHcMhrQ", "---g-f_I2yQ", "_aB3dE5gH7j")
WATCH = "https://www.youtube.com/watch?v="


def read(tmp_path, text, name="list.csv", **kwargs):
    path = tmp_path / name
    path.write_text(text)
    return read_list(path, **kwargs)


def test_music(tmp_path):
    content = {"videos": {"accordion": IDS[:2], "flute violin": IDS[2:]}}
    expected = [
        Video(WATCH + IDS[0], IDS[0], "accordion"),
        Video(WATCH + IDS[1], IDS[1], "accordion"),
        Video(WATCH + IDS[2], IDS[2], "flute violin"),
    ]
    for inner in (content, content["videos"]):
        assert read(tmp_path, json.dumps(inner), "MUSIC.json") == expected
    assert expected[2].clip_id == f"flute violin/{IDS[2]}"


def test_vggsound(tmp_path):
    videos = read(
        tmp_path,
        f'{IDS[1]},1,people marching,test\n{IDS[0]},30,"horn, car horn",train\n',
    )
    assert videos == [
        Video(WATCH + IDS[1], f"{IDS[1]}_000001", "people marching", "test", 1, 11),
        Video(WATCH + IDS[0], f"{IDS[0]}_000030", "horn, car horn", "train", 30, 40),
    ]
    assert videos[1].clip_id == f"train/horn, car horn/{IDS[0]}_000030"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("{}", (None, None, "", "")),
        ("{},violin", (None, None, "violin", "")),
        ("{},violin,valid", (None, None, "violin", "val")),
        ("{},5", (5, 15, "", "")),
        ("{},5,8", (5, 8, "", "")),
        ("{}, 5.25, 8.5, violin", (5.25, 8.5, "violin", "")),
        ("{},5,8,violin,Test", (5, 8, "violin", "test")),
        ("{},5,,", (5, 15, "", "")),
    ],
)
def test_rows_without_header(tmp_path, row, expected):
    (video,) = read(tmp_path, f"# a comment\n\n{row.format(IDS[0])}\n", "list.txt")
    assert (video.start_s, video.end_s, video.label, video.split) == expected


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("label,id,start_s,end_s", "violin,{},0,7"),
        ("# YTID, start_seconds, end_seconds, label", '{}, 0.000, 7.000, "violin"'),
        ("video_id,other,end,class", "{},x,7,violin"),
    ],
)
def test_a_header_names_the_columns(tmp_path, header, row):
    (video,) = read(tmp_path, f"{header}\n{row.format(IDS[0])}\n")
    assert video == Video(WATCH + IDS[0], f"{IDS[0]}_000000", "violin", "", 0, 7)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://youtu.be/0QuDuHcMhrQ", "0QuDuHcMhrQ"),
        (f"{WATCH}0QuDuHcMhrQ&list=x", "0QuDuHcMhrQ"),
        ("http://example.org/a/My%20film.v2.mp4", "My_film.v2"),
        ("http://example.org/.hidden.mp4", "hidden"),
        ("http://example.org", "example.org"),
    ],
)
def test_addresses(tmp_path, url, name):
    assert read(tmp_path, url) == [Video(url, name)]


def test_a_row_that_occurs_again_is_dropped(tmp_path):
    assert len(read(tmp_path, f"{IDS[0]}\n{IDS[0]}\n")) == 1


def test_parts_of_a_second_have_names_of_their_own(tmp_path):
    rows = "".join(f"{IDS[0]},{time}\n" for time in (1, 1.25, 1.5, 1250))
    names = [video.name[12:] for video in read(tmp_path, rows)]
    assert names == ["000001", "000001250", "000001500", "001250"]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("", "a.csv", "is empty, expected a video a line"),
        ("\n# nothing\n", "a.txt", "is empty"),
        ("{}", "a.json", "is empty"),
        ("violin\n", "a.txt", "row 1: 'violin' is neither an id of YouTube (11"),
        ("ftp://x/y.mp4", "a.txt", "row 1: 'ftp://x/y.mp4' is neither"),
        ("http://[x/a.mp4", "a.txt", "row 1: 'http://[x/a.mp4' is neither an id"),
        (f"{IDS[0]}\nhttp://x/{'a' * 251}.mp4", "a.txt", "row 2: 'aaaa"),
        (f"http://x/{'%C3%A9' * 130}.mp4", "a.txt", "is too long for the name of a"),
        (f"{IDS[0]},{'a' * 251}", "a.csv", "is too long for the name of a file"),
        (f"{IDS[0]},8,5", "a.csv", "row 1 ends at 5 s, before its start 8 s"),
        (f"{IDS[0]},1,horn, car horn", "a.csv", "row 1: the split is 'car horn'"),
        (f"{IDS[0]},a,train,x", "a.csv", "has too many cells, expected ID[,START"),
        (f"{IDS[0]},../x", "a.csv", "the label '../x' cannot be the name of a folder"),
        (f"{IDS[0]},.x", "a.csv", "the label '.x' cannot be"),
        (f"id,start\n{IDS[0]},soon", "a.csv", "row 2: start_s is 'soon', expected sec"),
        (f"id,start\n{IDS[0]}", "a.csv", "row 2 has 1 instead of 2 cells"),
        ('"', "a.csv", "cannot be read as csv: unexpected end"),
        ("{", "a.json", "cannot be read as json"),
        ('["a"]', "a.json", "has another form than"),
        ('{"a": "b"}', "a.json", "has another form than"),
        ('{"a": ["b"]}', "a.json", "'a': 'b' is neither an id"),
        ("http://x/a.mp4\nhttp://y/a.mp4", "a.txt", "would both be called 'a'"),
    ],
)
def test_lists_that_are_wrong(tmp_path, text, name, expected):
    with pytest.raises(DataError) as error:
        read(tmp_path, text, name)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_no_list(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("a.csv", "none.csv", ""):
        with pytest.raises(DataError, match="cannot be read as a list of videos"):
            read_list(tmp_path / name)
