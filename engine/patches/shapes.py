"""Shapes as outlines in the decoded frame, with exact coverage at their edges."""

from __future__ import annotations

import math

import numpy as np

from engine.errors import EditRefused
from engine.model.overlay import Shape, ShapeForm
from engine.model.tool import Rgb
from engine.patches.matte import Float64, Matte, rasterise

_CORNER_STEPS = 16
_HEAD = 4.5
"""Length of an arrow's head, in widths of its stroke."""


def shape_mattes(
    shape: Shape, across: float, down: float, to_frame: Float64, width: int, height: int
) -> list[tuple[Matte, Rgb]]:
    """Return what a shape covers of a frame, and in which colour, in drawing order.

    Args:
        shape: the shape.
        across: width of the canvas in square pixels.
        down: height of the canvas in square pixels.
        to_frame: the 3x3 map from the canvas's square pixels to the frame's.
        width: of the frame.
        height: likewise.
    """
    stroke_px = shape.stroke_width * down
    half = shape.width * across / 2, shape.height * down / 2
    middle = np.array([across / 2, down / 2])
    result: list[tuple[Matte, Rgb]] = []

    def covers(points: Float64) -> Matte | None:
        return polygon_matte(points + middle, to_frame, width, height)

    if shape.form in (ShapeForm.LINE, ShapeForm.ARROW):
        colour = shape.stroke or shape.fill
        if colour is not None and stroke_px > 0:
            found = covers(_stroke(half, stroke_px, shape.form))
            if found is not None:
                result.append((found, colour))
        return result
    corner_px = shape.corner * down
    if shape.fill is not None:
        inside = covers(_closed(shape.form, half, corner_px))
        if inside is not None:
            result.append((inside, shape.fill))
    if shape.stroke is not None and stroke_px > 0:
        outer = covers(
            _closed(shape.form, (half[0] + stroke_px / 2, half[1] + stroke_px / 2), _more(corner_px, stroke_px))
        )
        inner_half = half[0] - stroke_px / 2, half[1] - stroke_px / 2
        inner = None
        if min(inner_half) > 0:
            inner = covers(_closed(shape.form, inner_half, max(0.0, corner_px - stroke_px / 2)))
        if outer is not None:
            result.append((outer if inner is None else _without(outer, inner), shape.stroke))
    return result


def polygon_matte(points: Float64, to_frame: Float64, width: int, height: int) -> Matte | None:
    """Return the matte of an outline [n, 2] under a map; None where nothing of it is on the frame."""
    x = to_frame[0, 0] * points[:, 0] + to_frame[0, 1] * points[:, 1] + to_frame[0, 2]
    y = to_frame[1, 0] * points[:, 0] + to_frame[1, 1] * points[:, 1] + to_frame[1, 2]
    try:
        return rasterise(np.stack([x / width, y / height], axis=1), width, height, 0)
    except EditRefused:  # it has moved off the picture, or has shrunk to nothing
        return None


def _more(corner_px: float, stroke_px: float) -> float:
    return corner_px + stroke_px / 2 if corner_px else 0.0


def _closed(form: ShapeForm, half: tuple[float, float], corner_px: float) -> Float64:
    across, down = half
    if form is ShapeForm.ELLIPSE:
        angle = np.linspace(0.0, 2 * np.pi, 256, endpoint=False)
        return np.stack([across * np.cos(angle), down * np.sin(angle)], axis=1)
    corner = min(corner_px, across, down)
    if corner <= 0:
        return np.array([[-across, -down], [across, -down], [across, down], [-across, down]])
    arc = np.linspace(0.0, np.pi / 2, _CORNER_STEPS)
    parts = []
    for number, (x, y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        angle = arc + number * np.pi / 2
        centre = x * (across - corner), y * (down - corner)
        parts.append(np.stack([centre[0] + corner * np.cos(angle), centre[1] + corner * np.sin(angle)], axis=1))
    return np.concatenate(parts)


def _stroke(half: tuple[float, float], stroke_px: float, form: ShapeForm) -> Float64:
    across, down = half
    length = max(2 * math.hypot(across, down), 1e-3)
    along = np.array([2 * across, 2 * down]) / length
    aside = np.array([-along[1], along[0]])
    thin, start = stroke_px / 2, np.array([-across, -down])
    if form is ShapeForm.LINE:
        profile = [(0.0, -thin), (length, -thin), (length, thin), (0.0, thin)]
    else:
        head = min(_HEAD * stroke_px, length)
        wide = head * 0.45
        neck = length - head
        profile = [(0.0, -thin), (neck, -thin), (neck, -wide), (length, 0.0), (neck, wide), (neck, thin), (0.0, thin)]
    return np.array([start + along * s + aside * t for s, t in profile])


def _without(outer: Matte, inner: Matte) -> Matte:
    alpha = outer.alpha.copy()
    y, x = inner.y - outer.y, inner.x - outer.x
    # The inner window may reach a little beyond the outer one: both are rounded outwards, where neither covers.
    y0, x0 = max(y, 0), max(x, 0)
    y1, x1 = min(y + inner.alpha.shape[0], alpha.shape[0]), min(x + inner.alpha.shape[1], alpha.shape[1])
    alpha[y0:y1, x0:x1] -= inner.alpha[y0 - y : y1 - y, x0 - x : x1 - x]
    return Matte(outer.width, outer.height, outer.x, outer.y, np.maximum(alpha, 0.0), outer.bounds)
