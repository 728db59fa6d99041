import json
import signal
import subprocess
import sys

import pytest

from tests.integration.user import ROOT, call, check_whole, spawn
from tests.launch.test_build_dataset import last_line
from tests.tfds_builders.ambix_video.recordings import write_sphere
from tests.tfds_builders.raw.videos import files_of, write_collection


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = write_collection(tmp_path_factory.mktemp("raw"), per_class=3)
    (root / "tuba" / "broken.webm").write_text("no video")
    return root


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """What an uninterrupted run makes."""
    output = tmp_path_factory.mktemp("whole") / "out"
    done = call(
        "preprocess",
        f"--source={source}",
        f"--output={output}",
        "--workers=0",
        "--max_missing=0.2",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"6 clips made, 0 were there, 1 broken, see {output}/missing.json",
        f"clips in {output}",
    ]
    assert "preprocess: 100%" in done.stderr
    return files_of(output)


def test_settings(source, tmp_path):
    words = (f"--source={source}", f"--output={tmp_path}", "--max_missing=0.2")
    rates = ("--image_rate_hz=4", "--sample_rate_hz=8000", "--short_side=32")
    done = call("preprocess", *words, *rates, "--workers=0")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "preprocess.json").read_text()) == {
        "image_rate_hz": 4.0,
        "sample_rate_hz": 8000,
        "short_side": 32,
        "jpeg_quality": 90,
    }
    line = last_line(call("preprocess", *words, "--workers=0"))
    assert line.startswith(f"preprocess: the clips in {tmp_path} were made with image")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_while_processes_work_and_run_again(source, whole, tmp_path, how):
    """Processes of a run that was killed do not live on beside the next one."""
    words = (f"--source={source}", f"--output={tmp_path}", "--max_missing=0.2")
    command = [sys.executable, "-m", "launch.preprocess", *words, "--workers=2"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        seen = b""
        while (
            b"1/7" not in seen
            and b"2/7" not in seen
            and (read := process.stderr.read(1))
        ):
            seen += read
        process.send_signal(how)
        line = process.stderr.read().decode().splitlines()[-1:]
    assert process.returncode in (-signal.SIGKILL, 130, 0)
    if process.returncode == 130:
        assert line == ["preprocess: interrupted"]
        check_whole(tmp_path)
    done = spawn("preprocess", *words, "--workers=2")
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path) == whole


@pytest.mark.parametrize("workers", [0, 1])
def test_no_room(source, tmp_path, workers):
    """A limit on the size of files stands for a full disk."""
    words = (f"--source={source}", f"--output={tmp_path}", f"--workers={workers}")
    line = last_line(spawn("preprocess", *words, file_limit=5000))
    assert "0.wav cannot be written: File too large; free some room and run" in line
    check_whole(tmp_path)
    assert set(files_of(tmp_path)) == {"preprocess.json", "missing.json"}


def test_one_line_for_a_mistake(source, tmp_path):
    (tmp_path / "file").touch()
    output = f"--output={tmp_path / 'file' / 'out'}"
    line = last_line(call("preprocess", f"--source={source}", output, "--workers=0"))
    assert line.startswith("preprocess: cannot use the path")
    words = (f"--source={tmp_path / 'none'}", output)
    assert "is no folder" in last_line(call("preprocess", *words))
    assert last_line(call("preprocess", output)).endswith("--source is required")


def test_sound_fields(tmp_path):
    write_sphere(tmp_path / "raw" / "a.mp4")
    words = (f"--source={tmp_path / 'raw'}", f"--output={tmp_path / 'out'}")
    rates = ("--sample_rate_hz=4000", "--short_side=32", "--workers=0")
    field = ("--kind=ambisonics", "--channel_map=3,2,1,0", "--flow")
    done = call("preprocess", *words, *rates, *field)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 clips made, 0 were there, 0 broken")
    made = {path.rpartition("/")[0] for path in files_of(tmp_path / "out")}
    assert made == {"", "a", "a/ambix", "a/flow", "a/video"}
    settings = json.loads((tmp_path / "out" / "preprocess.json").read_text())
    assert settings["channel_map"] == [3, 2, 1, 0]
    for extra, text in [
        (("--kind=ambisonics", "--channel_map=1,2"), "'1,2', expected four numbers"),
        (("--flow",), "there is no setting flow here: known: image_rate_hz"),
    ]:
        assert text in last_line(call("preprocess", *words, *extra))
