import json
import signal
import subprocess
import sys

import pytest

from tests.integration.user import ROOT, call, check_whole, spawn
from tests.launch.test_build_dataset import last_line
from tests.media.make import number_picture, tone, write_video
from tests.tfds_builders.raw.server import serve
from tests.tfds_builders.raw.videos import files_of


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_video(path, [number_picture(i) for i in range(48)], 8, tone(6.0, 22050))
    return path.read_bytes()


@pytest.fixture
def site(film, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serve({f"/{name}.mp4": film for name in "abcd"}) as found:
        yield found


@pytest.fixture
def words(site, tmp_path):
    """The flags that fetch a, b, c and one that is gone."""
    rows = [f"{site.url(f'/{name}.mp4')},cello\n" for name in ("a", "b", "c", "gone")]
    (tmp_path / "list.csv").write_text("".join(rows))
    return (
        f"--source={tmp_path / 'list.csv'}",
        f"--output={tmp_path / 'videos'}",
        "--first_wait_s=0",
    )


def test_from_a_list_to_clips(site, words, film, tmp_path):
    site.statuses["/b.mp4"] = [503]
    output = tmp_path / "videos"
    done = call("download", *words, "--workers=0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"3 videos fetched, 0 were there, 1 gone, see {output}/missing.json",
        f"videos in {output}",
    ]
    assert "download: 100%" in done.stderr
    assert files_of(output)["cello/b.mp4"] == film
    (gone,) = json.loads((output / "missing.json").read_text())
    assert gone["id"] == "cello/gone"
    site.requests.clear()
    done = call("download", *words, "--workers=0")
    assert done.stdout.startswith("0 videos fetched, 3 were there, 1 gone")
    assert site.requests == []
    media = f"--output={tmp_path / 'media'}"
    done = call("preprocess", f"--source={output}", media, "--workers=0")
    assert done.stdout.startswith("3 clips made")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_within_a_video_and_run_again(site, words, film, tmp_path, how):
    site.held = "/b.mp4"
    command = [sys.executable, "-m", "launch.download", *words, "--workers=1"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert site.reached.wait(60)
        process.send_signal(how)
        line = process.stderr.read().decode().splitlines()[-1]
    output = tmp_path / "videos"
    assert set(files_of(output / "cello")) == {"a.mp4"}
    if how == signal.SIGINT:
        assert (process.returncode, line) == (130, "download: interrupted")
        check_whole(output)
    site.released.set()
    done = spawn("download", *words, "--workers=1")
    assert done.returncode == 0, done.stderr
    names = {f"cello/{name}.mp4" for name in "abc"}
    assert files_of(output).keys() == names | {"missing.json"}
    assert all(files_of(output)[name] == film for name in names)


@pytest.mark.parametrize("workers", [0, 1])
def test_no_room(words, film, tmp_path, workers):
    """A limit on the size of files stands for a full disk."""
    limit = len(film) // 2
    done = spawn("download", *words, f"--workers={workers}", file_limit=limit)
    line = last_line(done)
    assert "a cannot be written: unable to write data: " in line
    assert "File too large; free some room and run again" in line
    assert set(files_of(tmp_path / "videos")) == {"missing.json"}


def test_one_line_for_a_mistake(site, words, tmp_path):
    line = last_line(call("download", words[1]))
    assert line.endswith("--source is required")
    none = f"--source={tmp_path / 'none.txt'}"
    assert "cannot be read as a list" in last_line(call("download", none, words[1]))
    assert "max_height is 0" in last_line(call("download", *words, "--max_height=0"))
    site.statuses["/a.mp4"] = [503] * 9
    line = last_line(call("download", *words, "--workers=0", "--retries=1"))
    assert "1 of 4 videos could not be fetched, such as 'cello/a'" in line
    assert "503" in line
    assert site.counts["/a.mp4"] == 2
