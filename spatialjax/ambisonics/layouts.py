"""Loudspeaker layouts: names and directions of the speakers, in the order of a file.

Stereo and 5.1 are those of ITU-R BS.775, the others with a point in their name those of
ITU-R BS.2051: 7.1 is its system I (0+7+0), 5.1.2 C (2+5+0), 5.1.4 D (4+5+0), 7.1.4 J
(4+7+0), with the upper speakers at the lowest elevation it allows. The order is that of
the channel mask of WAV files, where the rear pair of 7.1 stands before the side pair.
"""

import enum
import math
from typing import NamedTuple

import numpy as np

from spatialjax.ambisonics.directions import angles_to_direction
from spatialjax.typing import HostArray


class Speaker(NamedTuple):
    """One channel of a layout; an LFE has no direction, its angles are 0."""

    name: str
    azimuth_rad: float
    elevation_rad: float = 0.0
    is_lfe: bool = False


class Layout(enum.StrEnum):
    """Standard layouts, and the two regular ones of few speakers."""

    STEREO = "stereo"
    QUAD = "quad"
    SURROUND_5_1 = "5.1"
    SURROUND_7_1 = "7.1"
    SURROUND_5_1_2 = "5.1.2"
    SURROUND_5_1_4 = "5.1.4"
    SURROUND_7_1_4 = "7.1.4"
    OCTAHEDRON = "octahedron"
    CUBE = "cube"

    @property
    def speakers(self) -> tuple[Speaker, ...]:
        """The speakers in the order of the channels of a file."""
        return _SPEAKERS[self]

    @property
    def directions(self) -> HostArray:
        """Unit vectors float64 [l, 3] of all speakers but the LFE."""
        heard = [speaker for speaker in self.speakers if not speaker.is_lfe]
        return angles_to_direction(
            np.array([speaker.azimuth_rad for speaker in heard]),
            np.array([speaker.elevation_rad for speaker in heard]),
        )

    @property
    def is_lfe(self) -> HostArray:
        """Bool [channels]: where the file has an LFE."""
        return np.array([speaker.is_lfe for speaker in self.speakers])


def _pair(
    suffix: str, azimuth_deg: float, elevation_deg: float = 0.0
) -> tuple[Speaker, Speaker]:
    """A left speaker and its mirror image."""
    azimuth_rad, elevation_rad = math.radians(azimuth_deg), math.radians(elevation_deg)
    return (
        Speaker(f"L{suffix}", azimuth_rad, elevation_rad),
        Speaker(f"R{suffix}", -azimuth_rad, elevation_rad),
    )


_C, _LFE = Speaker("C", 0.0), Speaker("LFE", 0.0, is_lfe=True)
_5_1 = (*_pair("", 30), _C, _LFE, *_pair("s", 110))
_7_1 = (*_pair("", 30), _C, _LFE, *_pair("rs", 135), *_pair("ss", 90))
_CUBE_ELEVATION_DEG = math.degrees(math.atan(math.sqrt(0.5)))
_SPEAKERS = {
    Layout.STEREO: _pair("", 30),
    Layout.QUAD: (*_pair("", 45), *_pair("s", 135)),
    Layout.SURROUND_5_1: _5_1,
    Layout.SURROUND_7_1: _7_1,
    Layout.SURROUND_5_1_2: (*_5_1, *_pair("tf", 30, 30)),
    Layout.SURROUND_5_1_4: (*_5_1, *_pair("tf", 30, 30), *_pair("tr", 110, 30)),
    Layout.SURROUND_7_1_4: (*_7_1, *_pair("tf", 45, 30), *_pair("tr", 135, 30)),
    Layout.OCTAHEDRON: (
        _C,
        *_pair("ss", 90),
        Speaker("B", -math.pi),
        Speaker("T", 0.0, math.pi / 2),
        Speaker("D", 0.0, -math.pi / 2),
    ),
    Layout.CUBE: (
        *_pair("tf", 45, _CUBE_ELEVATION_DEG),
        *_pair("tr", 135, _CUBE_ELEVATION_DEG),
        *_pair("df", 45, -_CUBE_ELEVATION_DEG),
        *_pair("dr", 135, -_CUBE_ELEVATION_DEG),
    ),
}
