import pytest

from spatialjax.errors import DataError
from tfds_builders.raw.ambisonics_sources import find_recordings


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_parts_of_one_recording_are_found(tmp_path):
    touch(
        tmp_path,
        "one.mp4",
        "pair.mov",
        "pair.WAV",
        "train/id-_1.video.mp4",
        "train/id-_1.audio.f338.webm",
        "v1.2.mkv",
        "alone.wav",
        "notes.txt",
        ".hidden.mp4",
    )
    found = [
        (r.clip_id, r.pictures.relative_to(tmp_path).as_posix(), r.sound.name)
        for r in find_recordings(tmp_path)
    ]
    assert found == [
        ("one", "one.mp4", "one.mp4"),
        ("pair", "pair.mov", "pair.WAV"),
        ("train/id-_1", "train/id-_1.video.mp4", "id-_1.audio.f338.webm"),
        ("v1.2", "v1.2.mkv", "v1.2.mkv"),
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.mp4", "a.mkv"], r"a\.mkv and .*a\.mp4 would both be the video of 'a'"),
        (["a.mp4", "a.wav", "a.audio.webm"], "would both be the audio of 'a'"),
        (["a.wav"], "has no videos"),
    ],
)
def test_what_cannot_be_told_apart(tmp_path, names, words):
    touch(tmp_path, *names)
    with pytest.raises(DataError, match=words):
        find_recordings(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="is no folder"):
        find_recordings(tmp_path / "none")
