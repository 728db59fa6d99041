"""The bytes of the boxes that players of spatial films look for."""

import math
import struct

import pytest

from spatialjax.media.boxes import Box
from spatialjax.media.spatial_boxes import (
    SPHERICAL_V1,
    Projection,
    SoundField,
    SphericalPicture,
    StereoMode,
    parse_sa3d,
    parse_spherical,
    parse_spherical_v1,
    sa3d_box,
    sound_field_of,
    spherical_boxes,
    spherical_v1_box,
)

FOA = (
    "00000024 53413344 00 00 00000001 00 00 0000000400000000 00000001 00000002 00000003"
)


def test_b30_first_order_is_the_hex_of_the_specification():
    assert bytes(sa3d_box(SoundField(1))) == bytes.fromhex(FOA)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("head_locked", [False, True])
def test_every_order_is_20_bytes_and_4_for_each_channel(order, head_locked):
    field = SoundField(order, head_locked)
    content = bytes(sa3d_box(field))
    channels = (order + 1) ** 2 + 2 * head_locked
    assert len(content) == 20 + 4 * channels
    assert content[9] == (0x80 if head_locked else 0)
    assert struct.unpack(">I", content[16:20]) == (channels,)
    assert content[20:] == b"".join(struct.pack(">I", i) for i in range(channels))
    assert parse_sa3d(content[8:]) == field


def test_another_order_of_channels_is_kept():
    field = SoundField(1, channel_map=(0, 3, 1, 2))  # W X Y Z
    content = bytes(sa3d_box(field))
    assert content[20:] == bytes.fromhex("00000000 00000003 00000001 00000002")
    assert parse_sa3d(content[8:] + b"more") == field


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:11],
        lambda content: content[:1] + b"\1" + content[2:],  # not periphonic
        lambda content: content[:5] + b"\2" + content[6:],  # order 2 of 4 channels
        lambda content: content[:8] + b"\xff" * 4 + content[12:],
    ],
)
def test_a_box_that_makes_no_sense_is_no_sound_field(damage):
    content = sa3d_box(SoundField(1)).fields
    assert parse_sa3d(damage(content)) is None


@pytest.mark.parametrize(
    ("channels", "order", "head_locked"),
    [(4, 1, False), (6, 1, True), (9, 2, False), (11, 2, True), (16, 3, False)],
)
def test_the_number_of_channels_tells_the_sound_field(channels, order, head_locked):
    assert sound_field_of(channels) == SoundField(order, head_locked)


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 5, 7, 8, 10, 15])
def test_other_numbers_of_channels_are_no_sound_field(channels):
    assert sound_field_of(channels) is None


def test_a_plain_sphere_is_the_bytes_of_the_specification():
    st3d, sv3d = map(bytes, spherical_boxes(SphericalPicture()))
    assert st3d == bytes.fromhex("0000000d 73743364 00000000 00")
    svhd, proj = sv3d[8:31], sv3d[31:]
    assert svhd == struct.pack(">I", 23) + b"svhd\0\0\0\0spatialjax\0"
    assert proj[:8] == struct.pack(">I", 60) + b"proj"
    assert proj[8:32] == struct.pack(">I", 24) + b"prhd" + bytes(16)
    assert proj[32:] == struct.pack(">I", 28) + b"equi" + bytes(20)


def test_pose_is_16_16_degrees_and_bounds_are_0_32():
    picture = SphericalPicture(
        stereo=StereoMode.LEFT_RIGHT,
        yaw_rad=math.pi / 2,
        pitch_rad=-math.pi / 4,
        roll_rad=math.pi,
        bounds=(0.0, 0.5, 0.25, 0.125),
    )
    st3d, sv3d = spherical_boxes(picture)
    assert st3d.fields == b"\0\0\0\0\2"
    (prhd,), (equi,) = sv3d.find(b"proj", b"prhd"), sv3d.find(b"proj", b"equi")
    assert prhd.fields == bytes.fromhex("00000000 005a0000 ffd30000 00b40000")
    assert equi.fields == bytes.fromhex("00000000 00000000 80000000 40000000 20000000")


@pytest.mark.parametrize("stereo", list(StereoMode))
@pytest.mark.parametrize("projection", ["equirectangular", "cubemap"])
def test_a_sphere_comes_back(stereo, projection):
    bounds = (0.1, 0.2, 0.3, 0.4) if projection == "equirectangular" else (0.0,) * 4
    picture = SphericalPicture(Projection(projection), stereo, 1.0, -0.5, 3.0, bounds)
    found = parse_spherical(Box(b"avc1", children=spherical_boxes(picture)))
    assert (found.projection, found.stereo) == (picture.projection, stereo)
    pose = (found.yaw_rad, found.pitch_rad, found.roll_rad)
    assert pose == pytest.approx((1.0, -0.5, 3.0), abs=1e-6)
    assert found.bounds == pytest.approx(bounds, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "projection"),
    [
        (Box(b"mshp", bytes(40)), "mesh"),
        (Box(b"cbmp", bytes(12)), "cubemap"),
        (Box(b"cbmp", bytes(4) + b"\0\0\0\1" + bytes(4)), "other"),
        (Box(b"equi"), "equirectangular"),  # too short: nothing lacks
        (Box(b"xxxx", bytes(40)), "other"),
    ],
)
def test_projections_of_other_tools_are_told(shape, projection):
    proj = Box(b"proj", children=[shape])
    entry = Box(b"avc1", children=[Box(b"sv3d", children=[proj])])
    assert parse_spherical(entry) == SphericalPicture(Projection(projection))


def test_an_entry_without_a_sphere_has_none():
    st3d, _ = spherical_boxes(SphericalPicture())
    assert parse_spherical(Box(b"avc1", children=[st3d])) is None


def test_version_1_is_a_uuid_box_of_xml():
    box = spherical_v1_box(SphericalPicture())
    assert bytes(box)[4:24] == b"uuid" + bytes.fromhex(
        "ffcc8263f8554a938814587a02521fdd"
    )
    text = box.fields[16:].decode()
    for fact in (
        "<GSpherical:Spherical>true</GSpherical:Spherical>",
        "<GSpherical:Stitched>true</GSpherical:Stitched>",
        "<GSpherical:StitchingSoftware>spatialjax</GSpherical:StitchingSoftware>",
        "<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>",
        'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"',
    ):
        assert fact in text
    assert "StereoMode" not in text


@pytest.mark.parametrize("stereo", ["mono", "top-bottom", "left-right"])
def test_b30_version_1_comes_back(stereo):
    picture = SphericalPicture(stereo=StereoMode(stereo))
    assert parse_spherical_v1(spherical_v1_box(picture).fields) == picture


@pytest.mark.parametrize(
    "picture",
    [
        SphericalPicture(stereo=StereoMode.CUSTOM),
        SphericalPicture(Projection.CUBEMAP),
        SphericalPicture(yaw_rad=0.1),
        SphericalPicture(bounds=(0.0, 0.0, 0.25, 0.25)),
    ],
)
def test_version_1_does_not_tell_half(picture):
    assert spherical_v1_box(picture) is None


def test_version_1_of_other_tools_is_read():
    def lines(**facts):
        each = (f"<GSpherical:{k}>\n {v} </GSpherical:{k}>" for k, v in facts.items())
        return SPHERICAL_V1 + b"<rdf:SphericalVideo>" + "".join(each).encode()

    assert parse_spherical_v1(lines(Spherical="True")) == SphericalPicture()
    assert parse_spherical_v1(lines(Stitched="true")) is None
    assert parse_spherical_v1(b"0" * 16 + lines(Spherical="true")[16:]) is None
    cube = parse_spherical_v1(lines(Spherical="true", ProjectionType="cubemap"))
    assert cube.projection is Projection.OTHER
    area = {
        "FullPanoWidthPixels": 2000,
        "FullPanoHeightPixels": 1000,
        "CroppedAreaImageWidthPixels": 1000,
        "CroppedAreaImageHeightPixels": 700,
        "CroppedAreaLeftPixels": 500,
        "CroppedAreaTopPixels": 100,
    }
    found = parse_spherical_v1(lines(Spherical="true", **area))
    assert found.bounds == pytest.approx((0.1, 0.2, 0.25, 0.25))
    empty = parse_spherical_v1(
        lines(Spherical="true", **area | {"FullPanoWidthPixels": 0})
    )
    assert empty.bounds == pytest.approx((0.1, 0.2, 0.0, 0.0))
