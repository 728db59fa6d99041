"""A mixture on a page, with its sources as they are, as estimated, and as masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from spatialjax.reports import pictures
from spatialjax.reports.shown_item import ItemFiles
from spatialjax.tasks.base import Scores
from spatialjax.typing import Batch, HostArray, PyTree

SHOWN = ("sdr_improvement_db", "si_sdr_improvement_db", "sdr_db", "si_sdr_db")
"""Scores that stand beside a source."""


@dataclass(frozen=True)
class SeparatedItem:
    """One mixture with what was seen, heard, estimated and true; NumPy, float32.

    `images` ``[n, v, h, w, 3]`` uint8; `mixture` ``[c, t]``, `sources`, `estimates`
    ``[n, c, t]`` in [-1, 1]; `magnitude`, `loss_weight` ``[f, k]``, `mask`,
    `target_mask` ``[n, f, k]``; `class_ids` ``[n]``; `scores` by metric, ``[n]``.
    """

    index: int
    images: HostArray
    mixture: HostArray
    sources: HostArray
    estimates: HostArray
    magnitude: HostArray
    loss_weight: HostArray
    mask: HostArray
    target_mask: HostArray
    class_ids: HostArray
    scores: dict[str, HostArray]

    TEMPLATE: ClassVar[str] = "separated_item.html.j2"
    OUTPUTS: ClassVar[tuple[str, ...]] = (
        "mixture",
        "sources",
        "estimates",
        "magnitude",
        "loss_weight",
        "mask",
        "target_mask",
    )

    @classmethod
    def of_row(
        cls, row: int, outputs: PyTree, batch: Batch, scores: Mapping[str, Scores]
    ) -> Self:
        """The item in a row of a batch."""
        per_source = {
            name: np.where(score.weight[row] > 0, score.value[row], np.nan)
            for name, score in scores.items()
            if np.ndim(score.value) == 2
        }
        return cls(
            index=int(batch["example_id"][row]),
            images=np.array(batch["images"][row]),
            class_ids=np.array(batch["class_id"][row]),
            scores=per_source,
            **{name: np.array(outputs[name][row], np.float32) for name in cls.OUTPUTS},
        )

    def show(self, files: ItemFiles, classes: Sequence[str]) -> dict[str, Any]:
        """The mixture and its sources."""
        loudest = float(self.magnitude.max())
        mixture = pictures.spectrogram_png(self.magnitude, loudest)
        weight = pictures.weight_png(self.loss_weight)
        return {
            "mixture": files.sound("mixture.wav", self.mixture),
            "spectrogram": files.picture("mixture.png", mixture),
            "weight": files.picture("weight.png", weight),
            "sources": [
                self._source(files, classes, n, loudest)
                for n in range(len(self.class_ids))
            ],
        }

    def _source(
        self, files: ItemFiles, classes: Sequence[str], n: int, loudest: float
    ) -> dict[str, Any]:
        mask, target_mask = self.mask[n], self.target_mask[n]
        class_id = self.class_ids[n]
        drawn = {
            "mask": (f"mask{n}.png", pictures.mask_png(mask)),
            "target_mask": (f"target{n}.png", pictures.mask_png(target_mask)),
            "estimate_spectrogram": (
                f"estimate{n}.png",
                pictures.spectrogram_png(self.magnitude * mask, loudest),
            ),
            "truth_spectrogram": (
                f"truth{n}.png",
                pictures.spectrogram_png(self.magnitude * target_mask, loudest),
            ),
        }
        return {
            "class": classes[class_id] if class_id >= 0 else "unknown",
            "scores": {
                metric: float(values[n])
                for metric, values in self.scores.items()
                if metric in SHOWN
            },
            "images": [
                files.picture(f"image{n}-{v}.png", pictures.image_png(image))
                for v, image in enumerate(self.images[n])
            ],
            "estimate": files.sound(f"estimate{n}.wav", self.estimates[n]),
            "truth": files.sound(f"truth{n}.wav", self.sources[n]),
            **{key: files.picture(*picture) for key, picture in drawn.items()},
        }
