"""How much of a picture looks like lettering: rows of close, sharp, upright strokes. Nothing is read."""

from __future__ import annotations

import cv2
import numpy as np

from engine.features.measures import UInt8

_LEAST_STRENGTH = 40
"""Strokes stand out from their ground by this much, of 255."""
_LEAST_HEIGHT, _MOST_HEIGHT = 5, 70
"""Lines of a letter, in a picture of at most 360."""


def lettering_share(luma: UInt8) -> float:
    """Return the share of a picture (0 to 1) that is covered by what looks like lines of letters.

    Edges are joined sideways, as letters stand beside each other; a line of letters is a low, wide, full patch of them
    that is crossed by many strokes.
    """
    gradient = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    strokes = np.asarray(gradient > _LEAST_STRENGTH, np.uint8)
    if not strokes.any():
        return 0.0
    joined = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, np.ones((1, 11), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((3, 5), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    covered = 0
    for left, top, width, height, area in boxes[1:].tolist():
        if not (_LEAST_HEIGHT <= height <= _MOST_HEIGHT and width >= 2 * height and area >= 0.5 * width * height):
            continue
        rows = luma[top : top + height, left : left + width].astype(np.int16)
        middle = rows[height // 4 : max(height // 4 + 1, 3 * height // 4)]
        crossings = (np.abs(np.diff(middle, axis=1)) > _LEAST_STRENGTH // 2).sum(axis=1).max()
        if crossings >= 1.5 * width / height:
            covered += width * height
    return covered / luma.size
