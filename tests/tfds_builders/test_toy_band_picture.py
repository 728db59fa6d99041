import numpy as np
import pytest

from tfds_builders.instruments import CLASSES, loudness
from tfds_builders.toy_band.clip import render, render_clip
from tfds_builders.toy_band.picture import draw_backdrop, poses
from tfds_builders.toy_band.world import World, plan_clip

WORLD = World(seconds=3.0, image_size=48, train=12)


def foreground(pictures, plan):
    """True where a picture [v, h, w, 3] differs from its backdrop."""
    wall = draw_backdrop(plan.backdrop, *pictures.shape[1:3]).astype(int)
    return np.abs(pictures - wall).sum(-1) > 30


@pytest.fixture(scope="module")
def solos():
    plans = [plan_clip(WORLD, "train", i) for i in range(WORLD.num_clips("train"))]
    return [(plan, *render(plan, WORLD)) for plan in plans]


@pytest.mark.parametrize("class_id", range(len(CLASSES)))
def test_motion_follows_the_sound(solos, class_id):
    """The painted area swells with the level, the height rises with the pitch."""
    of_level, of_pitch = [], []
    for plan, audio, pictures, _ in solos:
        (part,) = plan.parts
        if part.class_id == class_id:
            level = loudness(
                audio[0, 0], len(pictures), WORLD.image_rate_hz, WORLD.sample_rate_hz
            )
            shown = foreground(pictures, plan)
            of_level.append(np.corrcoef(level, shown.mean((1, 2)))[0, 1])
            rows = np.arange(WORLD.image_size)[:, None]
            height = -(shown * rows).sum((1, 2)) / shown.sum((1, 2))
            pitch = [pose.pitch for pose in poses(part, level, WORLD.image_rate_hz)]
            of_pitch.append(np.corrcoef(pitch, height)[0, 1])
    assert min(of_level) > 0.75
    assert np.mean(of_level) > 0.9
    assert np.mean(of_pitch) > 0.85


def test_a_held_pose_depends_on_level_pitch_and_stroke_of_its_note():
    (part,) = plan_clip(WORLD, "train", 1).parts
    found = poses(part, np.linspace(0.0, 1.0, WORLD.num_images), 8.0)
    assert [pose.level for pose in found] == pytest.approx(np.linspace(0, 1, 24))
    assert max(abs(pose.pitch) for pose in found) <= 1.0
    assert {np.sign(pose.stroke) for pose in found} == {-1.0, 1.0}
    assert max(abs(pose.stroke) for pose in found) <= 1.0


def test_boxes_hold_their_instruments(solos):
    for plan, _, pictures, boxes in solos[:16]:
        assert_inside(foreground(pictures, plan), boxes)


def test_duets_show_two_instruments_side_by_side():
    for index in range(8):
        plan = plan_clip(WORLD, "duets", index)
        audio, pictures, boxes = render(plan, WORLD)
        assert audio.shape == (2, 1, WORLD.num_samples)
        assert pictures.shape == (24, 48, 96, 3)
        shown = foreground(pictures, plan)
        assert_inside(shown, boxes)
        assert shown[:, :, :48].any((1, 2)).all()
        assert shown[:, :, 48:].any((1, 2)).all()
        assert boxes[0, 1] + boxes[0, 3] <= 0.5 <= boxes[1, 1]


def assert_inside(shown, boxes):
    _, height, width = shown.shape
    size = np.array([height, width])
    painted = shown.any(0)
    outside = painted.copy()
    for box in boxes:
        low, high = box[:2] * size, (box[:2] + box[2:]) * size
        assert (low >= 0).all()
        assert (high <= size + 1e-9).all()
        rows, columns = map(slice, low.astype(int), np.ceil(high).astype(int))
        outside[rows, columns] = False
        # The box is tight: something is painted within two pixels of each side.
        own = np.argwhere(painted[rows, columns]) + low.astype(int)
        assert (own.min(0) <= low + 2).all(), (own.min(0), low)
        assert (own.max(0) + 1 >= high - 2).all(), (own.max(0) + 1, high)
    assert not outside.any()


def nearest_centroid(features, labels, num_train):
    """Accuracy on the rows after `num_train` of the classes' standardised means."""
    scale = features[:num_train].std(0) + 1e-6
    features = features / scale
    means = np.stack(
        [features[:num_train][labels[:num_train] == c].mean(0) for c in range(8)]
    )
    distance = ((features[num_train:, None] - means) ** 2).sum(-1)
    return np.mean(distance.argmin(1) == labels[num_train:])


def test_colour_tells_nothing_and_shape_tells_the_class():
    world = World(seconds=1.0, image_size=48, train=40)
    labels, colours, shapes = [], [], []
    for index in range(world.num_clips("train")):
        plan = plan_clip(world, "train", index)
        picture = render(plan, world)[1][4].astype(float)
        labels.append(plan.parts[0].class_id)
        colours.append(np.concatenate([picture.mean((0, 1)), picture.std((0, 1))]))
        shapes.append(edges(picture))
    labels = np.array(labels)
    assert nearest_centroid(np.array(colours), labels, 160) < 0.3
    assert nearest_centroid(np.array(shapes), labels, 160) > 0.8


def edges(picture, cells=6, angles=6):
    """Histograms of edge directions in a grid of cells, unit length."""
    down, right = np.gradient(picture.mean(-1))
    turn = (np.arctan2(down, right) % np.pi) / np.pi * angles
    which = np.minimum(turn.astype(int), angles - 1)
    place = np.arange(len(picture)) * cells // len(picture)
    histogram = np.zeros((angles, cells, cells))
    strength = np.sqrt(np.hypot(down, right))
    np.add.at(histogram, (which, place[:, None], place[None, :]), strength)
    return (histogram / (np.linalg.norm(histogram) + 1e-9)).ravel()


def test_a_clip_is_ready_to_store():
    clip = render_clip(WORLD, "duets", 2)
    again = render_clip(WORLD, "duets", 2)
    assert clip.images == again.images
    assert clip.audio.tobytes() == again.audio.tobytes()
    assert len(clip.images) == 24
    assert set(clip.class_names) < set(CLASSES)
    assert clip.clip_id == "duets-00002-" + "-".join(clip.class_names)
    assert all(image[:3] == b"\xff\xd8\xff" for image in clip.images)
