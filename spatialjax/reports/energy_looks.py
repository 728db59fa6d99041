"""How the energy of a sound field looks on pictures of the sphere: maps and colours.

A look makes maps, one after another, from chunks of a field, and draws such a map upon
a picture.
"""

import functools
import math
from collections.abc import Iterable, Iterator

import jax
import matplotlib
import numpy as np
from PIL import Image

from spatialjax.ambisonics import (
    DecoderKind,
    DecoderScale,
    angles_to_direction,
    covariance,
    energy_map,
    equirect_grid,
    plane_wave_decoder,
    smooth_covariance,
)
from spatialjax.media import rechunk
from spatialjax.reports.energy_legend import put_legend
from spatialjax.typing import Array, HostArray

LEAST_LOUDEST = 1e-10
"""Mean square of the quietest film that reaches 0 dB."""


class PublishedLook:
    """The overlay of Morgado et al. (NeurIPS 2018), of the first order of a field.

    RMS of 0.5 s in the directions of a grid of 5 degrees, both poles included, by a
    decoder without gains; each map x becomes (x - min) / (max - min + 0.005) and r =
    max(0, 2 x - 0.7), the colour that of `YlOrRd` at r, the opacity 0.6 r. So quiet
    moments look like loud ones.

    In the published code the grid lies half a cell beside its directions, here upon
    them; and nothing is decimated here.
    """

    SIZE = (37, 72)
    BOX = (-0.5, 0.5, 71.5, 36.5)
    """From azimuth 180 to -180 degrees, and from pole to pole, at centres of cells."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._hop = max(1, round(0.5 * sample_rate_hz))
        self.map_s = self._hop / sample_rate_hz
        elevation_deg = np.arange(90.0, -91.0, -5.0)[:, None]
        azimuth_deg = np.arange(175.0, -181.0, -5.0)
        direction = angles_to_direction(
            np.radians(azimuth_deg), np.radians(elevation_deg)
        )
        self._decoder = plane_wave_decoder(
            direction.reshape(-1, 3), 1, DecoderKind.LEGACY, DecoderScale.NONE
        )
        self._colours = _colours("YlOrRd")

    def maps(self, chunks: Iterable[HostArray]) -> Iterator[HostArray]:
        """Normalised maps ``[37, 72]``, the first of the time from 0 to `map_s`."""
        for frames in _frames((chunk[:4] for chunk in chunks), self._hop, 4):
            energy = np.asarray(_energy(frames, self._decoder), np.float64)
            rms = np.sqrt(energy.reshape(-1, *self.SIZE))
            low, high = (f(rms, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
            yield from (rms - low) / (high - low + 0.005)

    def draw(self, picture: Image.Image, energy: HostArray) -> Image.Image:
        """A picture with a map over it."""
        shown = np.maximum(0, 2 * energy - 0.7)
        colour = self._colours[np.minimum(255 * shown, 255).astype(int)]
        return _lay_over(picture, colour, 0.6 * shown, self.BOX)


class UniformLook:
    """Energy by beams of the full order, in decibels relative to the loudest.

    The beams are max-rE; the covariance of the field is smoothed exponentially. The
    colour tells the level, evenly to the eye, down to `RANGE_DB` below `loudest`; the
    opacity rises with it, and falls to 0 at `BEAM_DB` below the top of the moment, so
    that directions stand out and silence leaves the picture plain.

    Args:
      sample_rate_hz: of the field.
      order: of the field.
      time_constant_s: of the smoothing.
      loudest: mean square that has 0 dB.
    """

    RANGE_DB = 20.0
    BEAM_DB = 10.0
    OPACITY = 0.75
    COLOURS = "plasma"

    SIZE = (45, 90)
    BOX = (0.0, 0.0, 90.0, 45.0)

    def __init__(
        self,
        sample_rate_hz: int,
        order: int,
        time_constant_s: float = 0.25,
        loudest: float = 1.0,
    ) -> None:
        self._hop = max(1, round(0.05 * sample_rate_hz))
        self.map_s = self._hop / sample_rate_hz
        direction = equirect_grid(*self.SIZE).direction
        self._decoder = plane_wave_decoder(direction, order)
        self._loudest = max(loudest, LEAST_LOUDEST)
        self._time_constant_s = time_constant_s
        self._colours = _colours(self.COLOURS)

    def maps(self, chunks: Iterable[HostArray]) -> Iterator[HostArray]:
        """Mean squares ``[45, 90]``, the first of the time from 0 to `map_s`."""
        before = None
        for frames in _frames(chunks, self._hop, 32):
            energy, before = _smooth_energy(
                frames, self._decoder, before, self.map_s, self._time_constant_s
            )
            yield from np.asarray(energy).reshape(-1, *self.SIZE)

    def draw(self, picture: Image.Image, energy: HostArray) -> Image.Image:
        """A picture with a map over it, and what its colours mean."""
        level_db = 10 * np.log10(np.maximum(energy / self._loudest, 1e-9))
        level = np.clip(1 + level_db / self.RANGE_DB, 0, 1)
        beam = np.clip(1 + (level_db - level_db.max()) / self.BEAM_DB, 0, 1)
        colour = self._colours[np.rint(255 * level).astype(int)]
        opacity = self.OPACITY * np.sqrt(level) * beam**1.5
        drawn = _lay_over(picture, colour, opacity, self.BOX)
        put_legend(drawn, self._colours, self.RANGE_DB)
        return drawn


def _lay_over(
    picture: Image.Image,
    colour: HostArray,
    opacity: HostArray,
    box: tuple[float, float, float, float],
) -> Image.Image:
    """A picture under a map all round, both resized bilinearly to its size.

    Args:
      picture: mode RGB.
      colour: of the cells, uint8 ``[h, w, 3]``.
      opacity: of the cells, ``[h, w]`` from 0 to 1.
      box: what of the map fills the picture: left, top, right and bottom, in cells from
        the corner of the first; left may be down to -1, right up to w + 1.
    """
    left, top, right, bottom = box
    box = (left + 1, top, right + 1, bottom)  # a column more at either side
    resized = (
        Image.fromarray(np.concatenate([v[:, -1:], v, v[:, :1]], axis=1)).resize(
            picture.size, Image.Resampling.BILINEAR, box
        )
        for v in (colour, np.rint(255 * opacity).astype(np.uint8))
    )
    shown, mask = resized
    return Image.composite(shown, picture, mask)


def _colours(name: str) -> HostArray:
    """A colour map as uint8 ``[256, 3]``."""
    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]


def _frames(chunks: Iterable[HostArray], hop: int, most: int) -> Iterator[HostArray]:
    """Frames ``[k <= most, c, hop]`` of a field, the last filled up with zeros."""
    for block in rechunk(chunks, most * hop):
        channels, length = block.shape
        num_frames = math.ceil(length / hop)
        padded = np.pad(block, ((0, 0), (0, num_frames * hop - length)))
        yield padded.reshape(channels, num_frames, hop).swapaxes(0, 1)


@jax.jit
def _energy(frames: Array, decoder: Array) -> Array:
    return energy_map(covariance(frames), decoder)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _smooth_energy(
    frames: Array,
    decoder: Array,
    before: Array | None,
    hop_s: float,
    time_constant_s: float,
) -> tuple[Array, Array]:
    """Energies ``[k, q]``, and the smoothed covariance of the last frame."""
    smooth = smooth_covariance(covariance(frames), hop_s, time_constant_s, before)
    return energy_map(smooth, decoder), smooth[-1]
