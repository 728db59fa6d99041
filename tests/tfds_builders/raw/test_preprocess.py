import fcntl
import json
import pathlib
import subprocess
import sys

import pytest

from spatialjax.errors import ConfigError, DataError
from tests.tfds_builders.raw.videos import files_of, write_collection
from tfds_builders.raw.extract import Settings
from tfds_builders.raw.preprocess import preprocess
from tfds_builders.raw.sources import files_below, find_clips

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = write_collection(tmp_path_factory.mktemp("raw"))
    (root / "tuba" / "broken.webm").write_text("no video")
    (root / "tuba" / "notes.txt").touch()
    return root


def run(source, output, **kwargs):
    return preprocess(
        source, output, **{"num_workers": 0, "max_missing": 0.5, **kwargs}
    )


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """What an uninterrupted run in one process makes."""
    output = tmp_path_factory.mktemp("whole") / "out"
    done = run(source, output)
    assert (done.num_made, done.num_there, len(done.broken)) == (4, 0, 1)
    return files_of(output)


def test_the_published_layout(source, whole):
    clips = ["cello/0", "cello/1", "tuba/0", "tuba/1"]
    expected = {f"audio/{clip}.wav" for clip in clips}
    for clip in clips:
        expected |= {f"frames/{clip}.mp4/{i:06d}.jpg" for i in range(1, 9)}
    assert set(whole) == expected | {"missing.json", "preprocess.json"}
    (broken,) = json.loads(whole["missing.json"])
    assert broken["clip_id"] == "tuba/broken"
    assert broken["path"] == str(source / "tuba" / "broken.webm")
    assert "cannot be read" in broken["reason"]
    assert json.loads(whole["preprocess.json"])["image_rate_hz"] == 8


def test_processes_make_the_same(source, whole, tmp_path):
    run(source, tmp_path, num_workers=2)
    assert files_of(tmp_path) == whole


def test_what_is_there_is_kept(source, whole, tmp_path):
    run(source, tmp_path)
    sound = tmp_path / "audio" / "cello" / "1.wav"
    before = sound.stat().st_mtime_ns
    (tmp_path / "audio" / "tuba" / "0.wav").unlink()
    done = run(source, tmp_path)
    assert (done.num_made, done.num_there, len(done.broken)) == (1, 3, 1)
    assert sound.stat().st_mtime_ns == before
    assert files_of(tmp_path) == whole


@pytest.mark.slow
def test_killed_at_any_point_and_run_again(tmp_path):
    """The bytes are those of a run that was not killed."""
    source = write_collection(tmp_path / "raw", per_class=1, seconds=0.5)
    (source / "tuba" / "broken.webm").write_text("no video")
    command = [sys.executable, "-m", "tests.tfds_builders.raw.killed"]
    done = subprocess.run(
        [*command, str(source), str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


def test_what_a_killed_run_left_is_removed(source, whole, tmp_path):
    left = tmp_path / ".preprocessing" / "tmpx" / "images"
    left.mkdir(parents=True)
    (left / "000001.jpg").touch()
    (tmp_path / ".preprocessing" / "file").touch()
    run(source, tmp_path)
    assert files_of(tmp_path) == whole


def test_two_runs_at_once(source, tmp_path):
    (tmp_path / ".preprocessing").mkdir()
    with open(tmp_path / ".preprocessing" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another run is at work in"):
            run(source, tmp_path)


def test_other_settings(source, tmp_path):
    run(source, tmp_path)
    before = files_of(tmp_path)
    with pytest.raises(DataError, match=r"made with image_rate_hz=8\.0, asked for"):
        run(source, tmp_path, settings=Settings(image_rate_hz=4.0))
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("content", ["{", "[]", '{"image_rate_hz": 8}'])
def test_damaged_settings(source, tmp_path, content):
    (tmp_path / "preprocess.json").write_text(content)
    with pytest.raises(DataError, match=r"preprocess\.json is damaged"):
        run(source, tmp_path)


def test_clips_of_somebody_else(source, tmp_path):
    (tmp_path / "audio").mkdir()
    with pytest.raises(DataError, match=r"but no preprocess\.json that tells"):
        run(source, tmp_path)


def test_too_many_are_broken(source, whole, tmp_path):
    """All others are made before that is said."""
    with pytest.raises(DataError, match=r"1 of 5 videos are broken, .* are done; see"):
        run(source, tmp_path, max_missing=0.1)
    assert files_of(tmp_path) == whole
    assert not (tmp_path / ".preprocessing").exists()


def test_two_videos_of_one_name(source, tmp_path):
    for suffix in ("mp4", "MOV"):
        (tmp_path / f"x.{suffix}").touch()
    with pytest.raises(DataError, match=r"x\.MOV and .*x\.mp4 would both become"):
        run(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_the_name_of_images(tmp_path):
    (tmp_path / "x.mp4").mkdir()
    (tmp_path / "x.mp4" / "y.mkv").touch()
    (tmp_path / "x.mkv").touch()
    with pytest.raises(DataError, match=r"would hold the images of .*x\.mkv: rename"):
        run(tmp_path, tmp_path / "out")


def test_no_videos(tmp_path):
    with pytest.raises(DataError, match="has no videos"):
        run(tmp_path, tmp_path / "out")
    with pytest.raises(DataError, match="is no folder, expected one of videos"):
        run(tmp_path / "none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_source_as_output(source):
    with pytest.raises(DataError, match=r"output is the source, .*: name another"):
        run(source, source.parent / source.name)
    assert not (source / "preprocess.json").exists()


def test_values_out_of_range(source, tmp_path):
    with pytest.raises(DataError, match="max_missing is 2, expected 0 to 1"):
        run(source, tmp_path, max_missing=2)
    with pytest.raises(ConfigError, match="short_side is 0"):
        run(source, tmp_path, settings=Settings(short_side=0))


def test_links_folders_and_hidden_files(source, tmp_path):
    """A loop ends, deeper folders stay, hidden files are no clips."""
    tree = tmp_path / "tree"
    (tree / "solo" / "flute").mkdir(parents=True)
    (tree / "solo" / "flute" / "a.b.MP4").symlink_to(source / "cello" / "0.mp4")
    (tree / "solo" / "back").symlink_to(tree)
    (tree / "linked").symlink_to(source / "tuba")
    (tree / "linked.mp4").mkdir()
    (tree / ".hidden").mkdir()
    for name in ("._x.mp4", ".hidden/x.mp4"):
        (tree / name).touch()
    (tree / "gone.mp4").symlink_to(tmp_path / "gone")
    clips = find_clips(tree, tmp_path / "out")
    assert [clip.clip_id for clip in clips] == [
        *("linked/0", "linked/1", "linked/broken", "solo/flute/a.b")
    ]
    assert clips[-1].sound == tmp_path / "out/audio/solo/flute/a.b.wav"
    assert clips[-1].images == tmp_path / "out/frames/solo/flute/a.b.mp4"


def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch):
    def walk(root, topdown, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", "x/secret"))

    monkeypatch.setattr("os.walk", walk)
    with pytest.raises(DataError, match="x/secret cannot be read: Permission denied"):
        files_below(tmp_path, (".mp4",))
