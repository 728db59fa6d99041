"""Motion on the sphere: to and fro along arcs of great circles, smooth at any time."""

from dataclasses import dataclass

import numpy as np

MOST_SPEED_RAD_S = np.radians(30.0)
MOST_ELEVATION_RAD = np.radians(70.0)  # on the way; the middle of an arc is below 60
SEPARATION_RAD = np.radians(50.0)  # between any two at any time
SHARE_STILL = 0.25
CHECKS_HZ = 30.0  # rate at which the separation is checked


@dataclass(frozen=True)
class Path:
    """A swing along an arc of a great circle, as slow as a pendulum of that period.

    Attributes:
      azimuth_rad, elevation_rad: the middle of the arc.
      heading_rad: direction of the arc there, 0 = to the left, pi/2 = up.
      speed_rad_s: greatest speed, in the middle.
      period_s: of the swing; a long one is an even glide.
      phase_rad: of the swing at time 0.
    """

    azimuth_rad: float
    elevation_rad: float
    heading_rad: float
    speed_rad_s: float
    period_s: float
    phase_rad: float

    def frames(self, time_s: np.ndarray) -> np.ndarray:
        """Orthonormal columns (outwards, its left, its up) at times [t], [t, 3, 3].

        The frame is carried along without a twist, so a thing may pass over a pole.
        """
        along = _rotation(0, self.heading_rad)
        return self._middle() @ _rotation(2, self._turn_rad(time_s)) @ along.T

    def directions(self, time_s: np.ndarray) -> np.ndarray:
        """Unit vectors [t, 3] at times [t]: the first columns of the frames."""
        turn_rad = self._turn_rad(time_s)[:, None]
        outwards, ahead, _ = self._middle().T
        return np.cos(turn_rad) * outwards + np.sin(turn_rad) * ahead

    def _middle(self) -> np.ndarray:
        """Columns (outwards, along the arc, its axis) in the middle of the arc."""
        place = _rotation(2, self.azimuth_rad) @ _rotation(1, -self.elevation_rad)
        return place @ _rotation(0, self.heading_rad)

    def _turn_rad(self, time_s: np.ndarray) -> np.ndarray:
        """Angle from the middle of the arc, [t]."""
        rate_rad_s = 2 * np.pi / self.period_s
        swing = np.sin(rate_rad_s * np.asarray(time_s) + self.phase_rad)
        return self.speed_rad_s / rate_rad_s * swing


def draw_paths(
    rng: np.random.Generator, num_paths: int, seconds: float
) -> tuple[Path, ...]:
    """Paths of which no two ever come near each other.

    All are drawn anew until they keep apart; were only the last one, it would move
    differently from the first.
    """
    time_s = np.linspace(0.0, seconds, 1 + int(np.ceil(CHECKS_HZ * seconds)))
    while True:
        paths = tuple(_draw_path(rng) for _ in range(num_paths))
        ways = np.stack([path.directions(time_s) for path in paths], 1)
        likeness = ways @ ways.swapaxes(1, 2) - 2 * np.eye(num_paths)
        is_apart = likeness.max() <= np.cos(SEPARATION_RAD)
        if is_apart and np.abs(ways[..., 2]).max() <= np.sin(MOST_ELEVATION_RAD):
            return paths


def _draw_path(rng: np.random.Generator) -> Path:
    """A path anywhere up to 60 degrees up or down, even over the area."""
    height = np.sin(np.radians(60.0))
    still = rng.random() < SHARE_STILL
    return Path(
        azimuth_rad=float(rng.uniform(-np.pi, np.pi)),
        elevation_rad=float(np.arcsin(rng.uniform(-height, height))),
        heading_rad=float(rng.uniform(-np.pi, np.pi)),
        speed_rad_s=float(rng.uniform(0.0, MOST_SPEED_RAD_S)) * (not still),
        period_s=float(rng.uniform(3.0, 12.0)),
        phase_rad=float(rng.uniform(-np.pi, np.pi)),
    )


def _rotation(axis: int, angle_rad: float | np.ndarray) -> np.ndarray:
    """Right-handed rotations [..., 3, 3] about axis 0 (x), 1 (y) or 2 (z)."""
    angle_rad = np.asarray(angle_rad)
    matrix = np.zeros((*angle_rad.shape, 3, 3))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1.0
    matrix[..., one, one] = matrix[..., two, two] = np.cos(angle_rad)
    matrix[..., two, one] = np.sin(angle_rad)
    matrix[..., one, two] = -matrix[..., two, one]
    return matrix
