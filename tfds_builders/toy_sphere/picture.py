"""The pictures of a plan: badges on the sphere, seen all round at once.

A badge is a disc with the silhouette of an instrument. It is drawn once, on a plane.
For every direction of a picture, the plane that touches the sphere where a player is
(gnomonic projection) tells what is painted there: so a badge keeps its shape near the
poles and goes on across the seam.
"""

import functools
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from spatialjax.ambisonics.directions import angles_to_direction
from spatialjax.ambisonics.grids import pixel_to_angles
from tfds_builders.instruments import Paints, Pose, figure
from tfds_builders.toy_sphere.world import Backdrop, Plan, Player, World

SUPERSAMPLING = 3  # samples along each side of a pixel
SPRITE = 512  # samples along each side of a badge
EXTENT = 1.02  # half of these sides, in radii of the disc
SCALE = 0.58  # of the silhouette, which then lies within the disc
ON_DISC = {"body": "dark", "dark": "light", "light": "light"}  # the disc is the body
AT_REST = Pose(level=0.4, pitch=0.0, stroke=0.0)


class Lattice(NamedTuple):
    """Unit vectors of a picture, float32.

    `centre` [h, w, 3] are those of its pixels, `fine` [h, w, q, 3] of samples within.
    """

    centre: np.ndarray
    fine: np.ndarray


def render_pictures(plan: Plan, world: World) -> np.ndarray:
    """Equirectangular pictures [v, h, w, 3] uint8; silhouettes move and stay stiff."""
    lattice = make_lattice(world.image_height)
    wall = draw_backdrop(plan.backdrop, lattice.centre)
    pictures = np.repeat(wall[None], world.num_images, axis=0)
    for player in plan.players:
        frames = player.path.frames(world.image_times_s).astype(np.float32)
        for picture, frame in zip(pictures, frames, strict=True):
            _paint(picture, player, frame, lattice)
    return np.round(pictures).astype(np.uint8)


@functools.lru_cache(maxsize=1)
def make_lattice(height: int) -> Lattice:
    """The directions of a picture of a height, which is twice as wide."""
    inner = (np.arange(SUPERSAMPLING) + 0.5) / SUPERSAMPLING - 0.5
    row = np.arange(height)[:, None, None]
    column = np.arange(2 * height)[:, None]
    down, right = np.repeat(inner, inner.size), np.tile(inner, inner.size)
    return Lattice(
        _directions(row[..., 0], column[..., 0], height),
        _directions(row + down, column + right, height),
    )


def draw_backdrop(backdrop: Backdrop, directions: np.ndarray) -> np.ndarray:
    """The wall alone, [..., 3] float32, in directions [..., 3]."""
    share = 0.5 + 0.5 * directions[..., 2:]
    colour = share * np.array(backdrop.top) + (1.0 - share) * np.array(backdrop.bottom)
    place = np.array([backdrop.azimuth_rad, backdrop.elevation_rad])
    nearness = directions @ np.asarray(angles_to_direction(*place))
    light = backdrop.strength * np.exp((nearness - 1.0) / 0.2)[..., None]
    return (colour + (255.0 - colour) * light).astype(np.float32)


def _directions(row: np.ndarray, column: np.ndarray, height: int) -> np.ndarray:
    angles = pixel_to_angles(row, column, height, 2 * height)
    return np.asarray(angles_to_direction(*angles), np.float32)


@functools.lru_cache
def _sprite(name: str) -> np.ndarray:
    """Which paint (1, 2, ..; 0 = none) lies where, uint8 [SPRITE, SPRITE]."""
    number = {paint: i + 1 for i, paint in enumerate(Paints._fields)}
    canvas = Image.new("L", (SPRITE, SPRITE))
    pen = ImageDraw.Draw(canvas)
    radius, middle = SPRITE / (2 * EXTENT), SPRITE / 2
    box = (middle - radius, middle - radius, middle + radius, middle + radius)
    pen.ellipse(box, fill=number["body"])
    polygons = figure(name, AT_REST)
    points = np.concatenate([corners for _, corners in polygons])
    centre = (points.min(0) + points.max(0)) / 2
    for paint, corners in polygons:
        xy = ((corners - centre) * SCALE * radius + middle).ravel().tolist()
        pen.polygon(xy, fill=number[ON_DISC[paint]])
    return np.asarray(canvas)


def _paint(
    picture: np.ndarray, player: Player, frame: np.ndarray, lattice: Lattice
) -> None:
    """Paint a player with axes `frame` [3, 3] into a picture [h, w, 3], in place."""
    half = np.tan(0.5 * player.size_rad)
    pixel_rad = np.pi / len(picture)
    near = lattice.centre @ frame[:, 0] > np.cos(np.arctan(EXTENT * half) + pixel_rad)
    ahead, left, up = np.moveaxis(lattice.fine[near] @ frame, -1, 0)
    scale = SPRITE / (2 * EXTENT * half)
    places = SPRITE / 2 - scale * np.stack([up, player.facing * left]) / ahead
    row, column = np.clip(places, 0, SPRITE - 1).astype(int)
    paint = _sprite(player.instrument.name)[row, column]
    colours = np.array([(0, 0, 0), *player.paints], np.float32)[paint]
    is_bare = (paint == 0).mean(1, keepdims=True)
    picture[near] = colours.mean(1) + is_bare * picture[near]
