"""Panning between the three loudspeakers around a direction.

Vector base amplitude panning (Pulkki, J. Audio Eng. Soc. 45, 1997, 456): the gains of
the three speakers whose triangle holds the source add their directions up to that of
the source. The triangles are the facets of the convex hull of all speakers.

A layout leaves holes, above and below all others, and facets with more than three
corners. An imaginary speaker stands in the middle of each, and shares what it gets
among its neighbours, as ITU-R BS.2127 (section 6.1) has it: no direction is silent, and
a symmetric layout gives symmetric gains. All gains have the energy 1 in sum.
"""

import numpy as np
from scipy.spatial import ConvexHull

from spatialjax.ambisonics.precision import Numbers, float_arrays
from spatialjax.errors import ConfigError, check_shape
from spatialjax.typing import HostArray

NEAREST_FACET = 0.2
"""Distance from the centre, in radii, below which a facet is a hole.

Three speakers on a circle of 78 degrees about its middle, or a horizontal gap of 156
degrees: 5.1 pans between its surrounds, 140 degrees apart.
"""

_MOST_ROUNDS = 20
_COPLANAR = 1e-7
_NEGLIGIBLE = 1e-6


def vbap_gains(direction: Numbers, speakers: HostArray) -> Numbers:
    """Gains [..., l], at least 0 and with squares of sum 1, of sources [..., 3].

    Args:
      direction: unit vectors. A NumPy array gives NumPy float64, any other array JAX
        float32; it may be traced.
      speakers: unit vectors [l, 3], at least two, no two the same.

    Raises:
      ShapeError: the directions are not [..., 3], the speakers not [l, 3].
      ConfigError: there are too few speakers, or two are the same.
    """
    check_shape("direction", direction, "... 3")
    corners, inverses, shares = _panner(speakers)
    xp, direction = float_arrays(direction)
    inverses, shares = xp.asarray(inverses), xp.asarray(shares)
    # Sums, not products of matrices, which some devices round to three digits.
    faces = inverses.reshape((1,) * (direction.ndim - 1) + inverses.shape)
    gains = (direction[..., None, :, None] * faces).sum(-2)
    chosen = xp.argmax(xp.min(gains, axis=-1), axis=-1)
    gains = xp.take_along_axis(gains, chosen[..., None, None], axis=-2)[..., 0, :]
    heard = xp.asarray(corners)[chosen]
    total = (xp.maximum(gains, 0)[..., None] * shares[heard]).sum(-2)
    return total / xp.sqrt(xp.sum(total**2, axis=-1, keepdims=True))


def _panner(speakers: HostArray) -> tuple[HostArray, HostArray, HostArray]:
    """Corners [f, 3] of the triangles, gains [f, 3, 3] of each axis, shares [p, l].

    p counts the speakers and, after them, the imaginary ones.
    """
    check_shape("speakers", speakers, "l 3")
    speakers = np.asarray(speakers, np.float64)
    apart = np.linalg.norm(speakers[:, None] - speakers[None], axis=-1)
    if len(speakers) < 2 or np.any(apart + np.eye(len(speakers)) < _NEGLIGIBLE):
        raise ConfigError(
            f"{len(speakers)} loudspeakers cannot be panned among: there must be at "
            "least two, no two in the same direction"
        )
    points, corners = _closed_hull(speakers)
    return corners, np.linalg.inv(points[corners]), _shares(corners, len(speakers))


def _closed_hull(speakers: HostArray) -> tuple[HostArray, HostArray]:
    """Speakers with imaginary ones after them [p, 3], and triangles [f, 3] of them."""
    points = speakers
    while (normal := _flat_normal(points)) is not None:
        points = np.concatenate([points, [normal, -normal]])
    hull = ConvexHull(points)
    for _ in range(_MOST_ROUNDS):
        planes = hull.equations
        close = np.abs(planes[:, None] - planes[None]).max(-1) < _COPLANAR
        is_first = np.argmax(close, axis=1) == np.arange(len(planes))
        is_hole = (close.sum(1) > 1) | (-planes[:, 3] < NEAREST_FACET)
        holes = planes[is_first & is_hole, :3]
        if not len(holes):
            break
        points = np.concatenate([points, holes])
        hull = ConvexHull(points)
    return points, hull.simplices


def _flat_normal(points: HostArray) -> HostArray | None:
    """The axis [3] along which points have no extent; None where they fill space.

    A line has many; the one that is most nearly square to the directions goes first.
    """
    centred = points - points.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1].T
    flat = axes[np.linalg.norm(centred @ axes.T, axis=0) < _NEGLIGIBLE]
    if not len(flat):
        return None
    along = points @ flat.T
    return np.linalg.eigh(along.T @ along)[1][:, 0] @ flat


def _shares(corners: HostArray, num_speakers: int) -> HostArray:
    """What each point sends to each speaker [p, l]: an imaginary one to all around it.

    Among its neighbours may be other imaginary ones, which send it on in turn, so that
    the shares x of the imaginary speakers solve x = among x + direct.
    """
    num_points = corners.max() + 1
    is_neighbour = np.zeros((num_points, num_points))
    for first, second in ((0, 1), (1, 2), (2, 0)):
        is_neighbour[corners[:, first], corners[:, second]] = 1
        is_neighbour[corners[:, second], corners[:, first]] = 1
    sent = (is_neighbour / is_neighbour.sum(1, keepdims=True))[num_speakers:]
    direct, among = sent[:, :num_speakers], sent[:, num_speakers:]
    imaginary = np.linalg.solve(np.eye(len(among)) - among, direct)
    imaginary /= np.linalg.norm(imaginary, axis=1, keepdims=True)
    return np.concatenate([np.eye(num_speakers), imaginary])
