"""What tells a player that a film surrounds the viewer, as the bytes of its boxes.

Sources: "Spatial Audio RFC" (SA3D), "Spherical Video V2 RFC" (st3d, sv3d) and
"Spherical Video RFC" (the XML in a uuid box), all in google/spatial-media, docs.
"""

import enum
import math
import re
import struct
import uuid
from dataclasses import dataclass

from spatialjax.media.boxes import Box

SPHERICAL_V1 = uuid.UUID("ffcc8263-f855-4a93-8814-587a02521fdd").bytes
"""The type of the uuid box that holds XML."""

SOFTWARE = "spatialjax"

_FIXED_ANGLE = 65536 * 180 / math.pi
"""One radian in the 16.16 degrees of `prhd`."""

_V1_LINES = """<?xml version="1.0"?>
<rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">
{}</rdf:SphericalVideo>"""


class Projection(enum.StrEnum):
    """How the sphere lies on the picture; OTHER is not written.

    There is no published box for equi-angular cube maps, so they are OTHER at best.
    """

    EQUIRECTANGULAR = "equirectangular"
    CUBEMAP = "cubemap"
    MESH = "mesh"
    OTHER = "other"


class StereoMode(enum.StrEnum):
    """Where the pictures of the two eyes lie, in the order of the values of `st3d`."""

    MONO = "mono"
    TOP_BOTTOM = "top-bottom"
    LEFT_RIGHT = "left-right"
    CUSTOM = "custom"
    RIGHT_LEFT = "right-left"


_PROJECTIONS = {
    b"equi": Projection.EQUIRECTANGULAR,
    b"cbmp": Projection.CUBEMAP,
    b"mshp": Projection.MESH,
}


@dataclass(frozen=True)
class SphericalPicture:
    """A picture of the sphere around the viewer.

    Attributes:
      projection: how the sphere lies on the picture.
      stereo: where the pictures of the two eyes lie.
      yaw_rad: how the sphere is turned, counter-clockwise around the up vector.
      pitch_rad: then counter-clockwise around the right vector.
      roll_rad: then clockwise around the forward vector, as the format has it.
      bounds: the parts of an equirectangular sphere that lack at its top, bottom, left
        and right, each in [0, 1).
    """

    projection: Projection = Projection.EQUIRECTANGULAR
    stereo: StereoMode = StereoMode.MONO
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0
    bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class SoundField:
    """An ambisonic sound, periphonic.

    Attributes:
      order: N, of (N + 1)^2 channels.
      head_locked_stereo: two more channels follow, left and right, which do not turn.
      channel_map: the ambisonic component of each channel; empty where they lie in
        order, which is what this library writes.
      ordering: 0 is ACN, the only one defined.
      normalization: 0 is SN3D, the only one defined.
    """

    order: int = 1
    head_locked_stereo: bool = False
    channel_map: tuple[int, ...] = ()
    ordering: int = 0
    normalization: int = 0

    @property
    def num_channels(self) -> int:
        """Channels of the sound, the head-locked ones among them."""
        return (self.order + 1) ** 2 + 2 * self.head_locked_stereo


def sound_field_of(channels: int) -> SoundField | None:
    """The sound field of (N + 1)^2 or (N + 1)^2 + 2 channels, N >= 1; else None."""
    for extra in (0, 2):
        order = math.isqrt(max(channels - extra, 0)) - 1
        field = SoundField(order, bool(extra))
        if order >= 1 and field.num_channels == channels:
            return field
    return None


def sa3d_box(field: SoundField) -> Box:
    """The `SA3D` box: 20 bytes and 4 for each channel."""
    num = field.num_channels
    return Box(
        b"SA3D",
        struct.pack(
            f">BBIBBI{num}I",
            0,
            field.head_locked_stereo << 7,
            field.order,
            field.ordering,
            field.normalization,
            num,
            *(field.channel_map or range(num)),
        ),
    )


def parse_sa3d(fields: bytes) -> SoundField | None:
    """The sound field of the content of an `SA3D` box; None where it makes no sense."""
    if len(fields) < 12:
        return None
    _, kind, order, ordering, normalization, num = struct.unpack_from(">BBIBBI", fields)
    if len(fields) < 12 + 4 * num or kind & 127:
        return None
    found = struct.unpack_from(f">{num}I", fields, 12)
    channel_map = () if found == tuple(range(num)) else found
    field = SoundField(order, kind > 127, channel_map, ordering, normalization)
    return field if field.num_channels == num else None


def spherical_boxes(picture: SphericalPicture) -> list[Box]:
    """The boxes `st3d` and `sv3d` of a sample entry, equirectangular or a cube map."""
    angles_rad = (picture.yaw_rad, picture.pitch_rad, picture.roll_rad)
    pose = struct.pack(">I3i", 0, *(round(a * _FIXED_ANGLE) for a in angles_rad))
    if picture.projection is Projection.EQUIRECTANGULAR:
        bounds = (round(bound * 2**32) for bound in picture.bounds)
        shape = Box(b"equi", struct.pack(">5I", 0, *bounds))
    else:
        shape = Box(b"cbmp", bytes(12))
    head = Box(b"svhd", bytes(4) + SOFTWARE.encode() + b"\0")
    projection = Box(b"proj", children=[Box(b"prhd", pose), shape])
    mode = list(StereoMode).index(picture.stereo)
    return [
        Box(b"st3d", struct.pack(">IB", 0, mode)),
        Box(b"sv3d", children=[head, projection]),
    ]


def parse_spherical(entry: Box) -> SphericalPicture | None:
    """The sphere that the boxes of a picture's sample entry tell of."""
    for proj in entry.find(b"sv3d", b"proj"):
        yaw, pitch, roll = 0, 0, 0
        for prhd in proj.find(b"prhd"):
            yaw, pitch, roll = struct.unpack(">3i", prhd.fields[4:16].ljust(12, b"\0"))
        projection, bounds = Projection.OTHER, (0.0, 0.0, 0.0, 0.0)
        for shape in proj.children:
            projection = _PROJECTIONS.get(shape.kind, projection)
            if shape.kind == b"equi":
                fixed = struct.unpack(">4I", shape.fields[4:20].ljust(16, b"\0"))
                top, bottom, left, right = (bound / 2**32 for bound in fixed)
                bounds = (top, bottom, left, right)
            if shape.kind == b"cbmp" and any(shape.fields[4:8]):
                projection = Projection.OTHER  # only layout 0 is defined
        stereo = parse_stereo(entry) or StereoMode.MONO
        return SphericalPicture(
            projection,
            stereo,
            yaw / _FIXED_ANGLE,
            pitch / _FIXED_ANGLE,
            roll / _FIXED_ANGLE,
            bounds,
        )
    return None


def parse_stereo(entry: Box) -> StereoMode | None:
    """The stereo mode of a picture's sample entry, where it states a known one."""
    for st3d in entry.find(b"st3d"):
        mode = st3d.fields[4] if len(st3d.fields) > 4 else -1
        if 0 <= mode < len(StereoMode):
            return list(StereoMode)[mode]
    return None


def spherical_v1_box(picture: SphericalPicture) -> Box | None:
    """The XML of older players, a `uuid` box of the track, where it can tell enough."""
    told = (StereoMode.MONO, StereoMode.TOP_BOTTOM, StereoMode.LEFT_RIGHT)
    if picture.stereo not in told or picture != SphericalPicture(stereo=picture.stereo):
        return None
    facts = {
        "Spherical": "true",
        "Stitched": "true",
        "StitchingSoftware": SOFTWARE,
        "ProjectionType": "equirectangular",
    }
    if picture.stereo is not StereoMode.MONO:
        facts["StereoMode"] = picture.stereo
    lines = (f"<GSpherical:{k}>{v}</GSpherical:{k}>\n" for k, v in facts.items())
    return Box(b"uuid", SPHERICAL_V1 + _V1_LINES.format("".join(lines)).encode())


def parse_spherical_v1(fields: bytes) -> SphericalPicture | None:
    """The sphere that a `uuid` box tells of.

    It is read by its words and not as XML, since tools leave out the namespaces.
    """
    if not fields.startswith(SPHERICAL_V1):
        return None
    text = fields[16:].decode("utf-8", "replace")
    found = re.findall(r"<GSpherical:(\w+)\s*>\s*([^<]*?)\s*</", text)
    facts = {name: value.lower() for name, value in found}
    if facts.get("Spherical") != "true":
        return None
    stereo, projection = facts.get("StereoMode"), facts.get("ProjectionType")
    return SphericalPicture(
        Projection.EQUIRECTANGULAR
        if projection in (None, "equirectangular")
        else Projection.OTHER,
        StereoMode(stereo) if stereo in list(StereoMode) else StereoMode.MONO,
        bounds=_v1_bounds(facts),
    )


def _v1_bounds(facts: dict[str, str]) -> tuple[float, float, float, float]:
    """Top, bottom, left and right of the sphere that lack, by the cropped area."""

    def lacks(side: str, extent: str) -> tuple[float, float]:
        names = (f"FullPano{extent}", f"CroppedAreaImage{extent}", f"CroppedArea{side}")
        values = [facts.get(f"{name}Pixels", "") for name in names]
        if not all(value.isdecimal() for value in values) or not int(values[0]):
            return 0.0, 0.0
        full, kept, before = map(int, values)
        return before / full, max(0, full - kept - before) / full

    return *lacks("Top", "Height"), *lacks("Left", "Width")
