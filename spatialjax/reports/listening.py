"""A page to click on a film and hear what sounds at that place.

One ``index.html`` that opens from disk with no network, in a folder that holds the film
and the sounds. Everything the page draws stands in it; films and sounds are its
neighbours, so that their length costs the page nothing.
"""

import base64
import math
import os
import pathlib
import urllib.parse
from dataclasses import dataclass
from typing import Any

import jinja2
import markupsafe
import numpy as np
import soundfile

from spatialjax.errors import MediaError
from spatialjax.inference.input_rate import RESIDUAL
from spatialjax.inference.scene import LEVEL_S, SILENT_DB, Levels, Scene, shown_range
from spatialjax.inference.separate import REMOVED
from spatialjax.media import write_file
from spatialjax.reports.outlines import outline_path
from spatialjax.reports.template import template_environment
from spatialjax.typing import HostArray

CURVE_DB = 48.0
"""Height of a level curve, down from the loudest level of the film."""

MOST_POINTS = 180
"""Of a level curve; longer ones show the loudest of what a point covers."""

MOST_OPEN = 40
"""Sources that are listed at once; a longer list is folded."""

NUM_HUES = 8
"""Colours of the style sheet that tell sources apart."""

EXTRAS = {"Residual": RESIDUAL, "Removed": REMOVED}
"""Files that a separation may leave beside the mixture, by what they are called."""


def write_listening_page(
    folder: pathlib.Path,
    scene: Scene,
    title: str,
    film_file: str = "film.mp4",
    mixture_file: str = "mixture.wav",
    energy_film_file: str | None = "energy.mp4",
) -> None:
    """Write ``index.html`` into the folder of a separated film.

    A click on the film plays the source whose places hold that point, the smallest
    where there are several, in step with the film; beside it stand all sources with
    their levels, and layers of energy, of colours of sounds and of outlines.

    Args:
      folder: holds the film, the mixture and the files of the scene; a file
        ``residual.wav`` and ``removed.wav`` are offered too, where they are there.
      scene: what was found.
      title: of the page.
      film_file: the film, upright, its time 0 that of the first sample.
      mixture_file: what all sources were separated from.
      energy_film_file: a film with its energy drawn on it; left out where it is None
        or not there.

    Raises:
      MediaError: a file of the mixture cannot be read, or the page not be written.
    """
    folder = pathlib.Path(folder)
    sounds = _sounds(folder, scene, mixture_file)
    if energy_film_file and not (folder / energy_film_file).is_file():
        energy_film_file = None
    environment = template_environment()
    text = environment.get_template("listening.html.j2").render(
        title=title,
        summary=_summary(scene),
        style=_raw(environment, "listening.css"),
        programs=[
            _raw(environment, name)
            for name in ("listening_layers.js", "listening_player.js", "listening.js")
        ],
        film=_link(film_file),
        energy_film=_link(energy_film_file) if energy_film_file else None,
        picture=scene.picture_size,
        grid=scene.colours.shape[:2],
        outlines=[outline_path(region.places) for region in scene.regions],
        whole=[sound for sound in sounds if sound.kind != "source"],
        sources=[sound for sound in sounds if sound.kind == "source"],
        is_folded=len(scene.regions) > MOST_OPEN,
        page_data=_page_data(scene, sounds),
    )
    # A name may hold halves of characters, which no file can.
    write_file(folder / "index.html", text.encode("utf-8", "replace"))


@dataclass(frozen=True)
class _Sound:
    """What can be heard: a source, the mixture, or what is left of it.

    Attributes:
      kind: ``source``, ``mixture`` or ``extra``.
      name: for the reader.
      file: link to it.
      hue: number of its colour, None for a neutral one.
      level: mean level, as text.
      curve: path of its level over time, 1000 wide and 100 high.
    """

    kind: str
    name: str
    file: str
    hue: int | None
    level: str
    curve: str


def _sounds(folder: pathlib.Path, scene: Scene, mixture_file: str) -> list[_Sound]:
    """The sources in their order, then the mixture and what else is there."""
    whole = [("mixture", "Mixture", mixture_file)]
    whole += [
        ("extra", name, file)
        for name, file in EXTRAS.items()
        if (folder / file).is_file()
    ]
    levels_db = list(scene.levels_db.T)
    levels_db += [_file_levels(folder / file) for *_, file in whole]
    top_db = max((float(found.max()) for found in levels_db if found.size), default=0.0)
    named = [
        ("source", region.name, file)
        for region, file in zip(scene.regions, scene.files, strict=True)
    ]
    named += whole
    hues = range(len(scene.regions) if len(scene.regions) <= MOST_OPEN else 0)
    return [
        _Sound(
            kind=kind,
            name=name,
            file=_link(file),
            hue=n % NUM_HUES if n in hues else None,
            level=_level_text(found),
            curve=_curve_path(found, top_db),
        )
        for n, ((kind, name, file), found) in enumerate(
            zip(named, levels_db, strict=True)
        )
    ]


def _file_levels(file: pathlib.Path) -> HostArray:
    """Levels ``[levels]`` of a sound file in dB, `LEVEL_S` each."""
    try:
        with soundfile.SoundFile(file) as sound:
            levels = Levels(1, sound.samplerate)
            for samples in sound.blocks(1 << 18, dtype="float32", always_2d=True):
                levels.add(samples.T[None])
            return levels.finish()[:, 0]
    except soundfile.LibsndfileError as error:
        raise MediaError(
            f"{file} cannot be read: {error.error_string.rstrip('.')}"
        ) from error


def _level_text(levels_db: HostArray) -> str:
    """Level of the mean power of all levels, with a true minus sign."""
    power = np.mean(10 ** (levels_db / 10)) if levels_db.size else 0.0
    level_db = 10 * math.log10(max(power, 10 ** (SILENT_DB / 10)))
    if level_db <= SILENT_DB + 0.05:
        return "silent"
    return f"{level_db:.1f} dB".replace("-", "−")


def _curve_path(levels_db: HostArray, top_db: float) -> str:
    """Levels over time as the outline of an area, empty where there are none."""
    if not levels_db.size:
        return ""
    num_points = min(len(levels_db), MOST_POINTS)
    edges = np.arange(num_points) * len(levels_db) // num_points
    loudest = np.maximum.reduceat(levels_db, edges)
    y = np.rint(100 * np.clip((top_db - loudest) / CURVE_DB, 0, 1)).astype(int)
    x = np.rint(1000 * (np.arange(num_points) + 0.5) / num_points).astype(int)
    points = "".join(f"L{a} {b}" for a, b in zip(x, y, strict=True))
    return f"M0 100L0 {y[0]}{points}L1000 {y[-1]}L1000 100Z"


def _summary(scene: Scene) -> str:
    """What the scene is, in one line."""
    num_sources = len(scene.regions)
    seconds = round(scene.duration_s)
    sources = "1 source" if num_sources == 1 else f"{num_sources} sources"
    channels = {1: "mono", 2: "stereo"}.get(
        scene.channels, f"{scene.channels} channels"
    )
    rate = f"{scene.sample_rate_hz / 1000:g} kHz"
    return f"{sources} · {seconds // 60}:{seconds % 60:02d} · {rate} · {channels}"


def _page_data(scene: Scene, sounds: list[_Sound]) -> dict[str, Any]:
    """What the programs of the page draw and play from."""
    return {
        "sounds": [
            {"kind": sound.kind, "name": sound.name, "file": sound.file}
            for sound in sounds
        ],
        "loudest": _loudest(scene),
        "duration_s": scene.duration_s,
        "level_s": LEVEL_S,
        "grid": scene.colours.shape[:2],
        "owners": _owners(scene).ravel().tolist(),
        "map_s": scene.map_s,
        "num_maps": len(scene.maps_db),
        "range": shown_range(scene.maps_db),
        "maps": _base64(scene.maps_db),
        "colours": _base64(scene.colours),
    }


def _loudest(scene: Scene) -> int | None:
    """The source of the highest mean power."""
    if not scene.levels_db.size:
        return 0 if scene.regions else None
    return int(np.mean(10 ** (scene.levels_db / 10), 0).argmax())


def _owners(scene: Scene) -> HostArray:
    """The source of each place ``[h', w']``, the smallest there; −1 for none."""
    owners = np.full(scene.colours.shape[:2], -1)
    largest_first = sorted(
        enumerate(scene.regions), key=lambda item: (-item[1].places.sum(), -item[0])
    )
    for n, region in largest_first:
        owners[region.places] = n
    return owners


def _link(file: str) -> str:
    """A file as a relative link; no letter of it has a meaning to a browser."""
    return urllib.parse.quote(os.fsencode(file))


def _base64(values: HostArray) -> str:
    return base64.b64encode(values.astype(np.uint8).tobytes()).decode("ascii")


def _raw(environment: jinja2.Environment, name: str) -> markupsafe.Markup:
    """The text of a file beside the templates, as it stands."""
    loader = environment.loader
    if loader is None:
        raise TypeError("the environment has no templates")
    return markupsafe.Markup(loader.get_source(environment, name)[0])
