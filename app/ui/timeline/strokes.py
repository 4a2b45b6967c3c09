"""Bars and lines by the hundred, drawn as one image in the device's own pixels: each alone costs as much as all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QColor, QImage, QPainter

Float64 = NDArray[np.float64]


def bars(
    painter: QPainter,
    edges: tuple[Float64, Float64],
    place: tuple[float, float],
    looks: tuple[QColor, QColor, float],
    exposed: QRect,
) -> None:
    """Draw bars side by side, each with a line of another colour at its left.

    Args:
        painter: on the view.
        edges: float64 [n] each, the left and right of every bar in points, ascending.
        place: their top and height.
        looks: a bar's colour, its line's, and how wide that is.
        exposed: what is painted.
    """
    lefts, rights = edges
    fill, line, line_px = looks
    ratio = painter.device().devicePixelRatioF()
    first, stop = max(exposed.left(), math.floor(lefts[0])), min(exposed.right() + 1, math.ceil(float(rights.max())))
    if stop <= first:
        return
    at = (np.arange(round(first * ratio), round(stop * ratio)) + 0.5) / ratio
    number = np.clip(np.searchsorted(lefts, at, side="right") - 1, 0, lefts.size - 1)
    inside = (at >= lefts[number]) & (at < rights[number])
    colours = np.where(inside, np.uint32(_premultiplied(fill)), np.uint32(0))
    colours[inside & (at < lefts[number] + line_px)] = _premultiplied(line)
    _columns(painter, colours, first, place, ratio)


def lines(
    painter: QPainter,
    place: tuple[float, float],
    kinds: Sequence[tuple[Sequence[float] | Float64, QColor]],
    exposed: QRect,
) -> None:
    """Draw upright lines of a point's width, the later kinds over the former.

    Args:
        painter: on the view.
        place: their top and height.
        kinds: the left of each line in points, and their colour.
        exposed: what is painted.
    """
    ratio = painter.device().devicePixelRatioF()
    width_px, from_px = max(1, round(ratio)), round(exposed.left() * ratio)
    colours = np.zeros(round((exposed.right() + 1) * ratio) - from_px, np.uint32)
    for lefts, colour in kinds:
        at = np.ceil(np.asarray(lefts, np.float64) * ratio - 0.5).astype(np.int64) - from_px
        for shift in range(width_px):
            column = at + shift
            colours[column[(column >= 0) & (column < colours.size)]] = _premultiplied(colour)
    if colours.any():
        _columns(painter, colours, exposed.left(), place, ratio)


def picture(painter: QPainter, table: NDArray[np.uint32], left: float, top: float) -> None:
    """Draw premultiplied colours, uint32 [h, w] in the device's own pixels."""
    ratio = painter.device().devicePixelRatioF()
    table = np.ascontiguousarray(table)
    height, width = table.shape
    image = QImage(table.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(round(left * ratio) / ratio, top), image)


def _columns(
    painter: QPainter, colours: NDArray[np.uint32], left: float, place: tuple[float, float], ratio: float
) -> None:
    top, height = place
    # As a rectangle is painted that no line smooths: each pixel whose middle it covers.
    first, stop = math.ceil(top * ratio - 0.5), math.ceil((top + height) * ratio - 0.5)
    if stop > first and colours.size:
        picture(painter, np.repeat(colours[None], stop - first, axis=0), left, first / ratio)


def _premultiplied(colour: QColor) -> int:
    alpha = colour.alpha()
    red, green, blue = ((value * alpha + 127) // 255 for value in (colour.red(), colour.green(), colour.blue()))
    return alpha << 24 | red << 16 | green << 8 | blue
