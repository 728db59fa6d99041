import dataclasses

import numpy as np
import pytest

from spatialjax.errors import DataError
from spatialjax.evaluation import compare, comparison_table
from tests.evaluation.cards import random_card


def with_values(card, **values):
    suite = card.suites["class_distinct"]
    suite = dataclasses.replace(suite, values={**suite.values, **values})
    return dataclasses.replace(card, suites={"class_distinct": suite})


def test_pairing_narrows_the_interval():
    """Items differ by 1 dB, the two models by 0.5 ± 0.05 dB on each of them."""
    first = random_card(items=40)
    values = first.suites["class_distinct"].values["sdr_db"]
    noise = np.random.default_rng(5).normal(0.5, 0.05, values.shape)
    found = compare(first, with_values(first, sdr_db=values + noise))
    result = found["class_distinct"]["sdr_db"]
    valid = np.isfinite(values)
    np.testing.assert_allclose(result.difference.mean, noise[valid].mean())
    np.testing.assert_allclose(
        result.second_mean - result.first_mean, result.difference.mean
    )
    assert 0.45 < result.difference.low < result.difference.high < 0.55
    assert result.difference.num_valid == 78


def test_only_values_that_count_in_both():
    first = random_card()
    values = first.suites["class_distinct"].values["sdr_db"].copy()
    values[0, 1] = np.nan
    result = compare(first, with_values(first, sdr_db=values))
    assert result["class_distinct"]["sdr_db"].difference == (0.0, 0.0, 0.0, 21)


def test_a_single_value_that_counts_has_means():
    first = random_card(items=40)
    values = np.full((40, 2), np.nan)
    values[17, 0] = 3.0
    cards = with_values(first, sdr_db=values), with_values(first, sdr_db=values + 2)
    result = compare(*cards, 1)["class_distinct"]["sdr_db"]
    assert (result.first_mean, result.second_mean) == (3.0, 5.0)
    assert (result.difference.mean, result.difference.num_valid) == (2.0, 1)


def test_metrics_of_one_card_are_left_out():
    first = random_card()
    found = compare(first, with_values(random_card(), extra_db=np.zeros((12, 2))))
    assert set(found["class_distinct"]) == {"loss", "sdr_db"}


def test_table_marks_what_differs():
    first = random_card(items=40)
    second = with_values(
        first,
        sdr_db=first.suites["class_distinct"].values["sdr_db"] + 1.0,
    )
    lines = comparison_table(compare(first, second)).splitlines()
    assert lines[0] == "class_distinct"
    assert "+0.000 " in lines[2]
    assert "+1.000*" in lines[3]
    assert max(map(len, lines)) <= 100


def test_small_numbers_keep_their_digits():
    first = random_card(items=40)
    values = np.full((40, 2), 2e-5)
    cards = with_values(first, sdr_db=values), with_values(first, sdr_db=100 * values)
    line = comparison_table(compare(*cards)).splitlines()[3]
    assert "0.00002   0.00200   +0.00198*" in line


@pytest.mark.parametrize("options", [{"items": 11}, {"pair_hash": "00" * 32}])
def test_refuses_other_items(options):
    with pytest.raises(DataError, match="different items") as error:
        compare(random_card(), random_card(**options))
    assert "\n" not in str(error.value)
    assert "12 items of list abababababab" in str(error.value)


def test_refuses_cards_without_a_common_suite():
    with pytest.raises(DataError, match="no suite in common: duet"):
        compare(random_card("duet"), random_card("same_class"))
