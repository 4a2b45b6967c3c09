"""Text as a picture with transparent surroundings, in the fonts that OpenCV brings along (Latin, Cyrillic, CJK)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engine.errors import EditRefused
from engine.model.picture import Picture
from engine.model.tool import Rgb

_BUILT_IN = ("", "sans", "italic", "uni")
_LINE = 1.25
_WEIGHT = 500
_LEAST_PX = 4


def lettering(text: str, width: int, height: int, *, colour: Rgb, size: float, font: str) -> Picture:
    """Return text centred in a picture, made smaller where it would not fit.

    Args:
        text: one or more lines.
        width: of the picture in pixels; likewise height.
        height: of the picture in pixels.
        colour: of the letters.
        size: height of a line as a share of the picture's height.
        font: empty, "sans", "italic" or "uni" for those built in, or the path of a TrueType file.

    Raises:
        EditRefused: no text, no room for it, or a font that cannot be read.
    """
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise EditRefused("there is no text to set")
    if width < _LEAST_PX or height < _LEAST_PX:
        raise EditRefused(f"a region of {width} x {height} px is too small for text")
    face = _face(font)
    line_px = max(float(_LEAST_PX), min(size * height, height / len(lines)))
    cap_px = line_px / _LINE
    widest = max(_extent(line, face, cap_px)[2] for line in lines)
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
        x, _, across, _ = _extent(line, face, pixels)
        origin = round((width - across) / 2 - x), round(top + step * number + step / 2 + 0.36 * pixels)
        cv2.putText(alpha, line, origin, (255,), face, pixels, _WEIGHT)
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., :3] = (colour.red, colour.green, colour.blue)
    rgba[..., 3] = alpha
    return Picture(rgba)


def _face(font: str) -> cv2.FontFace:
    if font in _BUILT_IN:
        return cv2.FontFace(font or "sans")
    face = cv2.FontFace()
    if not Path(font).is_file() or not face.set(font):
        raise EditRefused(f"the font {font} cannot be read; give a TrueType file, or sans, italic or uni")
    return face


def _extent(line: str, face: cv2.FontFace, pixels: float) -> tuple[int, int, int, int]:
    x, y, width, height = cv2.getTextSize((1 << 14, 1 << 12), line, (0, 0), face, max(2, round(pixels)), _WEIGHT)
    return int(x), int(y), int(width), int(height)
