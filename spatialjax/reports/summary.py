"""Improvements of the runs of an experiment: their mean and their spread."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from spatialjax.evaluation import ScoreCard

METRICS = {"SDR": "sdr_improvement_db", "SI-SDR": "si_sdr_improvement_db"}
"""What a summary tells: improvements over the mixture, dB."""


@dataclass
class Summary:
    """Means of each run, by the name of the run, the suite and the metric."""

    runs: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)

    def add(self, run: str, card: ScoreCard, ideal: ScoreCard) -> None:
        """Takes over a run's scores, and its first suite as ideal masks score it."""
        suites = dict(card.suites) | {"ideal": next(iter(ideal.suites.values()))}
        self.runs[run] = {
            name: {metric: suite.means[metric] for metric in METRICS.values()}
            for name, suite in suites.items()
        }

    def to_json(self) -> str:
        """The means as JSON."""
        return json.dumps(self.runs, indent=2) + "\n"

    def table(self, suites: Mapping[str, str]) -> str:
        """A line for each of the named suites: its words, then mean ± deviation.

        The deviation is that of a sample, over the runs, where there are several.
        """
        width = max(map(len, suites.values())) + 2
        heads = "".join(f"{name:>16}" for name in METRICS)
        lines = [f"{'improvement, dB':{width}}{heads}"]
        for suite, words in suites.items():
            cells = (self._cell(suite, metric) for metric in METRICS.values())
            lines.append(f"{words:{width}}" + "".join(f"{c:>16}" for c in cells))
        return "\n".join(lines)

    def _cell(self, suite: str, metric: str) -> str:
        values = [means[suite][metric] for means in self.runs.values()]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        return f"{statistics.mean(values):.2f}{spread}"
