import numpy as np
import pytest

from tfds_builders.toy_sphere.motion import (
    MOST_ELEVATION_RAD,
    MOST_SPEED_RAD_S,
    SEPARATION_RAD,
    Path,
    draw_paths,
)

TIME_S = np.linspace(0.0, 3.0, 601)


@pytest.fixture(scope="module")
def groups():
    rng = np.random.default_rng(0)
    return [draw_paths(rng, 4, 3.0) for _ in range(60)]


@pytest.mark.parametrize(
    ("heading_rad", "expected"), [(0.0, (0.8, 0.6, 0.0)), (np.pi / 2, (0.8, 0.0, 0.6))]
)
def test_a_quarter_of_the_swing_to_the_left_or_up(heading_rad, expected):
    turn_rad = np.arctan2(0.6, 0.8)
    path = Path(0.0, 0.0, heading_rad, turn_rad * 2 * np.pi / 4.0, 4.0, 0.0)
    found = path.directions(np.array([0.0, 1.0]))
    np.testing.assert_allclose(found, [(1.0, 0.0, 0.0), expected], atol=1e-12)


def test_the_middle_of_the_arc_is_where_the_angles_say():
    path = Path(2.0, -0.5, 1.0, 0.4, 5.0, 0.0)
    x, y, z = path.directions(np.array([0.0]))[0]
    assert (np.arctan2(y, x), np.arcsin(z)) == pytest.approx((2.0, -0.5))
    frame = path.frames(np.array([0.0]))[0]
    np.testing.assert_allclose(frame[:, 1], (-np.sin(2.0), np.cos(2.0), 0), atol=1e-12)
    assert frame[2, 2] == pytest.approx(np.cos(0.5))  # its up leans back by 0.5


def test_frames_are_right_handed_and_carried_without_a_twist(groups):
    for path in groups[0]:
        frames = path.frames(TIME_S)
        np.testing.assert_allclose(frames[..., 0], path.directions(TIME_S), atol=1e-12)
        np.testing.assert_allclose(
            frames.swapaxes(1, 2) @ frames,
            np.broadcast_to(np.eye(3), frames.shape),
            atol=1e-12,
        )
        np.testing.assert_allclose(np.linalg.det(frames), 1.0, atol=1e-12)
        turn = frames[1:] @ frames[:-1].swapaxes(1, 2)
        axis = np.stack(
            [
                turn[:, 2, 1] - turn[:, 1, 2],
                turn[:, 0, 2] - turn[:, 2, 0],
                turn[:, 1, 0] - turn[:, 0, 1],
            ],
            -1,
        )
        twist = np.sum(axis * frames[:-1, :, 0], -1)
        np.testing.assert_allclose(twist, 0.0, atol=1e-12)


def test_speeds_are_those_of_the_path_and_slow(groups):
    speeds = []
    for path in (path for group in groups for path in group):
        time_s = np.linspace(0.0, path.period_s, 2001)
        ways = path.directions(time_s)
        steps = 2 * np.arcsin(0.5 * np.linalg.norm(np.diff(ways, axis=0), axis=1))
        speeds.append(steps.max() / (time_s[1] - time_s[0]))
        assert speeds[-1] == pytest.approx(path.speed_rad_s, rel=1e-4, abs=1e-9)
    assert max(speeds) <= MOST_SPEED_RAD_S * 1.001
    assert max(speeds) > 0.9 * MOST_SPEED_RAD_S
    assert 0.1 < np.mean(np.array(speeds) == 0.0) < 0.5


def test_no_two_come_near_each_other_or_too_far_up(groups):
    for group in groups:
        ways = np.stack([path.directions(TIME_S) for path in group])
        likeness = np.einsum("ptd,qtd->pqt", ways, ways)[np.triu_indices(4, 1)]
        assert np.arccos(likeness.max()) > SEPARATION_RAD - np.radians(0.1)
        assert np.arcsin(np.abs(ways[..., 2]).max()) < MOST_ELEVATION_RAD + 0.01
    middles = [path.elevation_rad for group in groups for path in group]
    assert 0.8 < np.max(np.abs(middles)) <= np.radians(60.0)


def test_the_first_and_the_last_of_a_group_move_alike(groups):
    first, *_, last = np.array([[p.speed_rad_s for p in g] for g in groups]).T
    spread = np.hypot(first.std(), last.std()) / np.sqrt(len(groups))
    assert abs(first.mean() - last.mean()) < 3 * spread
