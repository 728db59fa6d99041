import html.parser
import json
import pathlib
import re

import numpy as np
import pytest
import soundfile

from spatialjax.errors import MediaError
from spatialjax.evaluation import Origin, ScoreCard, SuiteScores
from spatialjax.evaluation.summary import summarise
from spatialjax.reports import FieldItem, Gallery, Report, SeparatedItem

CLASSES = ("bell", "<b>reed</b>")


def suite_of(values, swap_images=False):
    class_ids = np.array([[0, 1], [1, 0]])
    return SuiteScores(
        rule="class_distinct",
        pair_hash="f" * 64,
        swap_images=swap_images,
        item_ids=("one + two", "three + four"),
        class_ids=class_ids,
        values={"sdr_improvement_db": values},
        summaries={"sdr_improvement_db": summarise(values, class_ids, CLASSES, 50)},
    )


def item_of(index):
    rng = np.random.default_rng(index)
    return SeparatedItem(
        index=index,
        images=rng.integers(0, 256, (2, 3, 8, 8, 3)).astype(np.uint8),
        mixture=rng.uniform(-0.5, 0.5, (1, 400)).astype(np.float32),
        sources=rng.uniform(-0.5, 0.5, (2, 1, 400)).astype(np.float32),
        estimates=rng.uniform(-0.5, 0.5, (2, 1, 400)).astype(np.float32),
        magnitude=rng.uniform(0, 9, (32, 16)).astype(np.float32),
        loss_weight=rng.uniform(0, 1, (32, 16)).astype(np.float32),
        mask=rng.uniform(0, 1, (2, 32, 16)).astype(np.float32),
        target_mask=np.ones((2, 32, 16), np.float32),
        class_ids=np.array([0, 1]),
        scores={"sdr_improvement_db": np.array([4.25, -1.5])},
    )


@pytest.fixture
def card():
    values = np.array([[4.25, -1.5], [np.nan, np.nan]])
    suites = {
        "class_distinct": suite_of(values),
        "class_distinct_swapped": suite_of(-values, swap_images=True),
    }
    return ScoreCard(suites, Origin(experiment="trial"), {"jax": "1"})


@pytest.fixture
def report(tmp_path):
    metrics = tmp_path / "metrics.jsonl"
    lines = [
        {"step": 1, "loss": 0.7},
        {"step": 2, "loss": 0.6, "validation/sdr_improvement_db": 3.0},
    ]
    metrics.write_text("\n".join(map(json.dumps, lines)) + "\n")
    gallery = Gallery(2, {"class_distinct": [item_of(0), item_of(1)]})
    return Report("A <trial>", CLASSES, 8000, gallery, metrics)


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.sources = []
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]


def test_every_file_that_the_page_names_is_there(report, card, tmp_path):
    page = report.write(tmp_path / "page", card)
    text = page.read_text()
    links = [s for s in Links(text).sources if not s.startswith("#")]
    assert len(links) == 2 * (3 + 2 * (3 + 2 + 4))
    for link in links:
        assert not pathlib.PurePath(link).is_absolute()
        assert (page.parent / link).stat().st_size > 0
    assert len(list(page.parent.rglob("*.wav"))) == 2 * 5
    assert not re.search(r"url\((?!#)|@import", text)


def test_shows_figures_curves_and_controls(report, card, tmp_path):
    text = report.write(tmp_path / "page", card).read_text()
    assert "1.38" in text  # mean of 4.25 and -1.5
    assert "−1.50" in text
    assert "2/4" in text
    assert "control" in text
    assert text.count("<svg") == 2
    assert "<b>reed</b>" not in text
    assert "A &lt;trial&gt;" in text


def test_the_sound_is_the_estimate(report, card, tmp_path):
    page = report.write(tmp_path / "page", card)
    place = page.parent / "class_distinct" / "0001" / "estimate1.wav"
    sound, rate_hz = soundfile.read(place)
    assert rate_hz == 8000
    np.testing.assert_allclose(sound, item_of(1).estimates[1, 0], atol=1 / 32768)


def test_replaces_a_page_but_nothing_else(report, card, tmp_path):
    folder = tmp_path / "page"
    report.write(folder, card)
    report.gallery.items.clear()
    report.write(folder, card)
    assert sorted(p.name for p in folder.iterdir()) == [".spatialjax", "index.html"]
    (folder / "thesis.tex").write_text("years")
    with pytest.raises(MediaError, match="other files"):
        report.write(folder, card)


def test_a_page_without_a_run_has_no_curves(report, card, tmp_path):
    bare = Report("bare", CLASSES, 8000, Gallery(0))
    text = bare.write(tmp_path / "page", card).read_text()
    assert "<svg" not in text
    assert "<audio" not in text


def test_sound_fields_have_views_and_fractions(tmp_path):
    field = np.random.default_rng(0).uniform(-0.3, 0.3, (4, 400)).astype(np.float32)
    item = FieldItem(
        index=0,
        true=field,
        estimate=0.5 * field,
        image=np.zeros((4, 8, 3), np.uint8),
        attention=np.ones((2, 4), np.float32),
        scores={"stft": 0.2, "mono_stft": 0.8, "direction_deg": 12.5},
    )
    values = {"stft": np.array([0.2, 0.4]), "mono_stft": np.array([0.8, 0.8])}
    nothing = np.zeros((2, 0), int)
    summaries = {
        "stft": summarise(
            values["stft"], nothing, (), 50, references=values["mono_stft"]
        ),
        "mono_stft": summarise(values["mono_stft"], nothing, (), 50),
    }
    names = ("a @ 1", "b @ 2")
    suite = SuiteScores("scene", "f" * 64, False, names, nothing, values, summaries)
    report = Report("fields", (), 8000, Gallery(1, {"scene": [item]}))
    page = report.write(tmp_path / "page", ScoreCard({"scene": suite}))
    text = page.read_text()
    links = Links(text).sources
    assert len(links) == 3 * 2 + 1
    assert all((page.parent / link).stat().st_size > 0 for link in links)
    assert "2 scenes" in text
    assert ">38 %<" in text  # 0.3 of 0.8
    assert "stft <b>0.200</b>, 25 % of mono_stft" in text
    assert text.count('class="true"') == 2
    assert text.count('class="estimate"') == 1
    assert "squared error of spectra" in text
