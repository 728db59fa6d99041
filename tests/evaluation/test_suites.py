import dataclasses

import jax
import numpy as np
import pytest

from spatialjax.data import DataConfig, open_dataset
from spatialjax.errors import DataError
from spatialjax.evaluation import (
    EvaluationConfig,
    evaluate,
    make_pair_lists,
    make_suites,
)
from tests.data import tiny
from tests.fakes import FakeTask

SUITES = ("class_distinct", "class_distinct_swapped", "duet", "published")
CONFIG = EvaluationConfig(suites=SUITES, num_pairs=5, batch_size=4, num_bootstrap=50)
DATA = DataConfig(num_threads=0, image_spacing_s=0.4)


class RatedTask(FakeTask):
    """The fake task at the rate of the tiny dataset."""

    @property
    def batch_spec(self):
        spec = super().batch_spec
        audio = dataclasses.replace(spec["audio"], rate_hz=float(tiny.RATE_HZ))
        return {**spec, "audio": audio}


TASK = RatedTask()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    splits = {
        "val": tiny.solos(7),
        "duets": [tiny.TinyClip(k, 5.0, ("bell", "drum"), (32, 64)) for k in range(3)],
    }
    tiny.build(folder, splits)
    return open_dataset(folder, "tiny_clips")


def test_lists_of_the_config(dataset):
    lists = make_pair_lists(dataset, "val", 2, CONFIG)
    assert tuple(lists) == SUITES
    assert lists["class_distinct"] == lists["class_distinct_swapped"]
    assert {name: len(pairs.items) for name, pairs in lists.items()} == {
        "class_distinct": 5,
        "class_distinct_swapped": 5,
        "duet": 3,
        "published": 5,
    }
    assert lists["duet"].split == "duets"
    again = make_pair_lists(dataset, "val", 2, dataclasses.replace(CONFIG, pair_seed=1))
    assert again["class_distinct"].hash != lists["class_distinct"].hash
    assert again["published"].hash == lists["published"].hash


def test_suites_can_be_evaluated_again(dataset):
    lists = make_pair_lists(dataset, "val", 2, CONFIG)
    suites = make_suites(dataset, TASK.batch_spec, DATA, lists, CONFIG.batch_size)
    key = jax.random.key(0)
    variables = TASK.init(key)
    cards = [
        evaluate(TASK, variables, suites, dataset.classes, CONFIG, key)
        for _ in range(2)
    ]
    assert cards[0].to_json() == cards[1].to_json()
    plain, swapped, duet, _ = cards[0].suites.values()
    assert plain.item_ids == tuple(
        " + ".join(item) for item in lists["class_distinct"].items
    )
    assert (plain.pair_hash, plain.rule) == (swapped.pair_hash, "class_distinct")
    assert (plain.swap_images, swapped.swap_images) == (False, True)
    assert (plain.class_ids[:, 0] != plain.class_ids[:, 1]).all()
    np.testing.assert_array_equal(duet.class_ids, [[0, 1]] * 3)
    assert set(duet.summaries["error"].per_class) == {"bell", "drum"}


def test_a_missing_split(dataset):
    config = dataclasses.replace(CONFIG, duet_split="duos")
    with pytest.raises(DataError, match="duets"):
        make_pair_lists(dataset, "val", 2, config)
