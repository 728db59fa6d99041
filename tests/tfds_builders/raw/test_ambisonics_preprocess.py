import errno
import io
import json
import os
import pathlib
import sys

import numpy as np
import pytest
import soundfile
from PIL import Image

from spatialjax.errors import ConfigError, DataError, MediaError
from spatialjax.media import flow as flow_module
from spatialjax.media import read_audio
from spatialjax.media.flow import decode_packed_flow
from spatialjax.media.spatial_boxes import Projection, SphericalPicture, StereoMode
from spatialjax.media.spatial_metadata import inject_spatial_metadata
from spatialjax.vision import Cube, Equirect, Stereo
from tests.media.make import number_picture, read_number, write_video
from tests.tfds_builders.ambix_video.recordings import RATE_HZ, field, write_sphere
from tests.tfds_builders.raw.videos import files_of
from tests.vision.spheres import psnr_db, smooth
from tfds_builders.ambix_video import PublishedClip, Settings, VideoClip
from tfds_builders.raw.ambisonics_pictures import SphereForm, SphereProjection
from tfds_builders.raw.ambisonics_preprocess import preprocess_fields, read_formats
from tfds_builders.raw.ambisonics_settings import FieldSettings, parse_channel_map

EAC = smooth(Cube(True).directions(128, 216)).astype(np.uint8)
ER = smooth(Equirect().directions(64, 128)).astype(np.uint8)
EXPECTED = smooth(Equirect().directions(32, 64))


def run(source, output, num_workers=0, max_missing=0.0, **settings):
    settings = {"sample_rate_hz": RATE_HZ, "short_side": 32, **settings}
    return preprocess_fields(
        source,
        output,
        settings=FieldSettings(**settings),
        num_workers=num_workers,
        max_missing=max_missing,
    )


def picture_of(folder, index=0):
    return np.asarray(Image.open(folder / f"video/{index:06d}.jpg"))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A pair, a deeper one, and one that is broken."""
    root = tmp_path_factory.mktemp("raw")
    write_sphere(root / "a.mp4", 2.5, size=(64, 128))
    write_sphere(root / "deep" / "b.mp4", 1.2)
    (root / "broken.webm").write_text("no video")
    return root


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    output = tmp_path_factory.mktemp("whole") / "out"
    done = run(source, output, max_missing=0.5)
    assert (done.num_made, done.num_there, len(done.broken)) == (2, 0, 1)
    return files_of(output)


def test_the_published_layout(source, whole, tmp_path):
    expected = {"preprocess.json", "missing.json"}
    for clip, seconds in (("a", 2), ("deep/b", 1)):
        expected |= {f"{clip}/ambix/{i:06d}.wav" for i in range(seconds)}
        expected |= {f"{clip}/video/{i:06d}.jpg" for i in range(10 * seconds)}
        expected |= {f"{clip}/audio_pow.lst"}
    assert set(whole) == expected
    (broken,) = json.loads(whole["missing.json"])
    assert (broken["clip_id"], "cannot be read" in broken["reason"]) == ("broken", True)
    run(source, tmp_path, max_missing=0.5)
    sound = np.concatenate(
        [read_audio(tmp_path / f"a/ambix/{i:06d}.wav").samples for i in range(2)], 1
    )
    assert np.abs(sound - np.rint(field(2.5)[: 2 * RATE_HZ].T * 32768)).max() <= 1
    numbers = [read_number(picture_of(tmp_path / "a", i)) for i in range(20)]
    assert numbers == list(range(20))
    assert picture_of(tmp_path / "a").shape == (32, 64, 3)


def test_levels_of_the_sound(whole):
    lines = whole["a/audio_pow.lst"].decode().splitlines()
    rows = np.array([[float(word) for word in line.split()] for line in lines])
    np.testing.assert_allclose(rows[:, 0], 0.5 + np.arange(10) / 10)
    omni = np.rint(field(2.5)[:, 0] * 32768) / 32768
    for time_s, level in rows:
        start = round(time_s * RATE_HZ)
        block = omni[start : start + RATE_HZ // 10]
        assert level == pytest.approx(np.sqrt(np.mean(block**2)), abs=1e-4)
    assert whole["deep/b/audio_pow.lst"] == b""


def test_the_builder_reads_it(source, tmp_path):
    run(source, tmp_path, max_missing=0.5)
    settings = Settings(sample_rate_hz=RATE_HZ, short_side=32)
    media = PublishedClip("a", str(tmp_path / "a"), (True,) * 4, settings).load()
    assert media.audio.shape == (1, 4, 2 * RATE_HZ)
    assert len(media.images) == 20


def test_what_is_there_is_kept_and_processes_make_the_same(source, whole, tmp_path):
    run(source, tmp_path, max_missing=0.5, num_workers=2)
    assert files_of(tmp_path) == whole
    kept = tmp_path / "deep/b/audio_pow.lst"
    before = kept.stat().st_mtime_ns
    (tmp_path / "a").rename(tmp_path / ".gone")
    done = run(source, tmp_path, max_missing=0.5)
    assert (done.num_made, done.num_there, len(done.broken)) == (1, 1, 1)
    assert kept.stat().st_mtime_ns == before
    for path in whole:
        assert (tmp_path / path).read_bytes() == whole[path]


def test_flow(tmp_path):
    write_sphere(tmp_path / "raw" / "a.mp4")
    run(tmp_path / "raw", tmp_path / "out", flow=True)
    folder = tmp_path / "out/a/flow"
    limits = np.load(folder / "flow_limits.npy")
    assert limits.shape == (10, 2)
    assert len(list(folder.glob("*.jpg"))) == 10
    first = decode_packed_flow((folder / "000000.jpg").read_bytes(), limits[0])
    assert np.abs(first).max() < 0.1
    write_sphere(tmp_path / "long" / "a.mp4", 1.5)
    run(tmp_path / "long", tmp_path / "cut", flow=True)
    assert np.load(tmp_path / "cut/a/flow/flow_limits.npy").shape == (10, 2)


@pytest.mark.parametrize(
    ("rate_hz", "num_images"), [(10.0, 30), (12.5, 37), (2.5, 7), (0.5, 1)]
)
def test_the_last_second_is_kept_at_any_rate(tmp_path, rate_hz, num_images):
    write_sphere(tmp_path / "raw" / "a.mp4", 3.0)
    run(tmp_path / "raw", tmp_path / "out", image_rate_hz=rate_hz)
    assert len(list((tmp_path / "out/a/ambix").iterdir())) == 3
    assert len(list((tmp_path / "out/a/video").iterdir())) == num_images


def test_an_empty_folder_is_no_clip(tmp_path):
    write_sphere(tmp_path / "raw" / "a.mp4")
    (tmp_path / "out" / "a").mkdir(parents=True)
    assert run(tmp_path / "raw", tmp_path / "out").num_made == 1


@pytest.mark.parametrize(
    ("form", "picture"),
    [
        ("MONO ER", ER),
        ("STEREO ER", np.concatenate([ER, 255 - ER], 0)),
        ("MONO EAC", EAC),
        ("STEREO EAC", np.concatenate([np.rot90(EAC), 255 - np.rot90(EAC)], 1)),
    ],
)
def test_forms_of_the_list_and_of_flags(tmp_path, form, picture):
    path = tmp_path / "raw" / "id.video.mp4"
    path.parent.mkdir()
    write_video(path, [picture] * 10, 10)
    soundfile.write(tmp_path / "raw" / "id.audio.f1.wav", field(1), RATE_HZ)
    eyes, projection = form.split()
    stated = {"projection": projection.lower(), "stereo": eyes == "STEREO"}
    run(tmp_path / "raw", tmp_path / "flags", **stated)
    (tmp_path / "raw" / "video_formats.txt").write_text(f"id 266 {form}\nx 1 MONO ER")
    run(tmp_path / "raw", tmp_path / "list")
    given = picture_of(tmp_path / "list" / "id")
    assert psnr_db(given, EXPECTED) > 28
    np.testing.assert_array_equal(picture_of(tmp_path / "flags" / "id"), given)


def test_a_form_that_the_file_states(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    write_video(raw / "a.mp4", [np.concatenate([ER, 255 - ER], 0)] * 10, 10)
    soundfile.write(raw / "a.wav", field(1), RATE_HZ)
    with pytest.raises(DataError, match="128 x 128 pixels are no equirectangular"):
        run(raw, tmp_path / "out")
    stated = SphericalPicture(stereo=StereoMode.TOP_BOTTOM)
    inject_spatial_metadata(raw / "a.mp4", raw / "a.mp4", stated)
    run(raw, tmp_path / "out")
    assert psnr_db(picture_of(tmp_path / "out" / "a"), EXPECTED) > 28
    settings = Settings(sample_rate_hz=RATE_HZ, short_side=32)
    paths = str(raw / "a.mp4"), str(raw / "a.wav")
    media = VideoClip("a", *paths, (True,) * 4, settings).load()
    built = np.asarray(Image.open(io.BytesIO(media.images[0])))
    assert psnr_db(built, EXPECTED) > 28
    for unread in (
        SphericalPicture(yaw_rad=0.5),
        SphericalPicture(bounds=(0, 0, 0.25, 0.25)),
        SphericalPicture(Projection.CUBEMAP),
    ):
        inject_spatial_metadata(raw / "a.mp4", raw / "a.mp4", unread)
        with pytest.raises(DataError, match=f"states a {unread.projection} projection"):
            run(raw, tmp_path / "unread")


def test_aac_in_a_container_of_5_1(tmp_path):
    path = tmp_path / "raw" / "a.mp4"
    path.parent.mkdir()
    sound = field(1.5, rate_hz=8000)
    carried = np.zeros((len(sound), 6))
    carried[:, [2, 1, 4, 0]] = sound
    pictures = [number_picture(i, 32, 64) for i in range(15)]
    # AAC begins softly, and its samples are not exact.
    write_video(path, pictures, 10, carried, 8000)
    run(tmp_path / "raw", tmp_path / "out", sample_rate_hz=8000)
    given = read_audio(tmp_path / "out/a/ambix/000000.wav").samples[:, 2000:6000]
    for channel, level in enumerate(np.std(given / 32768, axis=1)):
        assert level == pytest.approx(0.5 / (channel + 1) / np.sqrt(2), rel=0.15)


def test_a_channel_map(tmp_path):
    write_sphere(tmp_path / "raw" / "a.mp4")
    wav = tmp_path / "raw" / "a.wav"
    soundfile.write(wav, field(1)[:, [0, 3, 1, 2]], RATE_HZ)  # W, X, Y, Z
    channels = parse_channel_map(["0", "2", " 3", "1"])
    run(tmp_path / "raw", tmp_path / "out", channel_map=channels)
    given = read_audio(tmp_path / "out/a/ambix/000000.wav").samples
    assert np.abs(given - np.rint(field(1).T * 32768)).max() <= 1
    run(tmp_path / "raw", tmp_path / "out", channel_map=channels)
    with pytest.raises(DataError, match=r"made with channel_map=\[0, 2, 3, 1\], asked"):
        run(tmp_path / "raw", tmp_path / "out")
    for words in (["0", "1", "2"], ["a", "1", "2", "3"]):
        with pytest.raises(ConfigError, match="expected four numbers from 0"):
            parse_channel_map(words)


def test_the_list_of_forms(tmp_path):
    path = tmp_path / "video_formats.txt"
    assert read_formats(path) == {}
    path.write_text("a 266 MONO EAC\nb 134 STEREO EAC\n\nc 1 STEREO ER")
    eac, er = SphereProjection.EAC, SphereProjection.ER
    assert read_formats(path) == {
        "a": SphereForm(eac),
        "b": SphereForm(eac, Stereo.TURNED),
        "c": SphereForm(er, Stereo.TOP_BOTTOM),
    }
    path.write_text("a 266 MONO EAC\nb 134 EAC MONO")
    with pytest.raises(DataError, match=r"line 2: 'b 134 EAC MONO', expected ID ITAG"):
        read_formats(path)


def test_mistakes(source, tmp_path):
    for settings, words in [
        ({"sample_rate_hz": 11025}, "11025, expected a multiple of 10"),
        ({"image_rate_hz": 0.0}, "image_rate_hz is 0"),
        ({"projection": "cube"}, "'cube', expected er or eac"),
        ({"stereo": True}, "stereo is stated without a projection"),
    ]:
        with pytest.raises(ConfigError, match=words):
            run(source, tmp_path / "out", **settings)
    with pytest.raises(DataError, match="output is the source"):
        run(source, source)
    with pytest.raises(DataError, match="1 of 3 videos are broken"):
        run(source, tmp_path / "few", max_missing=0.1)
    (tmp_path / "other" / "x" / "ambix").mkdir(parents=True)
    with pytest.raises(DataError, match=r"but no preprocess\.json that tells"):
        run(source, tmp_path / "other")
    nested = tmp_path / "nested"
    (nested / "a").mkdir(parents=True)
    for name in ("a.mp4", "a/b.mp4"):
        (nested / name).touch()
    with pytest.raises(DataError, match=r"clip of .*b\.mp4 would lie in that of"):
        run(nested, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_room_is_no_fault_of_a_source(tmp_path, monkeypatch):
    write_sphere(tmp_path / "raw" / "a.mp4")

    def refuse(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pathlib.Path, "write_bytes", refuse)
    with pytest.raises(MediaError, match=r"a cannot be written: No space .*; free"):
        run(tmp_path / "raw", tmp_path / "out", max_missing=1.0)
    assert not (tmp_path / "out" / "a").exists()


def test_flow_without_opencv(source, tmp_path, monkeypatch):
    flow_module._estimator.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MediaError, match="optical flow needs OpenCV"):
        run(source, tmp_path / "out", flow=True)
    assert not (tmp_path / "out").exists()


def test_too_short_or_of_the_wrong_kind(tmp_path):
    write_sphere(tmp_path / "raw" / "short.mp4", 0.8)
    write_sphere(tmp_path / "raw" / "mono.mp4", channels=1)
    write_sphere(tmp_path / "raw" / "flat.mp4", size=(36, 64))
    done = run(tmp_path / "raw", tmp_path / "out", max_missing=1.0)
    reasons = {pathlib.Path(c.path).stem: c.reason for c in done.broken}
    assert "no whole second of sound and pictures" in reasons["short"]
    assert "has 1 channels (pcm_s16le), expected 4" in reasons["mono"]
    assert "64 x 36 pixels are no equirectangular" in reasons["flat"]
    assert set(files_of(tmp_path / "out")) == {"missing.json", "preprocess.json"}
