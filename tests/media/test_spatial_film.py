"""Films with ambisonics, from the first sample to what players see."""

import os
import resource

import av
import numpy as np
import pytest

from spatialjax.errors import MediaError, ShapeError
from spatialjax.media.boxes import read_movie
from spatialjax.media.spatial_boxes import (
    Projection,
    SoundField,
    SphericalPicture,
    StereoMode,
    sound_field_of,
)
from spatialjax.media.spatial_film import write_spatial_film
from spatialjax.media.spatial_metadata import (
    SpatialMetadata,
    inject_spatial_metadata,
    read_spatial_metadata,
)
from tests.media.make_spatial import (
    RATE_HZ,
    frequencies_hz,
    read_sound,
    tones,
    write_pictures,
)

SPHERE = SphericalPicture(stereo=StereoMode.TOP_BOTTOM)
FAST_VP9 = {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}


def flash_s(path):
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        (time_s,) = [f.time for f in frames if f.to_ndarray(format="gray").mean() > 200]
    return time_s


def click_s(path):
    _, samples, start_s = read_sound(path)
    return start_s + np.abs(samples).argmax(1) / RATE_HZ


FORMS = [
    ("x.mp4", "aac", 4),
    ("x.mp4", "opus", 4),
    ("x.mp4", "opus", 6),
    ("x.mov", "pcm16", 4),
    ("x.mov", "pcm24", 6),
    ("x.mov", "pcm24", 16),
    ("x.webm", "opus", 4),
    ("x.webm", "opus", 16),
    ("x.mkv", "opus", 9),
    ("x.mkv", "opus", 18),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Films with B-frames that begin after 0.48 s, and a flash 0.48 s later."""
    folder = tmp_path_factory.mktemp("sources")
    shape = {"num": 25, "rate_hz": 25, "start_s": 0.48, "flash": 12}
    write_pictures(folder / "h264.mp4", **shape)
    write_pictures(folder / "h264.mkv", **shape)
    write_pictures(folder / "vp9.webm", **shape, **FAST_VP9)
    return folder


def source_for(name, sources):
    return sources / ("vp9.webm" if name.endswith("webm") else "h264.mp4")


@pytest.mark.parametrize(("name", "codec", "channels"), FORMS)
def test_b30_each_channel_stays_in_its_place(tmp_path, sources, name, codec, channels):
    path, samples = tmp_path / name, tones(channels, 1.0)
    chunks = np.split(samples, [7, 7, 30000], axis=1)
    source = source_for(name, sources)
    write_spatial_film(path, source, iter(chunks), RATE_HZ, codec, SPHERE)
    layout, found, start_s = read_sound(path)
    expected_hz = 300 + 200 * np.arange(channels)
    assert frequencies_hz(found) == pytest.approx(expected_hz, abs=3)
    assert start_s == pytest.approx(0, abs=0.002)
    assert layout == "4.0" if codec == "aac" else layout.startswith("ambisonic")
    middle = slice(12000, 36000)
    level = np.sqrt(np.mean(found[:, middle] ** 2, 1))
    assert level == pytest.approx(0.3 / np.sqrt(2), rel=0.03)
    field = sound_field_of(channels)
    assert read_spatial_metadata(path) == SpatialMetadata(SPHERE, field)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("codec", ["pcm16", "pcm24"])
def test_pcm_is_exact_to_its_last_bit(tmp_path, sources, codec):
    path, samples = tmp_path / "x.mov", tones(4)
    write_spatial_film(path, sources / "h264.mp4", [samples], RATE_HZ, codec)
    _, found, _ = read_sound(path)
    step = 2.0**-15 if codec == "pcm16" else 2.0**-23
    assert found.shape == samples.shape
    assert np.abs(found - samples).max() <= step


@pytest.mark.parametrize(("name", "codec", "channels"), FORMS[:5] + FORMS[6:9])
@pytest.mark.parametrize("source", ["h264.mp4", "h264.mkv"])
@pytest.mark.parametrize("sound_start_s", [None, 0.2, 0.8])
def test_a_flash_and_a_click_stay_together(
    tmp_path, sources, name, codec, channels, source, sound_start_s
):
    path, source = tmp_path / name, sources / source
    if name.endswith("webm"):
        source = sources / "vp9.webm"
    sound = np.zeros((channels, RATE_HZ), np.float32)
    begin_s = 0.48 if sound_start_s is None else sound_start_s
    sound[:, round((0.96 - begin_s) * RATE_HZ)] = 0.9
    write_spatial_film(
        path, source, [sound], RATE_HZ, codec, sound_start_s=sound_start_s
    )
    assert flash_s(path) == pytest.approx(0.96 - min(begin_s, 0.48), abs=0.0015)
    assert click_s(path) == pytest.approx(flash_s(path), abs=0.0025)


def test_the_header_stands_in_front(tmp_path, sources):
    path = tmp_path / "x.mp4"
    write_spatial_film(path, sources / "h264.mp4", [tones(4)], RATE_HZ)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert len(list(read_movie(path).find(b"trak"))) == 2


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv"])
def test_the_sphere_of_the_source_is_kept(tmp_path, sources, name):
    turned = SphericalPicture(yaw_rad=0.5, bounds=(0.0, 0.0, 0.25, 0.25))
    inject_spatial_metadata(sources / "h264.mp4", tmp_path / "s.mp4", turned)
    write_spatial_film(tmp_path / name, tmp_path / "s.mp4", [tones(4)], RATE_HZ)
    found = read_spatial_metadata(tmp_path / name).picture
    assert found.yaw_rad == pytest.approx(0.5, abs=1e-6)
    assert found.bounds == turned.bounds


def test_a_flat_film_stays_flat(tmp_path, sources):
    path = tmp_path / "x.mp4"
    write_spatial_film(path, sources / "h264.mp4", [tones(4)], RATE_HZ)
    assert read_spatial_metadata(path) == SpatialMetadata(None, SoundField(1))


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"), [("x.mp4", "aac", 44100), ("x.mp4", "opus", 48000)]
)
def test_other_rates_become_known_ones(tmp_path, sources, name, codec, rate_hz):
    path, samples = tmp_path / name, tones(4, 1.0, 44100)
    write_spatial_film(path, sources / "h264.mp4", [samples], 44100, codec)
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.sample_rate == rate_hz
    _, found, _ = read_sound(path)
    assert found.shape[1] == pytest.approx(rate_hz, abs=1100)
    expected_hz = (300 + 200 * np.arange(4)) * RATE_HZ / rate_hz
    assert frequencies_hz(found) == pytest.approx(expected_hz, abs=3)


def test_pictures_that_do_not_fit_are_encoded_on_demand(tmp_path, sources):
    path = tmp_path / "x.mov"
    with pytest.raises(
        MediaError,
        match=r"x.mov cannot hold pictures of vp9, expected h264, .*; name the film "
        r".mp4 or .webm or .mkv, or have them encoded anew \(reencode\) in .mp4",
    ):
        write_spatial_film(path, sources / "vp9.webm", [tones(4)], RATE_HZ)
    with pytest.raises(MediaError, match=r"x.webm cannot hold pictures of h264"):
        write_spatial_film(
            tmp_path / "x.webm", sources / "h264.mp4", [tones(4)], RATE_HZ
        )
    with pytest.raises(MediaError, match=r"encoded anew, expected .mp4 or .mov"):
        write_spatial_film(
            tmp_path / "x.webm",
            sources / "h264.mp4",
            [tones(4)],
            RATE_HZ,
            reencode=True,
        )
    assert not os.listdir(tmp_path)
    write_spatial_film(
        path, sources / "vp9.webm", [tones(4)], RATE_HZ, sphere=SPHERE, reencode=True
    )
    assert flash_s(path) == pytest.approx(0.48, abs=0.0015)
    assert read_spatial_metadata(path).picture == SPHERE


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path, sources):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(MediaError, match=r"cannot be written: .*; free some room"):
            write_spatial_film(
                tmp_path / "x.mov", sources / "h264.mp4", [tones(16)], RATE_HZ
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not os.listdir(tmp_path)


def failing(chunk):
    yield chunk
    raise RuntimeError("no more")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"path": "x.avi"}, MediaError, "x.avi is no film, expected .mp4, .mov"),
        ({"sound": []}, MediaError, "x.mp4 would have no sound"),
        ({"sound": [tones(3)]}, MediaError, "3 channels of sound, expected"),
        ({"sound": [tones(5)]}, MediaError, "5 channels of sound, expected"),
        ({"sound": [tones(4), tones(6)]}, ShapeError, r"sound has shape \[6"),
        ({"sound": failing(tones(4))}, RuntimeError, "no more"),
        ({"codec": "pcm16"}, MediaError, "4 channels as 'pcm16', expected 'aac' or"),
        (
            {"sound": [tones(9)], "codec": "aac"},
            MediaError,
            "9 channels as 'aac', expected 'opus'",
        ),
        (
            {"sphere": SphericalPicture(Projection.MESH)},
            MediaError,
            "sphere as mesh cannot be written",
        ),
        ({"picture_source": "none.mp4"}, MediaError, "none.mp4 cannot be read"),
        ({"picture_source": "noise.mp4"}, MediaError, "noise.mp4 cannot be read"),
        ({"picture_source": "cut.mp4"}, MediaError, "cut.mp4 (is cut off|cannot be)"),
    ],
)
def test_what_does_not_go_together_is_told_and_nothing_is_left(
    tmp_path, sources, monkeypatch, change, error, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)))
    content = (sources / "h264.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    given = {
        "path": "x.mp4",
        "picture_source": sources / "h264.mp4",
        "sound": [tones(4)],
        "sample_rate_hz": RATE_HZ,
    }
    with pytest.raises(error, match=message) as caught:
        write_spatial_film(**given | change)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["cut.mp4", "noise.mp4"]
