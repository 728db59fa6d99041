import fcntl
import json
import socket

import numpy as np
import pytest

from spatialjax.errors import ConfigError, DataError, MediaError
from spatialjax.media import probe, read_audio, sample_images
from tests.media.make import number_picture, read_number, tone, write_sound, write_video
from tests.tfds_builders.raw.server import serve
from tests.tfds_builders.raw.videos import files_of
from tfds_builders.raw.download import MOST_FAILURES_IN_A_ROW, download
from tfds_builders.raw.fetch import Manner

RATE_HZ = 22050
DASH = """<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="v" codecs="avc1.4d400d"
 width="64" height="64" bandwidth="1000"><BaseURL>v.mp4</BaseURL></Representation>
</AdaptationSet><AdaptationSet mimeType="audio/mp4"><Representation id="a"
 codecs="mp4a.40.2" bandwidth="100" audioSamplingRate="22050"><BaseURL>a.m4a</BaseURL>
</Representation></AdaptationSet></Period></MPD>"""
PATIENT = Manner(num_retries=3, first_wait_s=1.0)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The bytes of a video of 6 s, some 100 kB."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    noise = 0.3 * np.random.default_rng(0).standard_normal(6 * RATE_HZ)
    write_video(path, [number_picture(i) for i in range(48)], 8, noise, RATE_HZ)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """All servers are on this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site(film):
    names = ("good", "flaky", "cut", "other")
    with serve({f"/{name}.mp4": film for name in names}) as found:
        yield found


def list_of(site, folder, *names, form="{}"):
    path = folder / "list.txt"
    rows = (form.format(site.url(f"/{name}.mp4")) for name in names)
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


class Waits(list):
    """What was waited, without waiting."""

    def __call__(self, seconds):
        self.append(seconds)


def run(source, output, **kwargs):
    kwargs = {"manner": PATIENT, "num_workers": 0, "wait": Waits(), **kwargs}
    return download(source, output, **kwargs)


def report(output):
    return {e["id"]: e for e in json.loads((output / "missing.json").read_text())}


def test_fetches_what_is_there_and_tells_what_is_gone(site, film, tmp_path):
    output, waits = tmp_path / "videos", Waits()
    site.statuses["/flaky.mp4"] = [503, 503]
    source = list_of(site, tmp_path, "good", "flaky", "none")
    done = run(source, output, wait=waits)
    assert (done.num_fetched, done.num_there) == (2, 0)
    assert [entry.id for entry in done.gone] == ["none"]
    found = files_of(output)
    assert set(found) == {"good.mp4", "flaky.mp4", "missing.json"}
    assert found["good.mp4"] == found["flaky.mp4"] == film
    assert report(output)["none"] == {
        "id": "none",
        "url": site.url("/none.mp4"),
        "reason": "Unable to download webpage: HTTP Error 404: Not Found",
        "gone": True,
    }
    assert site.counts["/none.mp4"] == 1
    assert len(waits) == 2
    assert 0.5 <= waits[0] < 1.5
    assert 1 <= waits[1] < 3
    site.requests.clear()
    done = run(source, output)
    assert (done.num_fetched, done.num_there, len(done.gone)) == (0, 2, 1)
    assert site.requests == []


def test_a_folder_whose_name_looks_like_a_template(site, film, tmp_path):
    source, name = list_of(site, tmp_path, "good"), "my$HOME ~ 50%(id)s 7%"
    assert run(source, tmp_path / name).num_fetched == 1
    assert set(files_of(tmp_path)) == {
        "list.txt",
        f"{name}/good.mp4",
        f"{name}/missing.json",
    }


@pytest.mark.parametrize("num_cuts", [1, 2])
def test_a_connection_that_is_cut_goes_on_where_it_was(site, film, tmp_path, num_cuts):
    # Each attempt first asks what kind of file it is.
    site.cuts["/cut.mp4"] = [None, len(film) // 2, None, len(film) // 4][: 2 * num_cuts]
    waits = Waits()
    run(list_of(site, tmp_path, "cut"), tmp_path / "videos", wait=waits)
    assert files_of(tmp_path / "videos")["cut.mp4"] == film
    assert len(waits) == num_cuts
    first = [first for _, first in site.requests if first > 0]
    assert len(first) == num_cuts
    assert first == sorted(first)


def test_a_video_that_never_comes_whole(site, film, tmp_path):
    site.cuts["/cut.mp4"] = [None, 2000] * 9
    source = list_of(site, tmp_path, "cut", "good")
    with pytest.raises(DataError, match="1 of 2 videos could not be fetched") as error:
        run(source, tmp_path / "videos")
    assert "more expected" in str(error.value)
    assert set(files_of(tmp_path / "videos")) == {"good.mp4", "missing.json"}
    assert not report(tmp_path / "videos")["cut"]["gone"]
    site.cuts.clear()
    run(source, tmp_path / "videos")
    assert files_of(tmp_path / "videos")["cut.mp4"] == film
    assert report(tmp_path / "videos") == {}


def test_a_site_that_refuses_everything(site, tmp_path):
    names = [f"v{i}" for i in range(3 * MOST_FAILURES_IN_A_ROW)]
    site.statuses = {f"/{name}.mp4": [429] * 99 for name in names}
    source = list_of(site, tmp_path, *names)
    manner = Manner(num_retries=1)
    with pytest.raises(DataError, match="the last 10 videos could not be fetched"):
        run(source, tmp_path / "videos", manner=manner)
    assert len(site.requests) == 2 * MOST_FAILURES_IN_A_ROW
    assert len(report(tmp_path / "videos")) == MOST_FAILURES_IN_A_ROW


def test_no_network(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # where nobody answers when it is closed
    (tmp_path / "list.txt").write_text(f"http://127.0.0.1:{port}/a.mp4\n")
    waits = Waits()
    with pytest.raises(DataError, match="1 of 1 videos could not be fetched"):
        run(tmp_path / "list.txt", tmp_path / "videos", wait=waits)
    assert len(waits) == 3


def test_processes_and_labels(site, film, tmp_path):
    source = list_of(site, tmp_path, "good", "other", form='{},"horn, honking",test')
    run(source, tmp_path / "videos", num_workers=2)
    assert set(files_of(tmp_path / "videos")) == {
        "test/horn, honking/good.mp4",
        "test/horn, honking/other.mp4",
        "missing.json",
    }


def test_parts_of_videos(site, film, tmp_path):
    source = list_of(site, tmp_path, "good", form="{},2,violin")
    site.files["/good.mp4"] = film
    run(source, tmp_path / "videos", section_s=3.0)
    (path,) = (tmp_path / "videos" / "violin").iterdir()
    assert path.name == "good_000002.mkv"
    seconds = read_audio(path).samples.shape[1] / RATE_HZ
    assert seconds == pytest.approx(3.0, abs=0.15)
    source = list_of(site, tmp_path, "good", form="{},20,30")
    (gone,) = run(source, tmp_path / "videos").gone
    assert gone.reason.endswith("good.mp4 ends before 20 s")
    assert len(report(tmp_path / "videos")) == 1


@pytest.mark.parametrize("part", ["", ",1,4"])
def test_sound_and_pictures_apart(site, film, tmp_path, part):
    """Without ffmpeg beside yt-dlp."""
    write_sound(tmp_path / "a.m4a", tone(6.0, RATE_HZ), RATE_HZ, "aac")
    write_video(tmp_path / "v.mp4", [number_picture(i) for i in range(48)], 8)
    for name in ("a.m4a", "v.mp4"):
        site.files[f"/{name}"] = (tmp_path / name).read_bytes()
    site.files["/dash.mp4"] = DASH.encode()
    source = list_of(site, tmp_path, "dash", form="{}" + part)
    run(source, tmp_path / "videos")
    (path,) = (p for p in (tmp_path / "videos").iterdir() if p.suffix != ".json")
    assert path.name == ("dash_000001.mkv" if part else "dash.mkv")
    info = probe(path)
    assert (len(info.audio), len(info.video)) == (1, 1)
    sound = read_audio(path)
    seconds = sound.samples.shape[1] / RATE_HZ
    assert seconds == pytest.approx(3.0 if part else 6.0, abs=0.15)
    first = read_number(next(sample_images(path, 8, sound.start_s)))
    assert first in ((7, 8) if part else (0,))


def test_files_that_are_no_use(site, tmp_path):
    write_sound(tmp_path / "a.mp4", tone(1.0, RATE_HZ), RATE_HZ, "aac")
    write_video(tmp_path / "b.mp4", [number_picture(1)] * 8, 8)
    site.files["/a.mp4"] = (tmp_path / "a.mp4").read_bytes()
    site.files["/b.mp4"] = (tmp_path / "b.mp4").read_bytes()
    site.files["/c.mp4"] = b"<html><body>A page about videos</body></html>"
    site.files["/d.mp4"] = b"no video" * 999
    source = list_of(site, tmp_path, *"abcd")
    with pytest.raises(DataError, match=r"'d': its file cannot be read"):
        run(source, tmp_path / "videos")
    assert set(files_of(tmp_path / "videos")) == {"missing.json"}
    found = report(tmp_path / "videos")
    assert found["a"]["reason"] == "it has no picture stream"
    assert found["b"]["reason"] == "it has no sound stream"
    assert "Unsupported URL" in found["c"]["reason"]
    assert [found[name]["gone"] for name in "abcd"] == [True, True, True, False]


def test_reports_of_other_lists_are_kept(site, tmp_path):
    run(list_of(site, tmp_path, "none"), tmp_path / "videos")
    run(list_of(site, tmp_path, "good"), tmp_path / "videos")
    assert set(report(tmp_path / "videos")) == {"none"}


def test_what_is_refused(site, tmp_path, monkeypatch):
    output = tmp_path / "videos"
    with pytest.raises(DataError, match="cannot be read as a list of videos"):
        run(tmp_path / "none.txt", output)
    source = list_of(site, tmp_path, "good")
    with pytest.raises(ConfigError, match="max_height is 0, expected 1 or more"):
        run(source, output, manner=Manner(max_height=0))
    with pytest.raises(ConfigError, match="section_s is 0"):
        run(source, output, section_s=0)
    assert not output.exists()
    output.mkdir()
    of_a_list = {"id": ["a"], "url": "", "reason": "", "gone": True}
    for entry in ({"clip_id": "of preprocess"}, of_a_list):
        (output / "missing.json").write_text(json.dumps([entry]))
        with pytest.raises(DataError, match="is not the report of an earlier download"):
            run(source, output)
    (output / "missing.json").unlink()
    (output / "list").touch()
    source = list_of(site, tmp_path, "good", form="{},list")
    with pytest.raises(MediaError, match=r"list/good\.mp4 cannot be written"):
        run(source, output)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'install -e "\.\[download\]"'):
        run(source, output)
    assert site.counts["/good.mp4"] == 2


def test_two_runs_at_once(site, tmp_path):
    (tmp_path / ".downloading").mkdir()
    with open(tmp_path / ".downloading" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another run is at work in"):
            run(list_of(site, tmp_path, "good"), tmp_path)
