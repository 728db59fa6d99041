"""Silhouettes: each instrument as a list of painted polygons in a pose.

Coordinates: x to the right, y downwards; an instrument at rest spans about [-1, 1].
Every shape is large and one of a kind, since shape is all that tells a class.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Polygon = tuple[str, np.ndarray]
"""A paint (field of `colours.Paints`) and points of shape [m, 2]."""

LEAN_DEG = 12.0  # at the end of the register, for all that neither swing nor stand


@dataclass(frozen=True)
class Pose:
    """What the motion depends on, at the time of one picture.

    Attributes:
      level: loudness, 0 to 1.
      pitch: place in the register, -1 (low) to 1 (high).
      stroke: -1 to 1 over a note and back over the next: bow, swing.
    """

    level: float
    pitch: float
    stroke: float


def figure(name: str, pose: Pose) -> list[Polygon]:
    """The polygons of an instrument in a pose, back to front."""
    return _FIGURES[name](pose)


def _points(*pairs: tuple[float, float]) -> np.ndarray:
    return np.array(pairs, float)


def _box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return _points((left, top), (right, top), (right, bottom), (left, bottom))


def _arc(
    x: float, y: float, rx: float, ry: float, first_deg: float, last_deg: float
) -> np.ndarray:
    angle = np.radians(np.linspace(first_deg, last_deg, 25))
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], -1)


def _ellipse(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    return _arc(x, y, rx, ry, 0.0, 345.6)


def _stroke(line: np.ndarray, width: float | np.ndarray) -> np.ndarray:
    """The outline of a line [m, 2] drawn with a pen of a width, or a width a point."""
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    half = np.reshape(0.5 * np.asarray(width), (-1, 1))
    side = half * np.stack([-along[:, 1], along[:, 0]], -1)
    return np.concatenate([line + side, (line - side)[::-1]])


def _turn(
    polygons: list[Polygon], degrees: float, x: float = 0.0, y: float = 0.0
) -> list[Polygon]:
    """The polygons turned about the point (x, y)."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix, centre = np.array([[cosine, sine], [-sine, cosine]]), np.array([x, y])
    return [(paint, (xy - centre) @ matrix + centre) for paint, xy in polygons]


def _bell(pose: Pose) -> list[Polygon]:
    """A bell that swings about its top, with a clapper that lags."""
    half = _points(
        (0.12, -0.95), (0.4, -0.84), (0.56, -0.6), (0.62, -0.2), (0.7, 0.2), (0.98, 0.6)
    )
    outline = np.concatenate([half, half[::-1] * (-1.0, 1.0)])
    swing = pose.level * pose.stroke
    bell = [
        ("dark", _ellipse(0.55 * swing, 0.86, 0.2, 0.2)),
        ("dark", _ellipse(0.0, -1.0, 0.16, 0.16)),
        ("body", outline),
        ("light", _box(-1.02, 0.56, 1.02, 0.8)),
        ("light", _stroke(_points((-0.3, -0.55), (-0.38, -0.1), (-0.45, 0.25)), 0.14)),
    ]
    return _turn(bell, 16.0 * swing, 0.0, -1.0)


def _drum(pose: Pose) -> list[Polygon]:
    """A laced drum; its sticks fall in turn when it sounds."""
    shell = np.concatenate(
        [_arc(0.0, 0.7, 1.0, 0.3, 180.0, 0.0), _points((1.0, -0.3), (-1.0, -0.3))]
    )
    x = np.linspace(-0.94, 0.94, 7)
    lace = np.stack([x, np.where(np.arange(7) % 2, 0.05, 0.72)], -1)
    tip = -0.34 - 0.5 * (1.0 - pose.level)
    sticks = []
    for side in (-1.0, 1.0):
        hit = tip if side * pose.stroke > 0 else -0.84
        stick = _points((side * 1.05, hit - 0.35), (side * 0.25, hit))
        sticks += [
            ("light", _stroke(stick, 0.13)),
            ("light", _ellipse(side * 0.25, hit, 0.15, 0.15)),
        ]
    drum: list[Polygon] = [
        ("body", shell),
        ("dark", _stroke(lace, 0.11)),
        ("dark", _ellipse(0.0, -0.3, 1.0, 0.3)),
        ("body", _ellipse(0.0, -0.3, 0.86, 0.21)),
        *sticks,
    ]
    return _turn(drum, LEAN_DEG * pose.pitch)


def _fiddle(pose: Pose) -> list[Polygon]:
    """A waisted body with a neck; the bow slides across once a note."""
    slide = 0.32 * pose.stroke
    bow = _points((slide - 1.0, 0.42), (slide + 1.0, 0.1))
    fiddle: list[Polygon] = [
        ("dark", _box(-0.11, -1.2, 0.11, 0.3)),
        ("dark", _ellipse(0.0, -1.2, 0.17, 0.17)),
        ("body", _ellipse(0.0, -0.24, 0.46, 0.42)),
        ("body", _box(-0.34, -0.1, 0.34, 0.5)),
        ("body", _ellipse(0.0, 0.56, 0.62, 0.54)),
        ("dark", _box(-0.09, -0.6, 0.09, 0.16)),
        ("dark", _box(-0.24, 0.72, 0.24, 0.84)),
        ("light", _stroke(bow, 0.12)),
    ]
    return _turn(fiddle, LEAN_DEG * pose.pitch)


def _flute(pose: Pose) -> list[Polygon]:
    """A thick tube across the picture that blows bubbles."""
    tube = np.concatenate(
        [_arc(0.95, 0.0, 0.27, 0.27, -90, 90), _arc(-0.95, 0.0, 0.27, 0.27, 90, 270)]
    )
    holes: list[Polygon] = [
        ("dark", _ellipse(x, -0.03, 0.1, 0.12)) for x in (-0.3, 0.05, 0.4, 0.75)
    ]
    ring = 0.08 + 0.16 * pose.level
    puffs: list[Polygon] = [
        ("light", _ellipse(-0.85, -0.6 - 0.1 * pose.level, ring, ring)),
        ("light", _ellipse(-0.5, -0.85 - 0.1 * pose.level, 0.6 * ring, 0.6 * ring)),
    ]
    cap: list[Polygon] = [
        ("light", _box(-0.72, -0.27, -0.56, 0.27)),
        ("light", _box(0.98, -0.27, 1.06, 0.27)),
    ]
    return _turn([("body", tube), *holes, *cap, *puffs], 10.0 + LEAN_DEG * pose.pitch)


def _harp(pose: Pose) -> list[Polygon]:
    """A hollow triangle whose strings swing while they ring."""
    neck = _points((-0.85, -0.8), (-0.4, -1.0), (0.0, -0.66), (0.5, -0.55), (0.9, -0.8))
    frame: list[Polygon] = [
        ("body", _stroke(_points((-0.8, -0.95), (-0.8, 1.0)), 0.3)),
        ("body", _stroke(_points((0.95, -0.85), (-0.75, 0.95)), 0.4)),
        ("body", _stroke(neck, 0.3)),
        ("dark", _box(-1.02, 0.85, -0.3, 1.08)),
    ]
    strings: list[Polygon] = []
    for k, x in enumerate((-0.5, -0.22, 0.06, 0.34)):
        top, bottom = -0.7 + 0.06 * k, 0.62 - 1.06 * (x + 0.5)
        along = np.linspace(0.0, 1.0, 9)
        bend = 0.12 * pose.level * pose.stroke * np.sin(np.pi * along)
        line = np.stack([x + bend, top + (bottom - top) * along], -1)
        strings.append(("light", _stroke(line, 0.08)))
    return _turn([*strings, *frame], LEAN_DEG * pose.pitch)


def _horn(pose: Pose) -> list[Polygon]:
    """A cone that flares into a wide mouth, wider when loud."""
    flare = 0.72 + 0.28 * pose.level
    upper = _points(
        (-1.05, -0.1), (-0.1, -0.13), (0.35, -0.24), (0.7, -0.5 * flare), (0.95, -flare)
    )
    cone = np.concatenate([upper, upper[::-1] * (1.0, -1.0)])
    loop = _stroke(_arc(-0.35, 0.22, 0.42, 0.4, 0.0, 360.0), 0.18)
    valves: list[Polygon] = [
        ("light", _box(x, -0.42, x + 0.13, -0.08)) for x in (-0.55, -0.33, -0.11)
    ]
    return _turn(
        [
            ("dark", loop),
            *valves,
            ("body", cone),
            ("light", _box(-1.15, -0.2, -1.0, 0.2)),
            ("dark", _ellipse(0.95, 0.0, 0.16, flare)),
        ],
        8.0 + LEAN_DEG * pose.pitch,
    )


def _organ(pose: Pose) -> list[Polygon]:
    """Five pipes on a chest; the one whose turn it is rises with the level."""
    rest = (0.75, 1.0, 1.3, 1.0, 0.75)
    turn = round(2.0 + 2.0 * pose.pitch)
    pipes: list[Polygon] = []
    for k, height in enumerate(rest):
        lift = 0.45 * pose.level if k == turn else 0.15 * pose.level
        left, top = -0.99 + 0.41 * k, 0.55 - height - lift
        pipes += [
            ("body", _box(left, top, left + 0.33, 0.6)),
            ("dark", _box(left + 0.07, 0.2, left + 0.26, 0.32)),
            ("light", _box(left, top, left + 0.33, top + 0.12)),
        ]
    return [*pipes, ("dark", _box(-1.08, 0.55, 1.08, 1.0))]


def _crumhorn(pose: Pose) -> list[Polygon]:
    """A pipe bent into a hook."""
    hook = np.concatenate(
        [_points((-0.5, -1.0), (-0.5, -0.4)), _arc(0.1, 0.3, 0.6, 0.62, 180.0, -10.0)]
    )
    width = np.linspace(0.32, 0.66, len(hook))
    pipe: list[Polygon] = [
        ("body", _stroke(hook, width)),
        ("dark", _ellipse(0.69, 0.17, 0.33, 0.1)),
        ("light", _box(-0.68, -1.2, -0.32, -0.84)),
    ]
    holes: list[Polygon] = [
        ("dark", _ellipse(-0.5, y, 0.08, 0.08)) for y in (-0.6, -0.34, -0.08, 0.18)
    ]
    return _turn([*pipe, *holes], LEAN_DEG * pose.pitch)


_FIGURES: dict[str, Callable[[Pose], list[Polygon]]] = {
    "bell": _bell,
    "crumhorn": _crumhorn,
    "drum": _drum,
    "fiddle": _fiddle,
    "flute": _flute,
    "harp": _harp,
    "horn": _horn,
    "organ": _organ,
}
