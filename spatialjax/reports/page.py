"""One page of an evaluation: figures, curves, and items to look at and listen to.

A folder that opens from disk with no network: ``index.html`` and beside it a folder of
sounds and pictures for each item.
"""

import json
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatialjax.data import Dataset, PairRule
from spatialjax.errors import UserError
from spatialjax.evaluation import ScoreCard, SuiteScores
from spatialjax.evaluation.definitions import REFERENCES, variant
from spatialjax.evaluation.summary import num_decimals
from spatialjax.media import (
    Place,
    as_place,
    check_replaceable,
    is_url,
    replaced_folder,
    write_file,
)
from spatialjax.reports import pictures
from spatialjax.reports.gallery import Gallery
from spatialjax.reports.shown_item import ItemFiles, ShownItem
from spatialjax.reports.template import template_environment

HEADLINE = ("sdr_improvement_db", "si_sdr_improvement_db")
"""Metrics whose per-class means the page shows."""

CURVES = {
    "loss": {"training": "loss", "validation": "validation/loss"},
    "improvement, dB": {
        "SDR": "validation/sdr_improvement_db",
        "SI-SDR": "validation/si_sdr_improvement_db",
    },
    "STFT distance": {"estimate": "validation/stft", "mono": "validation/mono_stft"},
    "error of direction, degrees": {"estimate": "validation/direction_deg"},
}
"""Curves over the steps, by axis and name: entries of ``metrics.jsonl``."""


def check_page(
    folder: str | os.PathLike[str], *beside: str | os.PathLike[str] | None
) -> None:
    """Refuse a folder that a page cannot take, before anything slow starts.

    Args:
      folder: of the page.
      beside: what else will be written; it must not lie in the folder.

    Raises:
      UserError: says why.
    """
    check_replaceable(folder)
    page = pathlib.Path(folder).expanduser().resolve()
    for place in beside:
        if place is None or is_url(place):
            continue
        if pathlib.Path(place).resolve().is_relative_to(page):
            raise UserError(
                f"{place} lies in the folder of the page, {folder}, which is replaced; "
                "name another place"
            )


@dataclass(frozen=True)
class Report:
    """What a page shows besides the scores.

    `metrics_file` is the ``metrics.jsonl`` of the run, for its curves.
    """

    title: str
    classes: Sequence[str]
    sample_rate_hz: int
    gallery: Gallery
    metrics_file: Place | None = None

    @classmethod
    def of_run(
        cls,
        name: str,
        dataset: Dataset,
        gallery: Gallery,
        workdir: str | os.PathLike[str] | None,
    ) -> "Report":
        """The report of a run that was scored on a dataset, or of no run."""
        metrics_file = as_place(workdir) / "metrics.jsonl" if workdir else None
        return cls(name, dataset.classes, dataset.sample_rate_hz, gallery, metrics_file)

    def write(self, folder: str | os.PathLike[str], card: ScoreCard) -> Place:
        """The page's file; the folder appears, or is replaced, as a whole.

        Raises:
          MediaError: the folder holds other files too, or cannot be written.
        """
        with replaced_folder(folder) as new:
            self._fill(new, card)
        return as_place(folder) / "index.html"

    def _fill(self, folder: pathlib.Path, card: ScoreCard) -> None:
        suites = [
            self._suite(folder, name, suite) for name, suite in card.suites.items()
        ]
        environment = template_environment()
        environment.filters |= {"number": _number_text, "percent": _percent_text}
        environment.globals |= {"variant": variant, "references": REFERENCES}
        text = environment.get_template("page.html.j2").render(
            title=self.title,
            label=card.label,
            versions=card.versions,
            suites=suites,
            headline=HEADLINE,
            curves=_curves(self.metrics_file),
        )
        write_file(folder / "index.html", text.encode())

    def _suite(
        self, folder: pathlib.Path, name: str, suite: SuiteScores
    ) -> dict[str, Any]:
        per_class = {
            metric: suite.summaries[metric].per_class
            for metric in HEADLINE
            if metric in suite.summaries
        }
        classes = sorted(set().union(*per_class.values()))
        items = self.gallery.items.get(name, [])
        return {
            "name": name,
            "is_control": suite.swap_images,
            "noun": "scenes" if suite.rule == PairRule.SCENE.value else "mixtures",
            "rule": suite.rule,
            "pair_hash": suite.pair_hash,
            "num_items": len(suite.item_ids),
            "metrics": suite.summaries,
            "has_fractions": any(s.fraction for s in suite.summaries.values()),
            "num_values": {m: v.size for m, v in suite.values.items()},
            "per_class": per_class,
            "classes": classes,
            "items": [self._item(folder, name, suite, item) for item in items],
        }

    def _item(
        self, folder: pathlib.Path, suite: str, scores: SuiteScores, item: ShownItem
    ) -> dict[str, Any]:
        """Writes the files of an item; what its template draws."""
        place = pathlib.PurePosixPath(suite, f"{item.index:04d}")
        (folder / place).mkdir(parents=True)
        files = ItemFiles(folder, place, self.sample_rate_hz)
        shown = item.show(files, self.classes)
        return {
            "id": scores.item_ids[item.index],
            "template": item.TEMPLATE,
            **shown,
        }


def _number_text(value: float) -> str:
    """A number for a reader, with a true minus sign."""
    if not np.isfinite(value):
        return "–"
    return f"{value:z.{num_decimals(value, 2)}f}".replace("-", "−")


def _percent_text(share: float) -> str:
    """A share for a reader."""
    return f"{100 * share:.0f} %" if np.isfinite(share) else "–"


def _curves(metrics_file: Place | None) -> list[str]:
    """What the run has told of `CURVES`, as SVG."""
    if metrics_file is None or not metrics_file.is_file():
        return []
    lines = [json.loads(line) for line in metrics_file.read_text().splitlines()]

    def series(name: str) -> tuple[list[float], list[float]]:
        found = [(line["step"], line[name]) for line in lines if name in line]
        return [step for step, _ in found], [value for _, value in found]

    drawn = []
    for ylabel, names in CURVES.items():
        curves = {label: series(name) for label, name in names.items()}
        curves = {label: curve for label, curve in curves.items() if curve[0]}
        if curves:
            drawn.append(pictures.curves_svg(curves, ylabel))
    return drawn
