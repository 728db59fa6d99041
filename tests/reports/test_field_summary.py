import json

import numpy as np
import pytest

from spatialjax.evaluation import ScoreCard, SuiteScores
from spatialjax.evaluation.summary import summarise
from spatialjax.reports import FieldSummary, wins

RNG = np.random.default_rng(0)
ITEMS = 24


def card(scale=1.0, direction_deg=10.0):
    """Scores of scenes whose errors are a share of those of mono."""
    mono = RNG.uniform(0.5, 1.0, ITEMS)
    direction = RNG.uniform(0.9, 1.1, ITEMS) * direction_deg
    values = {
        "mono_stft": mono,
        "mono_env": mono,
        "mono_emd": mono,
        "stft": scale * mono,
        "env": scale * mono,
        "emd": scale * mono,
        "direction_deg": direction,
        "within_20_deg": (direction < 20).astype(float),
    }
    nothing = np.zeros((ITEMS, 0), int)
    summaries = {
        name: summarise(v, nothing, (), 200, references=values.get(f"mono_{name}"))
        for name, v in values.items()
    }
    names = tuple(f"clip{i} @ 5" for i in range(ITEMS))
    suite = SuiteScores("scene", "a" * 64, False, names, nothing, values, summaries)
    return ScoreCard({"scene": suite})


def test_figures_are_shares_of_mono():
    summary = FieldSummary()
    summary.add("run0", "model", "test_1", card(0.25))
    figures = json.loads(summary.to_json())["run0"]["model"]["test_1"]
    for name in ("STFT", "ENV", "EMD"):
        assert figures[name] == pytest.approx(0.25)
    assert figures["median"] == pytest.approx(10.0, rel=0.05)
    assert figures["<20°"] == 1.0


def test_the_table_has_a_line_for_each_system_and_a_spread_over_runs():
    summary = FieldSummary()
    for run, scale in (("run0", 0.2), ("run1", 0.3)):
        summary.add(run, "model", "test_1", card(scale))
    summary.add("run0", "mono", "test_1", card(1.0, 90.0))
    lines = summary.table({"test_1": "one source", "test_2": "two"}).splitlines()
    assert lines[0].split() == ["one", "source", "STFT", "ENV", "EMD", "median", "<20°"]
    assert lines[1].startswith("ours")
    assert "0.250 ± 0.071" in lines[1]
    assert "1.000" in lines[2]
    assert lines[4].split()[0] == "two"
    assert lines[5].count("–") == 5
    assert len(lines) == 7


def test_a_win_is_beyond_chance():
    better, same = card(0.2, 5.0), card(0.6, 40.0)
    assert all(wins(better, same).values())
    assert not any(wins(same, better).values())
    assert not any(wins(same, same).values())
    assert set(wins(better, same)) == {"stft", "emd", "direction_deg"}
