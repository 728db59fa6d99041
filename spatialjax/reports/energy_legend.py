"""A small bar of colours that tells decibels, to be put on pictures."""

from PIL import Image, ImageDraw, ImageFont

from spatialjax.typing import HostArray

LEAST_HEIGHT = 200
"""Rows of the smallest picture on which it can be read."""

_FINE = 4
"""Drawn so much larger than shown, for smooth edges."""


def put_legend(picture: Image.Image, colours: HostArray, range_db: float) -> None:
    """Draw a bar from -range_db to 0 dB at the lower left, on pictures large enough.

    Args:
      picture: mode RGB, changed in place.
      colours: uint8 ``[256, 3]``, the last one for 0 dB.
      range_db: of the colours.
    """
    if picture.height < LEAST_HEIGHT:
        return
    legend = _legend(picture.height // 28, colours, range_db)
    margin = picture.height // 32
    picture.paste(legend, (margin, picture.height - margin - legend.height), legend)


def _legend(height: int, colours: HostArray, range_db: float) -> Image.Image:
    """A dark plate with the bar between its two numbers, mode RGBA."""
    unit = height * _FINE
    font = ImageFont.load_default(0.5 * unit)
    texts = f"-{range_db:.0f}", "0 dB"
    widths = [round(font.getlength(text)) for text in texts]
    gap, bar = round(0.45 * unit), 5 * unit
    width = 4 * gap + sum(widths) + bar
    plate = Image.new("RGBA", (width, unit))
    draw = ImageDraw.Draw(plate)
    draw.rounded_rectangle((0, 0, width - 1, unit - 1), unit / 2, (0, 0, 0, 130))
    left = 2 * gap + widths[0]
    thickness = round(0.3 * unit)
    ramp = Image.fromarray(colours[None]).resize((bar, thickness))
    mask = Image.new("L", ramp.size)
    edge = (0, 0, bar - 1, thickness - 1)
    ImageDraw.Draw(mask).rounded_rectangle(edge, thickness / 2, 255)
    plate.paste(ramp, (left, (unit - thickness) // 2), mask)
    for x, text in ((gap, texts[0]), (left + bar + gap, texts[1])):
        draw.text((x, unit / 2), text, (255, 255, 255, 230), font, anchor="lm")
    return plate.resize((width // _FINE, height), Image.Resampling.LANCZOS)
