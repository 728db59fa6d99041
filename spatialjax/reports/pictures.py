"""Pictures of bins, of the sphere and of training curves, as the bytes of a file."""

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from spatialjax.typing import HostArray

FLOOR_DB = -70.0
"""What is darkest in a spectrogram, below its reference."""

SILENCE = 1e-12
"""Least reference that a spectrogram is measured against."""

SIDE = 256
"""Largest height and least width of a picture of bins, pixels."""

SPHERE_SIZE = (240, 480)
"""Height and width of a picture of the whole sphere, pixels."""

DIMMED = 0.35
"""Brightness of a picture below its energy."""


_SMOOTH = Image.Resampling.BICUBIC


def spectrogram_png(magnitude: HostArray, reference: float) -> bytes:
    """A spectrogram ``[f, k]`` in dB below a reference magnitude, low notes below."""
    relative = magnitude / max(reference, SILENCE)
    level_db = 20 * np.log10(np.maximum(relative, 10 ** (FLOOR_DB / 20)))
    return _bins_png(1 - level_db / FLOOR_DB, "magma")


def mask_png(mask: HostArray) -> bytes:
    """A mask ``[f, k]``, black for 0 and white for 1 and more, low notes below."""
    return _bins_png(np.clip(mask, 0, 1), "gray")


def weight_png(weight: HostArray) -> bytes:
    """Weights ``[f, k]`` from 0 to their maximum, low notes below."""
    return _bins_png(weight / max(float(weight.max()), SILENCE), "viridis")


def image_png(image: HostArray) -> bytes:
    """A picture ``[h, w, 3]`` uint8."""
    return _png(Image.fromarray(image))


def sphere_png(image: HostArray | None, level: HostArray | None = None) -> bytes:
    """A picture of the whole sphere, or dimmed, with levels in colours on top.

    Args:
      image: ``[h, w, 3]`` uint8; None is black.
      level: ``[h', w']`` in [0, 1]; 0 shows the picture alone, 1 the colour alone.
    """
    height, width = SPHERE_SIZE
    ground = np.zeros((height, width, 3), np.uint8)
    if image is not None:
        resized = Image.fromarray(image).resize((width, height), _SMOOTH)
        ground = np.asarray(resized)
    if level is None:
        return image_png(ground)
    grey = ground.mean(-1, keepdims=True)
    large = Image.fromarray(np.asarray(level, np.float32)).resize(
        (width, height), _SMOOTH
    )
    share = np.clip(np.asarray(large), 0, 1)
    colours = 255 * matplotlib.colormaps["inferno"](share)[..., :3]
    dimmed = DIMMED * (ground + grey) / 2
    mixed = dimmed + (colours - dimmed) * share[..., None]
    return image_png(np.rint(mixed).astype(np.uint8))


def curves_svg(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    ylabel: str,
    xlabel: str = "step",
    xscale: str = "linear",
) -> str:
    """Lines over the training steps, or over what `xlabel` says, by name: (x, y)."""
    figure = Figure(figsize=(5.2, 2.6), layout="constrained")
    axes = figure.add_subplot()
    for name, (steps, values) in curves.items():
        marker = "o" if len(steps) == 1 else None  # a line of one point is none
        axes.plot(steps, values, label=name, linewidth=1.6, marker=marker)
    axes.set_xscale(xscale)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False)
    written = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "spatialjax"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()[written.getvalue().index("<svg") :]


def _bins_png(level: HostArray, colours: str) -> bytes:
    """Levels ``[f, k]`` in [0, 1] as colours, bins brought to about `SIDE` pixels."""
    rgb = matplotlib.colormaps[colours](level[::-1], bytes=True)[..., :3]
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    height = min(picture.height, SIDE)
    repeats = -(-SIDE // picture.width)
    size = (picture.width * repeats, height)
    return _png(picture.resize(size, Image.Resampling.BOX))


def _png(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()
