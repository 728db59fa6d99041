"""What a separation found: where, when and how loud each source is."""

import json
from dataclasses import dataclass

import numpy as np

from spatialjax.inference.regions import Region
from spatialjax.typing import HostArray

SILENT_DB = -120.0
"""What stands for silence; no level is lower."""

LEVEL_S = 0.25
"""Time of one level."""

SHOWN_DB = (3.0, 30.0)
"""Least and greatest range of the energies that a picture shows."""

FORMAT = 1


@dataclass(frozen=True)
class Scene:
    """The sources of a film.

    Attributes:
      sample_rate_hz: of the written sounds.
      channels: of each of them.
      duration_s: of each of them.
      start_s: time of the first sample on the clock of the film's file.
      picture_size: (h, w) of the film's pictures.
      regions: of the sources, in order.
      files: the sound of each source, relative to the folder.
      levels_db: ``[levels, n]`` of the sources, `LEVEL_S` each, full scale 0.
      map_s: time of one energy map.
      maps_db: uint8 ``[maps, h', w']``; 0 is `SILENT_DB` and 255 is full scale.
      colours: uint8 ``[h', w', 3]``, alike where places sound alike.
    """

    sample_rate_hz: int
    channels: int
    duration_s: float
    start_s: float
    picture_size: tuple[int, int]
    regions: tuple[Region, ...]
    files: tuple[str, ...]
    levels_db: HostArray
    map_s: float
    maps_db: HostArray
    colours: HostArray

    def to_json(self) -> str:
        """The scene without its maps and colours; a source is a line."""
        head = json.dumps(
            {
                "format": FORMAT,
                "sample_rate_hz": self.sample_rate_hz,
                "channels": self.channels,
                "duration_s": self.duration_s,
                "start_s": self.start_s,
                "picture": {
                    "height": self.picture_size[0],
                    "width": self.picture_size[1],
                },
                "level_s": LEVEL_S,
            },
            indent=1,
        )
        sources = ",\n  ".join(
            json.dumps(
                {
                    "name": region.name,
                    "file": file,
                    **_where(region.places),
                    "level_db": _mean_db(self.levels_db[:, n]),
                    "levels_db": np.round(self.levels_db[:, n], 1).tolist(),
                },
                separators=(",", ":"),
            )
            for n, (region, file) in enumerate(
                zip(self.regions, self.files, strict=True)
            )
        )
        head = head.removesuffix("\n}")
        return f'{head},\n "sources": [\n  {sources}\n ]\n}}'


def _where(places: HostArray) -> dict[str, list[float]]:
    """Middle and box of places, as fractions of the picture from the upper left."""
    rows, columns = (
        np.stack([found, found + 1], -1) / size
        for found, size in zip(np.nonzero(places), places.shape, strict=True)
    )
    box = [columns.min(), rows.min(), columns.max(), rows.max()]
    return {
        "centre": [round(float(v.mean()), 4) for v in (columns, rows)],
        "box": [round(float(v), 4) for v in box],
    }


def _mean_db(levels_db: HostArray) -> float:
    """The level of the mean power."""
    if not len(levels_db):
        return SILENT_DB
    power = np.mean(10 ** (levels_db / 10))
    return round(max(10 * float(np.log10(power)), SILENT_DB), 1)


def maps_to_db(energy: HostArray, n_fft: int) -> HostArray:
    """Energies of places ``[maps, h', w']`` as levels in a byte each.

    Full scale is the energy of a sine of amplitude 1: magnitudes n_fft / 4 in its bin
    and n_fft / 8 in the two beside it (a Hann window).
    """
    full = 1.5 * (n_fft / 4) ** 2
    level_db = 10 * np.log10(np.maximum(energy / full, 10 ** (SILENT_DB / 10)))
    share = np.clip(1 - level_db / SILENT_DB, 0, 1)
    return np.rint(255 * share).astype(np.uint8)


def shown_range(maps_db: HostArray) -> tuple[float, float]:
    """The bytes of energy maps to show as nothing and as full.

    The upper one is that of the loudest places but a thousandth of those that sound.
    The lower one is that of half of those, so that a picture shows where it is louder
    than elsewhere; it lies within `SHOWN_DB` of the upper one.
    """
    counts = np.bincount(maps_db.ravel(), minlength=256)
    counts[0] = 0
    share_above = counts[::-1].cumsum()[::-1] / max(counts.sum(), 1)
    top = float(np.flatnonzero(share_above > 0.001).max(initial=0))
    middle = float(np.flatnonzero(share_above > 0.5).max(initial=0))
    least, most = (255 * span_db / -SILENT_DB for span_db in SHOWN_DB)
    top = max(top, most)
    return min(max(middle, top - most), top - least), top


class Levels:
    """Levels of sources whose samples ``[n, c, t]`` come piece by piece."""

    def __init__(self, num_sources: int, sample_rate_hz: int) -> None:
        self._length = round(LEVEL_S * sample_rate_hz)
        self._rest = np.zeros((num_sources, 0))
        self._found: list[HostArray] = [np.zeros((0, num_sources))]

    def add(self, samples: HostArray) -> None:
        """Takes the next samples."""
        power = np.square(samples, dtype=np.float64).mean(1)
        self._rest = np.concatenate([self._rest, power], 1)
        whole = self._rest.shape[1] // self._length * self._length
        if whole:
            self._keep(self._rest[:, :whole])
            self._rest = self._rest[:, whole:]

    def finish(self) -> HostArray:
        """Levels ``[levels, n]`` in dB; the last one may be of fewer samples."""
        if self._rest.shape[1]:
            self._found.append(_to_db(self._rest.mean(1)[None]))
        return np.concatenate(self._found)

    def _keep(self, power: HostArray) -> None:
        blocks = power.reshape(len(power), -1, self._length).mean(-1)
        self._found.append(_to_db(blocks.T))


def _to_db(power: HostArray) -> HostArray:
    return 10 * np.log10(np.maximum(power, 10 ** (SILENT_DB / 10)))
