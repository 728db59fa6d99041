"""One page of an evaluation: figures, curves, and items to look at and listen to.

A folder that opens from disk with no network: ``index.html`` and beside it a folder of
sounds and pictures for each item.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatialjax.data import Dataset
from spatialjax.evaluation import ScoreCard, SuiteScores
from spatialjax.media import float_to_int16, replaced_folder, write_file, write_wav
from spatialjax.reports import pictures
from spatialjax.reports.gallery import Gallery, ShownItem
from spatialjax.reports.template import template_environment

HEADLINE = ("sdr_improvement_db", "si_sdr_improvement_db")
"""Metrics whose per-class means the page shows."""


@dataclass(frozen=True)
class Report:
    """What a page shows besides the scores.

    `metrics_file` is the ``metrics.jsonl`` of the run, for its curves.
    """

    title: str
    classes: Sequence[str]
    sample_rate_hz: int
    gallery: Gallery
    metrics_file: pathlib.Path | None = None

    @classmethod
    def of_run(
        cls,
        name: str,
        dataset: Dataset,
        gallery: Gallery,
        workdir: pathlib.Path | str,
    ) -> "Report":
        """The report of a run that was scored on a dataset."""
        metrics_file = pathlib.Path(workdir) / "metrics.jsonl"
        return cls(name, dataset.classes, dataset.sample_rate_hz, gallery, metrics_file)

    def write(self, folder: pathlib.Path | str, card: ScoreCard) -> pathlib.Path:
        """The page's file; the folder appears, or is replaced, as a whole.

        Raises:
          MediaError: the folder holds other files too, or cannot be written.
        """
        with replaced_folder(folder) as new:
            self._fill(new, card)
        return pathlib.Path(folder) / "index.html"

    def _fill(self, folder: pathlib.Path, card: ScoreCard) -> None:
        suites = [
            self._suite(folder, name, suite) for name, suite in card.suites.items()
        ]
        environment = template_environment()
        environment.filters["db"] = _number_text
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
            "rule": suite.rule,
            "pair_hash": suite.pair_hash,
            "num_items": len(suite.item_ids),
            "metrics": suite.summaries,
            "num_values": {m: v.size for m, v in suite.values.items()},
            "per_class": per_class,
            "classes": classes,
            "items": [self._item(folder, name, suite, item) for item in items],
        }

    def _item(
        self, folder: pathlib.Path, suite: str, scores: SuiteScores, item: ShownItem
    ) -> dict[str, Any]:
        """Writes the files of an item; their names, relative to the page."""
        place = pathlib.Path(suite) / f"{item.index:04d}"
        (folder / place).mkdir(parents=True)

        def sound(name: str, signal: np.ndarray) -> str:
            pcm = float_to_int16(signal)
            write_wav(folder / place / name, pcm, self.sample_rate_hz)
            return str(place / name)

        def picture(name: str, content: bytes) -> str:
            write_file(folder / place / name, content)
            return str(place / name)

        loudest = float(item.magnitude.max())
        sources = []
        for n, class_id in enumerate(item.class_ids):
            masked = item.magnitude * item.mask[n]
            truth = item.magnitude * item.target_mask[n]
            sources.append(
                {
                    "class": self.classes[class_id] if class_id >= 0 else "unknown",
                    "scores": {
                        metric: float(values[n])
                        for metric, values in item.scores.items()
                        if metric in (*HEADLINE, "sdr_db", "si_sdr_db")
                    },
                    "images": [
                        picture(f"image{n}-{v}.png", pictures.image_png(image))
                        for v, image in enumerate(item.images[n])
                    ],
                    "estimate": sound(f"estimate{n}.wav", item.estimates[n]),
                    "truth": sound(f"truth{n}.wav", item.sources[n]),
                    "mask": picture(f"mask{n}.png", pictures.mask_png(item.mask[n])),
                    "target_mask": picture(
                        f"target{n}.png", pictures.mask_png(item.target_mask[n])
                    ),
                    "estimate_spectrogram": picture(
                        f"estimate{n}.png", pictures.spectrogram_png(masked, loudest)
                    ),
                    "truth_spectrogram": picture(
                        f"truth{n}.png", pictures.spectrogram_png(truth, loudest)
                    ),
                }
            )
        return {
            "id": scores.item_ids[item.index],
            "mixture": sound("mixture.wav", item.mixture),
            "spectrogram": picture(
                "mixture.png", pictures.spectrogram_png(item.magnitude, loudest)
            ),
            "weight": picture("weight.png", pictures.weight_png(item.loss_weight)),
            "sources": sources,
        }


def _number_text(value: float) -> str:
    """A number of dB for a reader, with a true minus sign."""
    return "–" if not np.isfinite(value) else f"{value:.2f}".replace("-", "−")


def _curves(metrics_file: pathlib.Path | None) -> list[str]:
    """Loss and validated improvement over the steps, as SVG."""
    if metrics_file is None or not metrics_file.is_file():
        return []
    lines = [json.loads(line) for line in metrics_file.read_text().splitlines()]

    def series(name: str) -> tuple[list[float], list[float]]:
        found = [(line["step"], line[name]) for line in lines if name in line]
        return [step for step, _ in found], [value for _, value in found]

    wanted: list[tuple[str, Mapping[str, str]]] = [
        ("loss", {"training": "loss", "validation": "validation/loss"}),
        (
            "improvement, dB",
            {
                "SDR": "validation/sdr_improvement_db",
                "SI-SDR": "validation/si_sdr_improvement_db",
            },
        ),
    ]
    drawn = []
    for ylabel, names in wanted:
        curves = {label: series(name) for label, name in names.items()}
        curves = {label: curve for label, curve in curves.items() if curve[0]}
        if curves:
            drawn.append(pictures.curves_svg(curves, ylabel))
    return drawn
