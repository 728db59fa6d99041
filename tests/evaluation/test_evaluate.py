from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import DataError
from spatialjax.evaluation import (
    EvaluationConfig,
    Origin,
    Suite,
    evaluate,
)
from spatialjax.evaluation.evaluate import score_names
from spatialjax.tasks.base import Scores
from tests.fakes import FakeTask, fake_batch

TASK = FakeTask()
CLASSES = ("cello", "drum", "flute")
CONFIG = EvaluationConfig(num_bootstrap=200, batch_size=4)
KEY = jax.random.key(0)


def all_items(count):
    """Items of a suite as one batch, all different."""
    batch = fake_batch(TASK, count)
    batch["audio"] //= np.arange(1, count + 1, dtype=np.int16)[:, None, None, None]
    return batch


def batches_of(items, size):
    """Batches of one size, the last one padded by copies of a loud row."""
    count = len(items["valid"])
    for first in range(0, count, size):
        rows = np.arange(first, first + size) % count
        batch = {name: array[rows] for name, array in items.items()}
        batch["valid"] = np.arange(first, first + size) < count
        yield batch


def make_suite(items, size=4, **options):
    names = tuple(f"item {i}" for i in range(len(items["valid"])))
    return Suite("class_distinct", "ab" * 32, names, batches_of(items, size), **options)


def run(items, size=4, config=CONFIG, task=TASK, **options):
    suites = {"toy": make_suite(items, size)}
    return evaluate(task, TASK.init(KEY), suites, CLASSES, config, KEY, **options)


def plain_scores(items):
    """What the fake task measures, in NumPy."""
    variables = TASK.init(KEY)
    sources = items["audio"][:, :, 0] / np.float32(32768)
    estimates = sources * np.asarray(variables.params["audio"]["weight"])
    error = ((estimates - sources) ** 2).mean(-1)
    peak = np.abs(estimates - sources).max(-1)
    return {"loss": error.mean(-1), "error": error, "peak_error": peak}


@pytest.mark.parametrize("size", [1, 4, 10])
def test_equals_plain_means_with_an_uneven_last_batch(size):
    items = all_items(10)
    suite = run(items, size, origin=Origin("fake", 3)).suites["toy"]
    assert set(suite.values) == {"loss", "error", "peak_error"}
    for name, expected in plain_scores(items).items():
        np.testing.assert_allclose(suite.values[name], expected, rtol=1e-5)
        np.testing.assert_allclose(suite.means[name], expected.mean(), rtol=1e-5)
        assert suite.summaries[name].total.num_valid == expected.size
        for k, label in enumerate(CLASSES):
            chosen = items["class_id"] == k
            if expected.ndim == 2 and chosen.any():
                found = suite.summaries[name].per_class[label]
                np.testing.assert_allclose(
                    found.mean, expected[chosen].mean(), rtol=1e-5
                )
                assert found.num_valid == chosen.sum()
    np.testing.assert_array_equal(suite.class_ids, items["class_id"])
    assert suite.item_ids[3] == "item 3"
    assert suite.summaries["loss"].batch_mean is None


def test_parity_mean_over_batches():
    items = all_items(10)
    config = EvaluationConfig(batch_size=4, batch_mean_parity=True)
    suite = run(items, 5, config).suites["toy"]
    error = plain_scores(items)["error"].mean(-1)
    expected = np.mean([error[:4].mean(), error[4:8].mean(), error[8:].mean()])
    np.testing.assert_allclose(suite.summaries["error"].batch_mean, expected, rtol=1e-5)


def test_without_host_scores():
    config = EvaluationConfig(host_scores=False, num_bootstrap=10)
    assert set(run(all_items(3), config=config).suites["toy"].values) == {
        "loss",
        "error",
    }


@dataclass(frozen=True)
class WeightedTask(FakeTask):
    """Knows a metric that is silent for item 0, broken for 1 and infinite for 2."""

    def measure(self, outputs, batch):
        ids = batch["example_id"].astype(jnp.float32)
        value = jnp.where(ids == 1, jnp.nan, jnp.where(ids == 2, jnp.inf, ids))
        return {"odd": Scores(value, (ids > 0).astype(jnp.float32))}


def test_silent_and_undefined_values_do_not_count():
    suite = run(all_items(6), task=WeightedTask()).suites["toy"]
    np.testing.assert_array_equal(suite.values["odd"], [np.nan] * 3 + [3, 4, 5])
    assert suite.means["odd"] == 4.0
    assert suite.summaries["odd"].num_undefined == 2


def test_collect_sees_every_batch_in_order():
    seen = []

    def collect(name, outputs, batch, scores):
        assert isinstance(outputs["estimates"], jax.Array)  # nothing was fetched
        assert set(scores) == {"loss", "error", "peak_error"}
        seen.append((name, batch["example_id"][batch["valid"]].tolist()))

    run(all_items(6), collect=collect)
    assert seen == [("toy", [0, 1, 2, 3]), ("toy", [4, 5])]


@pytest.mark.parametrize("host_scores", [True, False])
def test_the_names_of_scores_are_known_before_anything_is_predicted(host_scores):
    config = EvaluationConfig(host_scores=host_scores, num_bootstrap=10)
    values = run(all_items(2), config=config).suites["toy"].values
    assert score_names(TASK, config) == set(values)


def test_an_error_of_the_host_scores_is_raised():
    @dataclass(frozen=True)
    class BrokenTask(FakeTask):
        def score(self, outputs, batch):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(all_items(6), task=BrokenTask())


def evaluate_batches(batches, names=("a", "b", "c", "d")):
    suite = Suite("duet", "ab", names, batches)
    return evaluate(TASK, TASK.init(KEY), {"duet": suite}, CLASSES, CONFIG, KEY)


def test_refuses_a_batch_that_the_task_does_not_read():
    batch = all_items(4)
    del batch["gain"]
    with pytest.raises(DataError, match="gain"):
        evaluate_batches([batch])


def test_refuses_missing_repeated_and_unknown_items():
    batch = all_items(4)
    with pytest.raises(DataError, match="4 of its 5 items"):
        evaluate_batches([batch], tuple("abcde"))
    with pytest.raises(DataError, match="item 0 came twice"):
        evaluate_batches([batch, batch])
    with pytest.raises(DataError, match="none of the 3"):
        evaluate_batches([batch], tuple("abc"))
