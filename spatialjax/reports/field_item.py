"""A sound field on a page: where it sounds from, in truth and as estimated.

Both are drawn as energy over the picture and are heard by the ears of a head that looks
to the front; the mono signal is heard by the same ears.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics import (
    covariance,
    direction_to_angles,
    energy_map,
    equirect_grid,
    intensity_direction,
    order_of,
    plane_wave_decoder,
    render_binaural,
    spherical_head_filters,
)
from spatialjax.evaluation.definitions import REFERENCES
from spatialjax.reports import pictures
from spatialjax.reports.shown_item import ItemFiles
from spatialjax.tasks.base import Scores
from spatialjax.tasks.field_scores import WANTED
from spatialjax.typing import Batch, HostArray, PyTree

MAP_SIZE = (60, 120)
"""Rows and columns of an energy map, 3 degrees apart."""

VIEWS = {
    "mono": ("picture · mono",),
    "true": ("true energy, ○ its direction · binaural", "true"),
    "estimate": (
        "estimated energy, × direction · binaural",
        *("true", "estimate"),
    ),
}
"""What is seen and heard side by side: its caption, and whose direction is marked."""

SHOWN = ("direction_deg", "stft", "env", "emd", "map_correlation")
"""Scores that stand beside an item."""


@dataclass(frozen=True)
class FieldItem:
    """One sound field with what was seen; NumPy, float32.

    `true` and `estimate` ``[c, t]`` have the same W in front, and 0 where a channel was
    not recorded. `image` ``[h, w, 3]`` uint8 is that of the middle, `attention`
    ``[h', w']`` how much of the sound is placed where; None where there is none.
    `scores` by metric are NaN where they do not count.
    """

    index: int
    true: HostArray
    estimate: HostArray
    image: HostArray | None
    attention: HostArray | None
    scores: dict[str, float]

    TEMPLATE: ClassVar[str] = "field_item.html.j2"
    OUTPUTS: ClassVar[tuple[str, ...]] = WANTED

    @classmethod
    def of_row(
        cls, row: int, outputs: PyTree, batch: Batch, scores: Mapping[str, Scores]
    ) -> Self:
        """The item in a row of a batch."""
        mono, *above, mask = (
            np.array(outputs[name][row], np.float32) for name in cls.OUTPUTS
        )
        estimate, true = (
            np.concatenate([mono[None], mask[:, None] * channels]) for channels in above
        )
        return cls(
            index=int(batch["example_id"][row]),
            true=true,
            estimate=estimate,
            image=_middle(batch["images"][row, 0]) if "images" in batch else None,
            attention=(
                np.array(outputs["attention"][row], np.float32)
                if "attention" in outputs
                else None
            ),
            scores={
                name: float(score.value[row]) if score.weight[row] > 0 else math.nan
                for name, score in scores.items()
                if np.ndim(score.value) == 1
            },
        )

    def show(self, files: ItemFiles, classes: Sequence[str]) -> dict[str, Any]:
        """The picture with the mono signal, then the true field and the estimated."""
        del classes
        mono = np.concatenate([self.true[:1], np.zeros_like(self.true[1:])])
        ears = _heard(np.stack([mono, self.true, self.estimate]), files.sample_rate_hz)
        energy = _energy(np.stack([self.true, self.estimate]))
        shares = energy / max(float(energy.max()), pictures.SILENCE)
        marks = self._marks()
        views = [
            {
                "caption": caption,
                "picture": self._picture(files, name, level),
                "sound": files.sound(f"{name}.wav", sound),
                "marks": {kind: marks[kind] for kind in kinds if kind in marks},
            }
            for (name, (caption, *kinds)), level, sound in zip(
                VIEWS.items(), (None, *shares), ears, strict=True
            )
        ]
        scores = {name: self.scores[name] for name in SHOWN if name in self.scores}
        return {
            "views": views,
            "attention": self._attention(files),
            "scores": scores,
            "shares": {
                name: self._share(name) for name in REFERENCES if name in scores
            },
        }

    def _attention(self, files: ItemFiles) -> dict[str, Any] | None:
        """Where the sound is placed, for the area, and how much of it is."""
        if self.attention is None:
            return None
        size = self.attention.shape
        density = self.attention / equirect_grid(*size).weight.reshape(size)
        level = density / max(float(density.max()), pictures.SILENCE)
        return {
            "share": float(self.attention.sum()),
            "picture": self._picture(files, "attention", level),
        }

    def _marks(self) -> dict[str, tuple[float, float]]:
        """Directions in degrees from the left and the top of the picture, if any."""
        marks = {}
        for name, field in (("true", self.true), ("estimate", self.estimate)):
            direction = np.asarray(intensity_direction(jnp.asarray(field)), np.float64)
            if direction.any():
                azimuth_deg, elevation_deg = np.degrees(direction_to_angles(direction))
                marks[name] = float(180 - azimuth_deg), float(90 - elevation_deg)
        if math.isnan(self.scores.get("direction_deg", 0.0)):
            marks.pop("true", None)  # it counts as diffuse, or as silent
        return marks

    def _picture(self, files: ItemFiles, name: str, level: HostArray | None) -> str:
        return files.picture(f"{name}.png", pictures.sphere_png(self.image, level))

    def _share(self, metric: str) -> float:
        """A score over that of doing nothing; NaN where that is 0."""
        reference = self.scores[REFERENCES[metric]]
        return self.scores[metric] / reference if reference > 0 else math.nan


def _middle(pictures_of_item: Any) -> HostArray:
    """The middle one of pictures ``[v, ...]``."""
    return np.array(pictures_of_item[len(pictures_of_item) // 2])


def _heard(fields: HostArray, sample_rate_hz: int) -> HostArray:
    """Both ears ``[n, 2, t]`` of fields ``[n, c, t]``, turned down together if loud."""
    filters = spherical_head_filters(sample_rate_hz, order_of(fields.shape[1]))
    ears = np.asarray(render_binaural(jnp.asarray(fields), filters))
    return ears / max(float(np.abs(ears).max()), 1.0)


def _energy(fields: HostArray) -> HostArray:
    """Energy maps ``[n, h, w]`` of fields ``[n, c, t]``."""
    grid = equirect_grid(*MAP_SIZE)
    decoder = plane_wave_decoder(grid.direction, order_of(fields.shape[1]))
    energy = energy_map(covariance(jnp.asarray(fields)), decoder)
    return np.asarray(energy).reshape(len(fields), *MAP_SIZE)
