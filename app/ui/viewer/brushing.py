"""What a stroke of the brush or the eraser makes of a region. Arrays only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.ui.viewer.gestures import Stroke
from app.ui.viewer.shapes import outline_points
from engine.errors import EditRefused
from engine.model.region import Box, Lasso, Point, Region
from engine.patches.matte import region_matte

_FINE = 1920
"""The longer side of the raster for a region that is not yet a patch, in pixels."""


_FAINT = 8
_COARSE = 960
"""The longer side of the raster for a line that only shows how far something reaches, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Brushed:
    """A refined mask: the box in which it stands, and its values, uint8 [h, w]."""

    region: Box
    mask: NDArray[np.uint8]


def brushed_mask(region: Region, mask: NDArray[np.uint8] | None, stroke: Stroke, width: int, height: int) -> Brushed:
    """Return a patch's mask after a stroke.

    Args:
        region: as drawn. mask: grey values in its bounds where it was refined before, uint8 [h, w].
        mask: see region.
        stroke: the stroke.
        width: of the displayed picture in pixels.
        height: likewise.

    Raises:
        EditRefused: nothing is left.
    """
    full = np.rint(region_matte(region, width, height, 0).full() * 255).astype(np.uint8)
    if mask is not None:
        full = _placed(region.bounds, mask, width, height)
    full = _stroked(full, stroke)
    # What the soft edges of two strokes leave between them is not seen, and would keep the box large.
    full[full <= _FAINT] = 0
    rows, columns = np.flatnonzero(full.any(axis=1)), np.flatnonzero(full.any(axis=0))
    if not rows.size:
        raise EditRefused("nothing is left of the mask; delete the patch instead")
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = Box(left / width, top / height, right / width, bottom / height)
    return Brushed(box, np.ascontiguousarray(full[top:bottom, left:right]))


def brushed_region(region: Region | None, stroke: Stroke, aspect: float) -> Lasso:
    """Return the outline of a drawn region after a stroke: that of its largest part.

    Raises:
        EditRefused: nothing is left.
    """
    width, height = (_FINE, round(_FINE / aspect)) if aspect >= 1 else (round(_FINE * aspect), _FINE)
    full = np.zeros((height, width), np.uint8)
    if region is not None:
        points = np.array(outline_points(region)) * (width, height)
        cv2.fillPoly(full, [np.rint(points).astype(np.int32)], (255,))
    # What is left between two strokes is no wider than the hand's tremble.
    full = np.asarray(cv2.morphologyEx(_stroked(full, stroke), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)), np.uint8)
    contours, _ = cv2.findContours(full, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        raise EditRefused("nothing is left of the region")
    largest = cv2.approxPolyDP(max(contours, key=cv2.contourArea), 1.0, True)[:, 0, :]
    return Lasso(tuple((round((x + 0.5) / width, 6), round((y + 0.5) / height, 6)) for x, y in largest.tolist()))


def outlines_of(alpha: NDArray[np.float32]) -> tuple[tuple[Point, ...], ...]:
    """Return the outlines of a matte float32 [H, W], points 0 to 1."""
    height, width = alpha.shape
    solid = (alpha >= 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(solid, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    found = []
    for contour in contours:
        kept = cv2.approxPolyDP(contour, 0.8, True)[:, 0, :]
        if len(kept) >= 3:
            found.append(tuple(((x + 0.5) / width, (y + 0.5) / height) for x, y in kept.tolist()))
    return tuple(found)


def moved_outlines(
    outlines: Sequence[Sequence[Point]], outwards_px: float, width: int, height: int
) -> tuple[tuple[Point, ...], ...]:
    """Return the lines at a distance from outlines, all points 0 to 1.

    Args:
        outlines: closed lines; one within another is a hole.
        outwards_px: how far outside them the new ones lie, in pixels of the picture; inside where negative.
        width: of the displayed picture in pixels.
        height: likewise.
    """
    scale = min(1.0, _COARSE / max(width, height))
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    solid = np.zeros((down, across), np.uint8)
    cv2.fillPoly(
        solid, [np.rint(np.array(points) * (across, down) - 0.5).astype(np.int32) for points in outlines], (1,)
    )
    outside = cv2.distanceTransform(1 - solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance = np.where(solid > 0, 0.5 - inside, outside - 0.5)
    return outlines_of((distance <= outwards_px * scale).astype(np.float32))


def _placed(bounds: Box, mask: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return a mask of a region's bounds on the whole picture."""
    full = np.zeros((height, width), np.uint8)
    left, top = round(bounds.x0 * width), round(bounds.y0 * height)
    right, bottom = max(left + 1, round(bounds.x1 * width)), max(top + 1, round(bounds.y1 * height))
    fitted = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    x, y = max(0, left), max(0, top)
    stop_x, stop_y = min(width, right), min(height, bottom)
    full[y:stop_y, x:stop_x] = fitted[y - top : stop_y - top, x - left : stop_x - left]
    return full


def _stroked(full: NDArray[np.uint8], stroke: Stroke) -> NDArray[np.uint8]:
    height, width = full.shape
    line = np.zeros_like(full)
    radius = max(1.0, stroke.radius * height)
    points = np.rint(np.array(stroke.trail) * (width, height)).astype(np.int32)
    cv2.polylines(line, [points], False, (255,), max(1, round(2 * radius)), cv2.LINE_AA)
    for point in (points[0], points[-1]):
        cv2.circle(line, (int(point[0]), int(point[1])), round(radius), (255,), -1, cv2.LINE_AA)
    if stroke.erases:
        return np.asarray(np.minimum(full, 255 - line), np.uint8)
    return np.asarray(np.maximum(full, line), np.uint8)
