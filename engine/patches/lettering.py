"""Text as a picture with transparent surroundings, filling a region."""

from __future__ import annotations

import numpy as np

from engine.errors import EditRefused
from engine.model.picture import Picture
from engine.model.tool import Rgb
from engine.patches.fonts import MEDIUM, Face, face, is_at_hand

_LINE = 1.25
_LEAST_PX = 4


def lettering(text: str, width: int, height: int, *, colour: Rgb, size: float, font: str) -> Picture:
    """Return text centred in a picture, made smaller where it would not fit.

    Args:
        text: one or more lines.
        width: of the picture in pixels; likewise height.
        height: of the picture in pixels.
        colour: of the letters.
        size: height of a line as a share of the picture's height.
        font: as engine.patches.fonts has it: the program's own, a font file, or an installed family.

    Raises:
        EditRefused: no text, no room for it, or a font that cannot be read.
    """
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise EditRefused("there is no text to set")
    if width < _LEAST_PX or height < _LEAST_PX:
        raise EditRefused(f"a region of {width} x {height} px is too small for text")
    if not is_at_hand(font):
        raise EditRefused(f"there is no font {font!r}: name an installed family, or give the path of a font file")
    letters = face(font, MEDIUM, italic=font == "italic")
    line_px = max(float(_LEAST_PX), min(size * height, height / len(lines)))
    cap_px = line_px / _LINE
    widest = max(_extent(line, letters, cap_px)[2] for line in lines)
    if widest > width:
        cap_px *= width / widest
    if cap_px < 2:
        raise EditRefused(f"the text does not fit into {width} x {height} px; use less text or a larger region")
    alpha = np.zeros((height, width), np.uint8)
    pixels = max(2, round(cap_px))
    step = cap_px * _LINE
    top = (height - step * len(lines)) / 2
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        x, _, across, _ = _extent(line, letters, pixels)
        origin = round((width - across) / 2 - x), round(top + step * number + step / 2 + 0.36 * pixels)
        letters.draw(alpha, line, origin, pixels)
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., :3] = (colour.red, colour.green, colour.blue)
    rgba[..., 3] = alpha
    return Picture(rgba)


def _extent(line: str, letters: Face, pixels: float) -> tuple[int, int, int, int]:
    return letters.extent(line, max(2, round(pixels)))
