import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.metrics import bootstrap_mean, bootstrap_ratio


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_mean_and_count_ignore_weight_zero():
    values = np.array([1.0, 2.0, np.nan, 4.0])
    result = bootstrap_mean(values, np.array([1, 1, 0, 0]))
    assert result.mean == 1.5
    assert result.num_valid == 2
    assert 1.0 <= result.low <= result.high <= 2.0


def test_interval_is_that_of_the_normal_law_for_many_items():
    values = 3.0 + 2.0 * normal(900)
    result = bootstrap_mean(values, np.ones(900), num_resamples=8000)
    half = 1.96 * values.std() / np.sqrt(900)
    np.testing.assert_allclose(result.low, result.mean - half, atol=0.05 * half)
    np.testing.assert_allclose(result.high, result.mean + half, atol=0.05 * half)


def test_coverage():
    held = 0
    for seed in range(300):
        values = normal(60, seed=seed)
        result = bootstrap_mean(values, np.ones(60), num_resamples=400, seed=seed)
        held += result.low <= 0 <= result.high
    assert 0.90 < held / 300 < 0.98


def test_sources_of_an_item_stay_together():
    """Twice the same column must not look like twice as many items."""
    column = normal(50)
    one = bootstrap_mean(column, np.ones(50))
    two = bootstrap_mean(np.stack([column] * 2, -1), np.ones((50, 2)))
    np.testing.assert_allclose(two[:3], one[:3])
    assert two.num_valid == 100


def test_seeded():
    values, weights = normal(40), np.ones(40)
    assert bootstrap_mean(values, weights) == bootstrap_mean(values, weights)
    assert bootstrap_mean(values, weights) != bootstrap_mean(values, weights, seed=1)


def test_blocks_change_nothing(monkeypatch):
    values, weights = normal(40, 2), np.ones((40, 2))
    whole = bootstrap_mean(values, weights, num_resamples=100)
    monkeypatch.setattr("spatialjax.metrics.bootstrap._BLOCK", 40 * 7)
    np.testing.assert_allclose(
        bootstrap_mean(values, weights, num_resamples=100), whole
    )


def test_constant_values_have_no_spread():
    assert bootstrap_mean(np.full(9, 2.0), np.ones(9))[:3] == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_counts(rows):
    result = bootstrap_mean(np.ones(rows), np.zeros(rows))
    assert np.isnan(result[:3]).all()
    assert result.num_valid == 0


def test_shapes_differ():
    with pytest.raises(ShapeError):
        bootstrap_mean(np.ones((3, 2)), np.ones(3))


class TestGroups:
    def test_a_group_has_one_share(self):
        values, groups = np.array([1.0, 2.0, 3.0, 10.0]), ["a", "a", "a", "b"]
        result = bootstrap_mean(values, np.ones(4), groups=groups)
        assert result.mean == (2.0 + 10.0) / 2
        assert result.num_valid == 4
        assert (result.low, result.high) == (2.0, 10.0)

    def test_a_group_without_valid_items_does_not_count(self):
        values, groups = np.array([1.0, 3.0, np.nan]), ["a", "a", "b"]
        result = bootstrap_mean(values, np.array([1, 1, 0]), groups=groups)
        assert (result.mean, result.num_valid) == (2.0, 2)

    def test_groups_of_one_change_nothing(self):
        values = normal(30, 2)
        names = [str(i + 100) for i in range(30)]
        grouped = bootstrap_mean(values, np.ones((30, 2)), groups=names)
        np.testing.assert_allclose(grouped, bootstrap_mean(values, np.ones((30, 2))))

    def test_copies_of_an_item_do_not_narrow_the_interval(self):
        values = normal(20)
        one = bootstrap_mean(values, np.ones(20))
        names = [f"{i:02d}" for i in range(20) for _ in range(5)]
        five = bootstrap_mean(np.repeat(values, 5), np.ones(100), groups=names)
        np.testing.assert_allclose(five[:3], one[:3])


class TestRatio:
    def test_is_that_of_the_means(self):
        values, references = np.array([1.0, 2.0, np.nan]), np.array([4.0, 2.0, 9.0])
        result = bootstrap_ratio(values, references, np.array([1, 1, 0]))
        assert result == (0.5, 0.25, 1.0, 2)

    def test_both_means_are_of_the_same_draws(self):
        """What only the level spreads has a ratio without spread."""
        level = np.exp(2 * normal(50))
        result = bootstrap_ratio(0.3 * level, level, np.ones(50))
        np.testing.assert_allclose(result[:3], 0.3)
        alone = bootstrap_mean(0.3 * level, np.ones(50))
        assert alone.high > 1.2 * alone.mean

    def test_the_interval_is_that_of_the_delta_method(self):
        references = 5 + normal(900)
        values = 0.5 * references + normal(900, seed=1)
        result = bootstrap_ratio(values, references, np.ones(900), num_resamples=8000)
        residual = values - result.mean * references
        half = 1.96 * residual.std() / np.sqrt(900) / references.mean()
        np.testing.assert_allclose(result.low, result.mean - half, atol=0.06 * half)
        np.testing.assert_allclose(result.high, result.mean + half, atol=0.06 * half)

    def test_a_group_has_one_share_in_both_means(self):
        values, references = np.array([1.0, 3.0, 8.0]), np.array([2.0, 2.0, 10.0])
        result = bootstrap_ratio(values, references, np.ones(3), groups=["a", "a", "b"])
        assert result.mean == (2.0 + 8.0) / (2.0 + 10.0)
        assert (result.low, result.high) == (0.8, 1.0)

    def test_of_nothing_is_undefined(self):
        result = bootstrap_ratio(np.ones(3), np.zeros(3), np.ones(3))
        assert np.isnan(result[:3]).all()
        assert result.num_valid == 3

    def test_shapes_differ(self):
        with pytest.raises(ShapeError, match="references"):
            bootstrap_ratio(np.ones(3), np.ones((3, 1)), np.ones(3))
