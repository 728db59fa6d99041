"""The pictures of a plan: silhouettes that move with the notes, drawn by Pillow."""

import numpy as np
from PIL import Image, ImageDraw

from tfds_builders.instruments.melody import REACH, Part
from tfds_builders.instruments.shapes import Polygon, Pose, figure
from tfds_builders.toy_band.world import Backdrop, Plan, SeenPart, World

SUPERSAMPLING = 3  # pixels drawn along each side of a pixel kept
SWELL = 0.25  # growth of an instrument from silence to its loudest
RISE = 0.2  # way from the lowest to the highest pitch, in heights of the picture
MARGIN = 0.02  # room left at the rim of the tile of an instrument
GLIDE_S = 0.08  # time constant with which the height follows the pitch


def render_pictures(
    plan: Plan, levels: list[np.ndarray], world: World
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [v, h, w, 3] uint8 and the box of each instrument [s, 4].

    A box is (top, left, height, width) as fractions of the picture and holds all that
    its instrument paints in the whole clip. Instrument k stays inside the k-th square
    of the picture, so boxes never overlap.

    Args:
      plan: the clip.
      levels: loudness [v] of each part, 0 to 1, that moves it.
      world: sizes and rates.
    """
    scenes = [
        _place(part, level, tile, world)
        for tile, (part, level) in enumerate(zip(plan.parts, levels, strict=True))
    ]
    size, fine = world.image_size, world.image_size * SUPERSAMPLING
    wide = len(plan.parts)
    wall = draw_backdrop(plan.backdrop, size, size * wide)
    canvas = Image.fromarray(wall).resize((fine * wide, fine), Image.Resampling.BICUBIC)
    pictures = np.empty((world.num_images, size, size * wide, 3), np.uint8)
    for image in range(world.num_images):
        scene = canvas.copy()
        pen = ImageDraw.Draw(scene)
        for part, moves in zip(plan.parts, scenes, strict=True):
            for paint, points in moves[image]:
                colour = getattr(part.look, paint)
                pen.polygon((fine * points).ravel().tolist(), fill=colour)
        pictures[image] = np.asarray(scene.reduce(SUPERSAMPLING))
    boxes = np.stack(
        [_box(moves, tile, wide, size) for tile, moves in enumerate(scenes)]
    )
    return pictures, boxes


def draw_backdrop(backdrop: Backdrop, height: int, width: int) -> np.ndarray:
    """The wall alone, [h, w, 3] uint8: a gradient and a soft light."""
    y = (np.arange(height)[:, None, None] + 0.5) / height
    x = (np.arange(width)[None, :, None] + 0.5) / width
    colour = (1.0 - y) * np.array(backdrop.top) + y * np.array(backdrop.bottom)
    aspect = width / height
    distance = (aspect * (x - backdrop.glow[0])) ** 2 + (y - backdrop.glow[1]) ** 2
    light = backdrop.strength * np.exp(-distance / 0.18)
    return np.round(colour + (255.0 - colour) * light).astype(np.uint8)


def poses(part: Part, level: np.ndarray, image_rate_hz: float) -> list[Pose]:
    """The pose of an instrument at the time of each picture."""
    middle = part.instrument.centre_midi
    onsets = np.array([note.onset_s for note in part.notes])
    pitches = np.array([(note.midi - middle) / REACH for note in part.notes])
    found = []
    for image, loud in enumerate(level.tolist()):
        now_s = (image + 0.5) / image_rate_hz
        k = int(np.searchsorted(onsets, now_s, side="right")) - 1
        past_s = now_s - onsets[k]
        before = pitches[max(k - 1, 0)]
        pitch = pitches[k] + (before - pitches[k]) * np.exp(-past_s / GLIDE_S)
        way = min(past_s / part.notes[k].duration_s, 1.0)
        stroke = (2.0 * way - 1.0) * (1.0 if k % 2 else -1.0)
        found.append(Pose(loud, float(pitch), stroke))
    return found


def _place(
    part: SeenPart, level: np.ndarray, tile: int, world: World
) -> list[list[Polygon]]:
    """The polygons of a part in each picture, in heights of the picture.

    The instrument swells with the level and rises with the pitch; its place is drawn
    from the room that its whole motion leaves in its tile.
    """
    look, moves = part.look, []
    for pose in poses(part, level, world.image_rate_hz):
        scale = look.size * (1.0 + SWELL * pose.level)
        offset = np.array([0.0, -0.5 * RISE * pose.pitch])
        moves.append(
            [
                (paint, scale * points * (look.facing, 1.0) + offset)
                for paint, points in figure(part.instrument.name, pose)
            ]
        )
    low, high = _extent(moves)
    room = 1.0 - 2.0 * MARGIN
    shrink = min(1.0, room / float((high - low).max()))
    free = room - shrink * (high - low)
    shift = MARGIN + free * np.array(look.place) - shrink * low + (tile, 0.0)
    return [[(paint, shrink * xy + shift) for paint, xy in move] for move in moves]


def _extent(moves: list[list[Polygon]]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest (x, y) over all pictures."""
    points = np.concatenate([xy for move in moves for _, xy in move])
    return points.min(0), points.max(0)


def _box(moves: list[list[Polygon]], tile: int, wide: int, size: int) -> np.ndarray:
    """(top, left, height, width) of the motion, as fractions of the picture.

    One pixel is added all round, for the rim that averaging paints, within the tile.
    """
    low, high = _extent(moves)
    left, top = np.maximum(low - 1.0 / size, (tile, 0.0))
    right, bottom = np.minimum(high + 1.0 / size, (tile + 1.0, 1.0))
    return np.array([top, left / wide, bottom - top, (right - left) / wide])
