"""Scores of sound fields by several systems, as shares of mono, and who beats whom."""

import json
import pathlib
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spatialjax.evaluation import ScoreCard, SuiteScores
from spatialjax.evaluation.compare import compare
from spatialjax.reports.gallery import Gallery
from spatialjax.reports.page import Report
from spatialjax.training import Baseline, WorkdirEvaluation, open_evaluation

SHARES = {"STFT": "stft", "ENV": "env", "EMD": "emd"}
"""What is told as a share of what mono has."""

RIVAL_METRICS = ("stft", "emd", "direction_deg")
"""What one system is to be better at than another; ENV is blind to signs."""


SYSTEMS = {
    "model": "ours: sound looks for its place",
    "swapped": "  pictures of other clips",
    "published": "the published network, narrow",
    "audio_only": "a U-Net that hears only",
    "spatial_prior": "constant gains of the data",
    "loudness_prior": "  of its loudness, for ENV",
    "mono": "mono",
}
"""What the systems of `score_systems` are called in a table."""

MOST_ITEMS = 192
"""Scenes of a split that are scored."""

MOST_SHOWN = 6
"""Scenes on a page."""


@dataclass
class FieldSummary:
    """Figures of each run, by the name of the run, the system and the split."""

    runs: dict[str, dict[str, dict[str, dict[str, float]]]] = field(
        default_factory=dict
    )

    def add(self, run: str, system: str, split: str, card: ScoreCard) -> None:
        """Takes over the scores of the first suite of a card."""
        suite = next(iter(card.suites.values()))
        of_system = self.runs.setdefault(run, {}).setdefault(system, {})
        of_system[split] = _figures(suite)

    def to_json(self) -> str:
        """The figures as JSON."""
        return json.dumps(self.runs, indent=2) + "\n"

    def table(self, splits: Mapping[str, str]) -> str:
        """A line for each system that was scored, below the words of each split.

        Where there are several runs: the mean ± the deviation of a sample.
        """
        scored = {system for run in self.runs.values() for system in run}
        systems = {name: words for name, words in SYSTEMS.items() if name in scored}
        width = max(map(len, systems.values())) + 2
        heads = [*SHARES, "median", "<20°"]
        lines = []
        for split, words in splits.items():
            lines.append(f"{words:{width}}" + "".join(f"{name:>15}" for name in heads))
            for system, name in systems.items():
                cells = (self._cell(system, split, head) for head in heads)
                lines.append(f"{name:{width}}" + "".join(f"{c:>15}" for c in cells))
            lines.append("")
        return "\n".join(lines).rstrip()

    def _cell(self, system: str, split: str, head: str) -> str:
        found = [
            run[system][split][head]
            for run in self.runs.values()
            if split in run.get(system, {})
        ]
        if not found:
            return "–"
        digits = 1 if head == "median" else 3
        spread = f" ± {statistics.stdev(found):.{digits}f}" if len(found) > 1 else ""
        return f"{statistics.mean(found):.{digits}f}{spread}"


def _figures(suite: SuiteScores) -> dict[str, float]:
    shares = {
        name: float(found.fraction.mean)
        for name, metric in SHARES.items()
        if (found := suite.summaries.get(metric)) is not None and found.fraction
    }
    return shares | {
        "median": float(np.nanmedian(suite.values["direction_deg"])),
        "<20°": float(suite.means["within_20_deg"]),
    }


def wins(model: ScoreCard, rival: ScoreCard) -> dict[str, bool]:
    """Of each of `RIVAL_METRICS`, whether the model is better beyond chance.

    It is where the 95 % interval of the rival's score less the model's lies above 0.
    """
    (differences,) = compare(model, rival).values()
    return {
        name: differences[name].difference.low > 0
        for name in RIVAL_METRICS
        if name in differences
    }


def score_systems(
    workdir: pathlib.Path,
    rivals: Mapping[str, pathlib.Path],
    split: str,
    page: pathlib.Path,
) -> dict[str, ScoreCard]:
    """Scores of a model and of its rivals on the same scenes of a split.

    Args:
      workdir: of the model.
      rivals: workdirs of other models, by name.
      split: of the dataset.
      page: folder that gets the model's page.

    Returns:
      By name: ``model``, ``swapped`` (shown the pictures of other clips), the rivals,
      and each `Baseline`.

    Raises:
      UserError: a workdir or the split is not there.
    """

    def opened(place: pathlib.Path, suite: str = "scene") -> WorkdirEvaluation:
        return open_evaluation(place, split=split, suites=[suite], max_items=MOST_ITEMS)

    model, gallery = opened(workdir), Gallery(MOST_SHOWN)
    card = model.run(gallery)
    name = model.trained.experiment.name
    Report.of_run(name, model.dataset, gallery, workdir).write(page, card)
    return (
        {"model": card, "swapped": opened(workdir, "scene_swapped").run()}
        | {name: opened(place).run() for name, place in rivals.items()}
        | {baseline.value: model.with_baseline(baseline).run() for baseline in Baseline}
    )
