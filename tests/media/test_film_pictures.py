"""Pictures that come into another film as they are, at their times."""

import struct

import av
import pytest

from spatialjax.errors import MediaError
from spatialjax.media.boxes import rewrite_movie
from spatialjax.media.film_pictures import (
    copy_pictures,
    encode_pictures,
    open_pictures,
)
from spatialjax.media.spatial_boxes import SphericalPicture, StereoMode
from spatialjax.media.spatial_metadata import read_spatial_metadata
from tests.media.make import number_picture, write_video
from tests.media.make_spatial import write_pictures


def brightness(path):
    """Time in seconds and mean grey of each picture."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [(f.time, f.to_ndarray(format="gray").mean()) for f in frames]


def flash_s(path):
    (time_s,) = [time_s for time_s, grey in brightness(path) if grey > 200]
    return time_s


def convert(source, target, origin_s=None, sphere=None, anew=False):
    with open_pictures(source) as pictures, av.open(str(target), "w") as container:
        origin_s = pictures.start_s if origin_s is None else origin_s
        if anew:
            timed = encode_pictures(pictures, container, origin_s)
        else:
            timed = copy_pictures(pictures, container, sphere, origin_s)
        times_s = []
        for time_s, packets in timed:
            times_s.append(time_s)
            container.mux(packets)
    assert times_s == sorted(times_s)


def contents(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("source", ["mp4", "mov", "mkv", "ts"])
@pytest.mark.parametrize("target", ["mp4", "mov", "mkv"])
def test_pictures_with_references_forward_keep_their_times(tmp_path, source, target):
    path, copy = tmp_path / f"s.{source}", tmp_path / f"t.{target}"
    write_pictures(path, 20, 25, start_s=0.48, flash=12)
    before = brightness(path)
    convert(path, copy)
    after = brightness(copy)
    assert len(after) == 20
    for (time_s, grey), (copied_s, copied_grey) in zip(before, after, strict=True):
        assert copied_s == pytest.approx(time_s - before[0][0], abs=0.0015)
        assert copied_grey == grey
    with av.open(str(copy)) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(25)


def test_packets_are_copied_byte_for_byte(tmp_path):
    write_pictures(tmp_path / "s.mp4", 20)
    convert(tmp_path / "s.mp4", tmp_path / "t.mkv")
    assert contents(tmp_path / "t.mkv") == contents(tmp_path / "s.mp4")


def test_what_an_edit_list_cuts_stays_cut(tmp_path):
    path = tmp_path / "s.mp4"
    write_pictures(path, 20, 25, flash=12)

    def begin_later(movie):
        (elst,) = (edts for trak in movie.find(b"trak") for edts in trak.find(b"edts"))
        at = elst.fields.index(b"elst") + 16
        begin = struct.unpack_from(">i", elst.fields, at)[0]
        later = struct.pack(">i", begin + 5 * 512)  # five pictures of 1/12800 s
        elst.fields = elst.fields[:at] + later + elst.fields[at + 4 :]

    rewrite_movie(path, path, begin_later)
    assert flash_s(path) == pytest.approx(7 / 25)
    convert(path, tmp_path / "t.mp4")
    assert flash_s(tmp_path / "t.mp4") == pytest.approx(7 / 25)
    assert brightness(tmp_path / "t.mp4")[0][0] == 0


@pytest.mark.parametrize(
    ("codec", "options", "suffix", "name", "tag"),
    [
        (
            "libvpx-vp9",
            {"deadline": "realtime", "cpu-used": "8"},
            "webm",
            "vp9",
            "\0" * 4,
        ),
        (
            "libsvtav1",
            {"preset": "12", "svtav1-params": "lp=1"},
            "webm",
            "av1",
            "\0" * 4,
        ),
        (
            "libx265",
            {"preset": "ultrafast", "x265-params": "log-level=none"},
            "mp4",
            "hevc",
            "hvc1",
        ),
    ],
)
def test_other_codecs_are_copied(tmp_path, codec, options, suffix, name, tag):
    path, copy = tmp_path / "s.mp4", tmp_path / f"t.{suffix}"
    write_pictures(path, 10, flash=5, codec=codec, options=options)
    convert(path, copy)
    assert flash_s(copy) == pytest.approx(0.2, abs=0.001)
    with open_pictures(path) as pictures, av.open(str(copy)) as container:
        assert pictures.codec == name
        assert container.streams.video[0].codec_context.codec_tag == tag


def test_matroska_states_the_sphere(tmp_path):
    write_pictures(tmp_path / "s.mp4", 5)
    sphere = SphericalPicture(stereo=StereoMode.TOP_BOTTOM)
    convert(tmp_path / "s.mp4", tmp_path / "t.mkv", sphere=sphere)
    assert read_spatial_metadata(tmp_path / "t.mkv").picture == sphere
    convert(tmp_path / "t.mkv", tmp_path / "u.mkv")  # what is stated is kept
    assert read_spatial_metadata(tmp_path / "u.mkv").picture == sphere


def test_pictures_are_encoded_anew_at_their_times(tmp_path):
    path, copy = tmp_path / "s.webm", tmp_path / "t.mp4"
    fast = {"deadline": "realtime", "cpu-used": "8"}
    write_pictures(path, 12, 25, 0.48, flash=5, codec="libvpx-vp9", options=fast)
    convert(path, copy, anew=True)
    assert flash_s(copy) == pytest.approx(0.2, abs=0.001)
    assert len(brightness(copy)) == 12
    with open_pictures(copy) as pictures:
        assert pictures.codec == "h264"


def test_odd_sides_become_even(tmp_path):
    path, copy = tmp_path / "s.webm", tmp_path / "t.mp4"
    write_pictures(path, 3, codec="libvpx-vp9", options={}, size=(63, 127))
    convert(path, copy, anew=True)
    with open_pictures(copy) as pictures:
        assert (pictures.stream.height, pictures.stream.width) == (62, 126)


def test_a_turn_survives_encoding(tmp_path):
    path, copy = tmp_path / "s.mp4", tmp_path / "t.mp4"
    write_video(path, [number_picture(i) for i in range(8)], 8.0, rotation=90)
    convert(path, copy, anew=True)
    for file in (path, copy):
        with av.open(str(file)) as container:
            assert next(container.decode(video=0)).rotation in (90, -270)


@pytest.mark.parametrize("anew", [False, True])
def test_a_film_that_is_cut_off_is_told(tmp_path, anew):
    path = tmp_path / "s.mkv"
    write_pictures(path, 150, options={"g": "12", "crf": "0"})
    rewrap(path, tmp_path / "s.mp4")
    content = (tmp_path / "s.mp4").read_bytes()
    (tmp_path / "s.mp4").write_bytes(content[: len(content) // 3])
    with pytest.raises(
        MediaError, match=r"s.mp4 (is cut off|cannot be read)"
    ) as caught:
        convert(tmp_path / "s.mp4", tmp_path / "t.mp4", anew=anew)
    assert "\n" not in str(caught.value)


def rewrap(source, target):
    """A film with its header in front, so that it opens though its end lacks."""
    convert(source, target)
    rewrite_movie(target, target, lambda movie: None, movie_first=True)


@pytest.mark.parametrize("anew", [False, True])
def test_pictures_without_times_are_told(tmp_path, anew):
    write_pictures(tmp_path / "x.h264", 5)
    with pytest.raises(MediaError, match="does not tell the times of its pictures"):
        convert(tmp_path / "x.h264", tmp_path / "y.mp4", anew=anew)


def test_what_has_no_pictures_is_told(tmp_path):
    (tmp_path / "x.mp4").write_bytes(bytes(range(100)))
    for name, message in (("x.mp4", "cannot be read"), ("y.mp4", "does not exist")):
        with pytest.raises(MediaError, match=message), open_pictures(tmp_path / name):
            pass
