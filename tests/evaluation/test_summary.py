import numpy as np
import pytest

from spatialjax.evaluation.summary import batch_mean, num_decimals, summarise

NAN = np.nan


def test_classes_and_counts():
    values = np.array([[1.0, 2.0], [NAN, 4.0], [5.0, NAN]])
    class_ids = np.array([[0, 1], [0, 1], [2, -1]])
    summary = summarise(values, class_ids, ["a", "b", "c"], 100, num_undefined=1)
    assert summary.total.mean == 3.0
    assert summary.total.num_valid == 4
    assert summary.num_undefined == 1
    assert summary.batch_mean is None
    means = {name: (i.mean, i.num_valid) for name, i in summary.per_class.items()}
    assert means == {"a": (1.0, 1), "b": (3.0, 2), "c": (5.0, 1)}


def test_a_class_without_values_is_left_out():
    values = np.array([[1.0, NAN]])
    summary = summarise(values, np.array([[0, 1]]), ["a", "b"], 10)
    assert set(summary.per_class) == {"a"}


def test_metrics_of_whole_items_have_no_classes():
    summary = summarise(np.array([1.0, 3.0]), np.zeros((2, 2), int), ["a"], 10)
    assert summary.total.mean == 2.0
    assert summary.per_class == {}


def test_batch_mean_is_that_of_the_published_code():
    """Two batches of two and a last one of one, as a loop over batches gives it."""
    values = np.array([[1.0, 3.0], [NAN, NAN], [8.0, 8.0], [4.0, 6.0], [20.0, 20.0]])
    assert batch_mean(values, 2) == pytest.approx((2.0 + 6.5 + 20.0) / 3)


def test_batch_mean_of_a_batch_without_valid_item_is_zero():
    values = np.array([[NAN, NAN], [NAN, NAN], [6.0, 6.0], [8.0, 8.0]])
    assert batch_mean(values, 2) == 3.5
    assert batch_mean(values[:2], 2) == 0.0


def test_batch_mean_takes_items_whole_or_not_at_all():
    assert batch_mean(np.array([[NAN, 100.0], [1.0, 2.0]]), 2) == 1.5


def test_batch_mean_of_whole_items():
    assert batch_mean(np.array([1.0, 2.0, 6.0]), 2) == 3.75


def test_a_fraction_takes_what_counts_in_both():
    values, references = np.array([1.0, 2.0, 6.0, NAN]), np.array([2.0, 2.0, NAN, 1.0])
    found = summarise(values, np.zeros((4, 0), int), [], 50, references=references)
    assert found.total.mean == 3.0
    assert found.fraction.mean == 0.75
    assert found.fraction.num_valid == 2
    assert summarise(values, np.zeros((4, 0), int), [], 50).fraction is None


@pytest.mark.parametrize(
    ("value", "decimals"),
    [
        (12.3456, 3),
        (0.2, 3),
        (0.05145, 4),
        (-0.00232, 5),
        (-6e-8, 3),
        (0.0, 3),
        (NAN, 3),
        (np.inf, 3),
    ],
)
def test_small_numbers_keep_three_digits(value, decimals):
    assert num_decimals(value, 3) == decimals
