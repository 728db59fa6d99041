import dataclasses
import json

import jax
import numpy as np
import pytest

from spatialjax.errors import DataError, UserError
from spatialjax.evaluation import read_scorecard
from spatialjax.evaluation.definitions import variant
from spatialjax.evaluation.scorecard import from_json
from spatialjax.evaluation.summary import Summary, summarise
from spatialjax.metrics import Interval
from tests.evaluation.cards import random_card


def assert_same_card(given, expected):
    assert given.origin == expected.origin
    assert given.versions == expected.versions
    assert given.suites.keys() == expected.suites.keys()
    for name, suite in expected.suites.items():
        ours = dataclasses.asdict(given.suites[name])
        np.testing.assert_equal(ours, dataclasses.asdict(suite))
        assert given.suites[name].class_ids.dtype == suite.class_ids.dtype


def test_json_reloads_equal(tmp_path):
    card = random_card()
    card.write(tmp_path / "new" / "scores.json")
    assert_same_card(read_scorecard(tmp_path / "new" / "scores.json"), card)


def test_json_is_strict_and_has_one_line_an_item():
    card = random_card()
    text = card.to_json()
    plain = json.loads(text, parse_constant=pytest.fail)
    figures = plain["suites"]["class_distinct"]
    assert figures["num_items"] == 12
    assert figures["metrics"]["sdr_db"]["num_valid"] == 22
    assert figures["metrics"]["sdr_db"]["num_values"] == 24
    assert "512-tap" in figures["metrics"]["sdr_db"]["variant"]
    assert plain["versions"]["jax"] == jax.__version__
    assert plain["origin"]["checkpoint_step"] == 7
    assert plain["items"]["class_distinct"][3]["values"]["sdr_db"] == [None, None]
    lines = [line for line in text.splitlines() if '"id"' in line]
    assert len(lines) == 12


def field_card():
    """A card whose metric `stft` is told as a fraction."""
    card = random_card()
    suite = card.suites["class_distinct"]
    rng = np.random.default_rng(3)
    values = {"stft": rng.random(12) / 100, "mono_stft": rng.random(12) / 50}
    summaries = {
        name: summarise(v, suite.class_ids, (), 50, references=reference)
        for (name, v), reference in zip(
            values.items(), (values["mono_stft"], None), strict=True
        )
    }
    suite = dataclasses.replace(suite, values=values, summaries=summaries)
    return dataclasses.replace(card, suites={"scene": suite})


def test_fractions_reload_and_are_told():
    card = field_card()
    assert_same_card(from_json(card.to_json()), card)
    metrics = json.loads(card.to_json())["suites"]["scene"]["metrics"]
    fraction = metrics["stft"]["fraction"]
    values = card.suites["scene"].values
    expected = values["stft"].mean() / values["mono_stft"].mean()
    np.testing.assert_allclose(fraction["mean"], expected)
    assert fraction["of"] == "mono_stft"
    assert "fraction" not in metrics["mono_stft"]
    low, high = fraction["low"], fraction["high"]
    words = f"{expected:.3f} [{low:.3f}, {high:.3f}] of mono_stft"
    assert words in card.table()
    assert f" {values['stft'].mean():.5f} " in card.table()


def test_a_card_without_a_step_names_none():
    card = random_card(step=None)
    assert card.label.startswith("toy, on toy_band (")


def test_means_by_suite_and_metric():
    first, second = random_card(), random_card("duet", seed=1)
    card = dataclasses.replace(first, suites={**first.suites, **second.suites})
    assert list(card.means()) == ["loss", "sdr_db", "duet/loss", "duet/sdr_db"]
    expected = second.suites["duet"].values["loss"].mean()
    assert card.means()["duet/loss"] == pytest.approx(expected)


def test_nothing_valid_reloads(tmp_path):
    card = random_card()
    suite = card.suites["class_distinct"]
    nothing = Summary(Interval(np.nan, np.nan, np.nan, 0), num_undefined=2)
    empty = dataclasses.replace(suite, summaries={**suite.summaries, "loss": nothing})
    card = dataclasses.replace(card, suites={"class_distinct": empty})
    assert_same_card(from_json(card.to_json()), card)
    assert "2 undefined" in card.table()


def test_table():
    text = random_card().table()
    assert "class_distinct: 12 items, pair list abababababab" in text
    assert "22/24" in text
    assert "mean of batches" in text
    assert all(name in text for name in ("cello", "drum", "flute"))
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("metric", "start"),
    [
        ("si_sdr_improvement_db", "si_sdr:"),
        ("sdr_mixture_db", "bss3_sources:"),
        ("sar_db", "bss3_sources:"),
        ("stft", "squared error of spectra"),
        ("lsd_db", "log-spectral distance of levels"),
        ("emd_normalised", "as emd"),
        ("mono_env", "env of silence above W"),
    ],
)
def test_variants(metric, start):
    assert variant(metric).startswith(start)
    assert variant("loss") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_refuses_other_files(text, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"other\.json.*score card"):
        read_scorecard(path)


def test_refuses_a_card_that_lacks_a_value(tmp_path):
    content = json.loads(random_card().to_json())
    content["items"]["class_distinct"][0]["values"]["sdr_db"].pop()
    (tmp_path / "other.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"other\.json.*score card"):
        read_scorecard(tmp_path / "other.json")


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_scorecard(tmp_path / "none.json")


def test_output_below_a_file_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        random_card().write(tmp_path / "file" / "scores.json")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_clips_of_the_items_reload(tmp_path):
    card = random_card()
    suite = card.suites["class_distinct"]
    clips = tuple(f"clip{i // 3}" for i in range(12))
    suites = {"scene": dataclasses.replace(suite, clip_ids=clips)}
    card = dataclasses.replace(card, suites=suites)
    card.write(tmp_path / "scores.json")
    assert_same_card(read_scorecard(tmp_path / "scores.json"), card)
