import numpy as np
import pytest
from scipy.optimize import linprog

from spatialjax.errors import ShapeError
from spatialjax.metrics import emd_hat


def ring(num_nodes):
    place = np.arange(num_nodes)
    way = np.abs(place[:, None] - place)
    return np.minimum(way, num_nodes - way) * (2 * np.pi / num_nodes)


def maps(*shape, seed=0):
    return np.random.default_rng(seed).exponential(size=shape)


def by_linear_programme(first, second, distance):
    each, ones = np.eye(len(first)), np.ones(len(first))
    found = linprog(
        distance.ravel(),
        A_ub=np.concatenate([np.kron(each, ones), np.kron(ones, each)]),
        b_ub=np.concatenate([first, second]),
        A_eq=np.ones((1, distance.size)),
        b_eq=[min(first.sum(), second.sum())],
    )
    return found.fun + abs(first.sum() - second.sum()) * distance.max()


def test_equals_the_linear_programme_over_all_flows():
    distance = ring(11)
    first, second = maps(2, 3, 11), maps(2, 3, 11, seed=1)
    second[0] *= first[0].sum(-1, keepdims=True) / second[0].sum(-1, keepdims=True)
    given = emd_hat(first, second, distance)
    assert given.shape == (2, 3)
    expected = [
        [by_linear_programme(*pair, distance) for pair in zip(*rows, strict=True)]
        for rows in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(given, expected, rtol=1e-8)


def test_difference_of_mass_is_carried_the_longest_way():  # spec 5.1
    distance = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0.0]])
    given = emd_hat(np.array([1.0, 0, 0]), np.array([0, 0, 0.5]), distance)
    assert given == pytest.approx(2.0, abs=1e-12)


def test_on_a_line_it_is_the_area_between_the_cumulated_maps():
    place = np.sort(maps(30, seed=2).cumsum())
    distance = np.abs(place[:, None] - place)
    first, second = maps(30), maps(30, seed=1)
    first, second = first / first.sum(), second / second.sum()
    between = np.abs(np.cumsum(first - second))[:-1]
    expected = (between * np.diff(place)).sum()
    assert emd_hat(first, second, distance) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-25, 1e-6, 1.0, 1e12])
def test_is_proportional_to_the_masses(scale):
    distance, first, second = ring(9), maps(9), maps(9, seed=1)
    given = emd_hat(scale * first, scale * second, distance)
    plain = emd_hat(first, second, distance)
    np.testing.assert_allclose(given, scale * plain, rtol=1e-9)


def test_equal_and_silent_maps_are_at_distance_zero():
    some = maps(9)
    assert emd_hat(some, some, ring(9)) == 0
    assert emd_hat(0 * some, 0 * some, ring(9)) == 0
    silent = emd_hat(some, 0 * some, ring(9))
    assert silent == pytest.approx(some.sum() * ring(9).max())


def test_what_is_not_finite_stays_in_its_place():
    first, second = maps(3, 9), maps(3, 9, seed=1)
    expected = emd_hat(first, second, ring(9))
    first[1, 4] = np.nan
    given = emd_hat(first, second, ring(9))
    assert np.isnan(given).tolist() == [False, True, False]
    np.testing.assert_array_equal(given[[0, 2]], expected[[0, 2]])


def test_threads_do_not_change_the_values():
    first, second = maps(20, 16), maps(20, 16, seed=1)
    one, many = (emd_hat(first, second, ring(16), threads) for threads in (1, 8))
    np.testing.assert_array_equal(one, many)


def test_shapes_must_fit():
    with pytest.raises(ShapeError, match="distance"):
        emd_hat(np.zeros(3), np.zeros(3), np.zeros((3, 4)))
    with pytest.raises(ShapeError, match="first"):
        emd_hat(np.zeros(4), np.zeros(4), np.zeros((3, 3)))
    with pytest.raises(ShapeError, match="second"):
        emd_hat(np.zeros((2, 3)), np.zeros(3), np.zeros((3, 3)))
