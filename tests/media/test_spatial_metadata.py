"""Files that state their sphere and their sound field."""

import math
import os

import av
import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media.boxes import Box, read_movie, rewrite_movie
from spatialjax.media.spatial_boxes import (
    Projection,
    SoundField,
    SphericalPicture,
    StereoMode,
    sa3d_box,
    sound_field_of,
    spherical_boxes,
)
from spatialjax.media.spatial_metadata import (
    SpatialMetadata,
    inject_spatial_metadata,
    read_spatial_metadata,
)
from tests.media.make_spatial import (
    frequencies_hz,
    packets,
    read_sound,
    tones,
    write_pictures,
    write_sound,
)

STSD = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")


def entry_of(path, kind):
    (entry,) = read_movie(path).find(*STSD, kind)
    return entry


def set_square_pixels(movie):
    (entry,) = movie.find(*STSD, b"avc1")
    entry.children.append(Box(b"pasp", bytes.fromhex("00000001 00000001")))


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_sphere_is_stated_for_every_player(tmp_path, suffix):
    path, target = tmp_path / f"x.{suffix}", tmp_path / f"y.{suffix}"
    write_pictures(path)
    rewrite_movie(path, path, set_square_pixels)
    picture = SphericalPicture(stereo=StereoMode.TOP_BOTTOM)
    inject_spatial_metadata(path, target, picture)
    assert read_spatial_metadata(target) == SpatialMetadata(picture)
    kinds = [box.kind for box in entry_of(target, b"avc1").children]
    assert kinds.index(b"avcC") < kinds.index(b"st3d")
    assert kinds.index(b"st3d") + 1 == kinds.index(b"sv3d")
    assert kinds.index(b"sv3d") < kinds.index(b"pasp")
    assert len(list(read_movie(target).find(b"trak", b"uuid"))) == 1
    assert packets(target) == packets(path)
    with av.open(str(target)) as container:
        frame = next(container.decode(video=0))
        assert {"SPHERICAL", "STEREO3D"} <= {d.type.name for d in frame.side_data}


def test_what_was_stated_before_is_replaced(tmp_path):
    path = tmp_path / "x.mp4"
    write_pictures(path)
    inject_spatial_metadata(path, path, SphericalPicture())
    size = path.stat().st_size
    inject_spatial_metadata(path, path, SphericalPicture())
    assert path.stat().st_size == size
    turned = SphericalPicture(yaw_rad=math.pi / 2)  # version 1 cannot tell it
    inject_spatial_metadata(path, path, turned)
    assert not list(read_movie(path).find(b"trak", b"uuid"))
    assert read_spatial_metadata(path).picture == turned


def test_version_2_counts_before_version_1_which_counts_alone(tmp_path):
    path = tmp_path / "x.mp4"
    write_pictures(path)
    old = SphericalPicture(stereo=StereoMode.LEFT_RIGHT)
    inject_spatial_metadata(path, path, old)

    def make_new_mono(movie):
        (entry,) = movie.find(*STSD, b"avc1")
        next(entry.find(b"st3d")).fields = bytes(5)

    rewrite_movie(path, path, make_new_mono)
    assert read_spatial_metadata(path).picture == SphericalPicture()

    def remove_new(movie):
        (entry,) = movie.find(*STSD, b"avc1")
        entry.children = [c for c in entry.children if c.kind not in (b"st3d", b"sv3d")]

    rewrite_movie(path, path, remove_new)
    assert read_spatial_metadata(path).picture == old


CODECS = [
    ("x.mp4", "aac", "4.0", b"mp4a", {}),
    ("x.mov", "aac", "4.0", b"mp4a", {}),  # version 1, with a wave box
    ("x.mov", "pcm_s16le", "ambisonic 1", b"sowt", {}),
    ("x.mov", "pcm_s24le", "ambisonic 1", b"in24", {}),
    ("x.mov", "pcm_f32le", "ambisonic 3", b"fl32", {}),
    ("x.mp4", "libopus", "ambisonic 1", b"Opus", {"mapping_family": "2"}),
    ("x.mp4", "libopus", "ambisonic 1+stereo", b"Opus", {"mapping_family": "2"}),
]


@pytest.mark.parametrize(("name", "codec", "layout", "kind", "options"), CODECS)
def test_a_sound_field_is_stated_in_the_entry_of_every_codec(
    tmp_path, name, codec, layout, kind, options
):
    path = tmp_path / name
    channels = av.AudioLayout(layout).nb_channels
    write_sound(path, codec, layout, tones(channels), options)
    field = sound_field_of(channels)
    inject_spatial_metadata(path, path, sound=field)
    assert read_spatial_metadata(path).sound == field
    inject_spatial_metadata(path, path, sound=field)  # replaces, does not add
    (box,) = entry_of(path, kind).find(b"SA3D")
    assert bytes(box) == bytes(sa3d_box(field))
    found_layout, samples, start_s = read_sound(path)
    assert found_layout in ("4.0", layout)
    assert start_s == pytest.approx(0, abs=1e-3)
    expected_hz = 300 + 200 * np.arange(channels)
    assert frequencies_hz(samples) == pytest.approx(expected_hz, abs=3)


def test_a_box_inside_wave_is_found_and_replaced(tmp_path):
    path = tmp_path / "x.mov"
    write_sound(path, "pcm_s24le", "ambisonic 1", tones(4))
    other = SoundField(1, channel_map=(0, 3, 1, 2))

    def put_inside(movie):
        next(movie.find(*STSD, b"in24", b"wave")).children.append(sa3d_box(other))

    rewrite_movie(path, path, put_inside)
    assert read_spatial_metadata(path).sound == other
    inject_spatial_metadata(path, path, sound=SoundField(1))
    assert read_spatial_metadata(path).sound == SoundField(1)
    assert not list(entry_of(path, b"in24").find(b"wave", b"SA3D"))


@pytest.mark.parametrize(
    ("layout", "field"),
    [("ambisonic 2", SoundField(2)), ("ambisonic 1+stereo", SoundField(1, True))],
)
def test_opus_tells_its_sound_field_in_other_containers(tmp_path, layout, field):
    path = tmp_path / "x.webm"
    samples = tones(field.num_channels)
    write_sound(path, "libopus", layout, samples, {"mapping_family": "2"})
    assert read_spatial_metadata(path) == SpatialMetadata(None, field)


def to_matroska(path, matroska, **metadata):
    with av.open(str(path)) as source, av.open(str(matroska), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        stream.metadata.update(metadata)
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                container.mux(packet)


@pytest.mark.parametrize(
    ("mode", "stereo"),
    [
        ("top_bottom", StereoMode.TOP_BOTTOM),
        ("bottom_top", StereoMode.CUSTOM),
        ("left_right", StereoMode.LEFT_RIGHT),
        ("right_left", StereoMode.RIGHT_LEFT),
    ],
)
def test_matroska_tells_which_eye_comes_first(tmp_path, mode, stereo):
    path, matroska = tmp_path / "x.mp4", tmp_path / "x.mkv"
    write_pictures(path)
    inject_spatial_metadata(path, path, SphericalPicture())
    to_matroska(path, matroska, stereo_mode=mode)
    assert read_spatial_metadata(matroska).picture == SphericalPicture(stereo=stereo)


def test_matroska_tells_its_sphere(tmp_path):
    path, matroska = tmp_path / "x.mp4", tmp_path / "x.mkv"
    write_pictures(path)
    picture = SphericalPicture(
        stereo=StereoMode.LEFT_RIGHT, yaw_rad=0.5, bounds=(0.0, 0.5, 0.25, 0.125)
    )
    inject_spatial_metadata(path, path, picture)
    to_matroska(path, matroska)
    found = read_spatial_metadata(matroska).picture
    assert (found.projection, found.stereo) == (picture.projection, picture.stereo)
    assert found.yaw_rad == pytest.approx(0.5, abs=1e-6)
    assert found.bounds == pytest.approx(picture.bounds, abs=1e-6)


def test_flat_films_and_plain_sounds_state_nothing(tmp_path):
    write_pictures(tmp_path / "x.mp4", 2)
    write_pictures(tmp_path / "x.mkv", 2)
    write_sound(tmp_path / "x.wav", "pcm_s16le", "stereo", tones(2))
    for name in ("x.mp4", "x.mkv", "x.wav"):
        assert read_spatial_metadata(tmp_path / name) == SpatialMetadata()


def test_what_lacks_is_told_and_nothing_is_left(tmp_path):
    pictures, stereo = tmp_path / "p.mp4", tmp_path / "s.mp4"
    write_pictures(pictures, 2)
    write_sound(stereo, "aac", "stereo", tones(2))
    target = tmp_path / "y.mp4"
    with pytest.raises(MediaError, match=r"s.mp4 has no picture track"):
        inject_spatial_metadata(stereo, target, SphericalPicture())
    with pytest.raises(
        MediaError, match="has 2 sound channels, expected 4 for order 1"
    ):
        inject_spatial_metadata(stereo, target, sound=SoundField(1))
    with pytest.raises(MediaError, match=r"no sound channels, .* 6 .* and head-locked"):
        inject_spatial_metadata(pictures, target, sound=SoundField(1, True))
    with pytest.raises(MediaError, match="sphere as mesh cannot be written, expected"):
        inject_spatial_metadata(pictures, target, SphericalPicture(Projection.MESH))
    with pytest.raises(MediaError, match=r"none.mp4 cannot be read: No such file"):
        read_spatial_metadata(tmp_path / "none.mp4")
    write_pictures(tmp_path / "x.mkv", 2)
    with pytest.raises(MediaError, match=r"x.mkv is no mp4 or mov file"):
        inject_spatial_metadata(tmp_path / "x.mkv", target, SphericalPicture())
    assert sorted(os.listdir(tmp_path)) == ["p.mp4", "s.mp4", "x.mkv"]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"picture": SphericalPicture(yaw_rad=7.0)}, "turned by 7, 0, 0 rad"),
        ({"picture": SphericalPicture(roll_rad=float("nan"))}, "turned by 0, 0, nan"),
        ({"picture": SphericalPicture(bounds=(0.5, 0.5, 0, 0))}, "leave something"),
        ({"picture": SphericalPicture(bounds=(-0.1, 0, 0, 0))}, "leave something"),
        ({"sound": SoundField(0)}, "of order 0, ordering 0"),
        ({"sound": SoundField(1, normalization=1)}, "normalization 1 cannot be"),
        ({"sound": SoundField(1, channel_map=(0, 1, 2, 2))}, "each component"),
    ],
)
def test_what_no_box_can_say_is_told(tmp_path, stated, message):
    write_pictures(tmp_path / "x.mp4", 2)
    with pytest.raises(MediaError, match=message):
        inject_spatial_metadata(tmp_path / "x.mp4", tmp_path / "y.mp4", **stated)
    assert not (tmp_path / "y.mp4").exists()


def test_boxes_of_nonsense_are_passed_over(tmp_path):
    path = tmp_path / "x.mp4"
    write_sound(path, "aac", "4.0", tones(4))

    def add_nonsense(movie):
        (entry,) = movie.find(*STSD, b"mp4a")
        entry.children += [Box(b"SA3D", b"short"), sa3d_box(SoundField(1))]
        movie.children.append(Box(b"uuid", b"x"))
        entry.children += spherical_boxes(SphericalPicture())  # not of a picture

    rewrite_movie(path, path, add_nonsense)
    assert read_spatial_metadata(path) == SpatialMetadata(None, SoundField(1))
