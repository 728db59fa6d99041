"""Colours drawn at random that stay in harmony, and stand out from their wall."""

from typing import NamedTuple

import numpy as np

RGB = tuple[int, int, int]


class Paints(NamedTuple):
    """The three colours of a silhouette, by the names that its polygons bear."""

    body: RGB
    dark: RGB
    light: RGB


def draw_paints(
    rng: np.random.Generator,
    is_dark: bool,
    hue_deg: float = 180.0,
    spread_deg: float = 180.0,
    accent_deg: float = 70.0,
) -> Paints:
    """Colours that stand out from a wall, dark or light.

    Args:
      rng: what draws them.
      is_dark: whether the wall is.
      hue_deg: middle of the hues of the body.
      spread_deg: the farthest that the body's hue lies from it.
      accent_deg: the farthest that the hue of the accents lies from the body's.
    """
    lightness = rng.uniform(0.66, 0.82) if is_dark else rng.uniform(0.44, 0.6)
    chroma = rng.uniform(0.09, 0.17)
    hue = rng.uniform(hue_deg - spread_deg, hue_deg + spread_deg)
    other = hue + rng.uniform(-accent_deg, accent_deg)
    return Paints(
        body=oklch(lightness, chroma, hue),
        dark=oklch(lightness - 0.2, 0.8 * chroma, other),
        light=oklch(lightness + 0.13, 0.6 * chroma, other),
    )


def draw_wall(rng: np.random.Generator, is_dark: bool) -> tuple[RGB, RGB]:
    """The colours at the top and the bottom of a calm wall: one hue, little colour."""
    lightness = rng.uniform(0.24, 0.36) if is_dark else rng.uniform(0.82, 0.92)
    chroma, hue = rng.uniform(0.01, 0.06), rng.uniform(0.0, 360.0)
    turn, fall = rng.uniform(-40.0, 40.0), rng.uniform(-0.07, 0.07)
    top = oklch(lightness, chroma, hue)
    return top, oklch(lightness + fall, chroma, hue + turn)


def oklch(lightness: float, chroma: float, hue_deg: float) -> RGB:
    """The sRGB bytes of an OKLCH colour, clipped to the gamut.

    Equal lightness looks equally bright at every hue, so random hues stay in harmony.
    Matrices: B. Ottosson, "A perceptual color space for image processing" (2020).
    """
    a = chroma * np.cos(np.radians(hue_deg))
    b = chroma * np.sin(np.radians(hue_deg))
    to_lms = np.array(
        [
            [1.0, 0.3963377774, 0.2158037573],
            [1.0, -0.1055613458, -0.0638541728],
            [1.0, -0.0894841775, -1.2914855480],
        ]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_rgb @ (to_lms @ np.array([lightness, a, b])) ** 3, 0.0, 1.0)
    curve = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    red, green, blue = np.round(255 * curve).astype(int).tolist()
    return red, green, blue
