"""Regions as they are drawn and changed by hand: outlines, handles, and what moving one does. Values only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.model.region import Box, Ellipse, Lasso, Point, Polygon, Region

_MOST_NODES = 12
_SMOOTH_STEPS = 6


@dataclass(frozen=True, slots=True)
class Corner:
    """A handle of the box around a region; x, y: -1, 0 or 1."""

    x: int
    y: int


CORNERS = (
    Corner(-1, -1),
    Corner(0, -1),
    Corner(1, -1),
    Corner(1, 0),
    Corner(1, 1),
    Corner(0, 1),
    Corner(-1, 1),
    Corner(-1, 0),
)


def corner_point(box: Box, corner: Corner) -> Point:
    """Return where a handle stands."""
    return (
        (box.x0 + box.x1) / 2 + corner.x * (box.x1 - box.x0) / 2,
        (box.y0 + box.y1) / 2 + corner.y * (box.y1 - box.y0) / 2,
    )


def moved(region: Region, dx: float, dy: float) -> Region:
    """Return a region moved.

    Raises:
        EditRefused: it would leave the picture.
    """
    return _mapped(region, lambda x, y: (x + dx, y + dy))


def resized(region: Region, corner: Corner, x: float, y: float, *, keep_shape: bool = False) -> Region:
    """Return a region whose handle was dragged to a point; the opposite side stays.

    Raises:
        EditRefused: nothing would be left of it.
    """
    box = region.bounds
    width, height = box.x1 - box.x0, box.y1 - box.y0
    fixed_x, fixed_y = corner_point(box, Corner(-corner.x, -corner.y))
    wide = (x - fixed_x) / (corner.x * width) if corner.x else 1.0
    high = (y - fixed_y) / (corner.y * height) if corner.y else 1.0
    if keep_shape:
        wide = high = max(wide if corner.x else high, high if corner.y else wide)
    wide, high = max(wide, 0.002 / width), max(high, 0.002 / height)
    if not corner.x:
        fixed_x = (box.x0 + box.x1) / 2
    if not corner.y:
        fixed_y = (box.y0 + box.y1) / 2
    return _mapped(region, lambda px, py: (fixed_x + (px - fixed_x) * wide, fixed_y + (py - fixed_y) * high))


def nodes(region: Region) -> tuple[int, ...]:
    """Return which of a region's points can be taken hold of: all of a polygon's, a few that carry a lasso's shape."""
    match region:
        case Polygon(points):
            return tuple(range(len(points)))
        case Lasso(points):
            return _carrying(points)
        case _:
            return ()


def node_point(region: Region, node: int) -> Point:
    """Return where a node stands."""
    assert isinstance(region, Polygon | Lasso)
    return region.points[node]


def with_node(region: Region, node: int, x: float, y: float) -> Region:
    """Return a region with a node dragged to a point; a lasso's outline comes along up to the nodes beside it.

    Raises:
        EditRefused: nothing would be left of it.
    """
    match region:
        case Polygon(points):
            return Polygon((*points[:node], (x, y), *points[node + 1 :]))
        case Lasso(points):
            return Lasso(_pulled(points, _carrying(points), node, x, y))
        case _:
            return region


def smooth_lasso(drawn: Sequence[Point], aspect: float) -> Lasso:
    """Return the outline that a hand meant: simplified, then rounded.

    Args:
        drawn: the points as the pointer gave them, 0 to 1.
        aspect: width of the picture by its height, since a tremble is as large in both directions.

    Raises:
        EditRefused: it has no area.
    """
    points = np.array(drawn, np.float32) * np.array([aspect, 1.0], np.float32)
    tolerance = 0.0025
    kept = cv2.approxPolyDP(points[:, None, :], tolerance, True)[:, 0, :] if len(points) > 3 else points
    if len(kept) < 3:
        return Lasso(tuple(drawn))
    rounded = _rounded(kept.astype(np.float64))
    return Lasso(tuple((round(float(x) / aspect, 6), round(float(y), 6)) for x, y in rounded))


def outline_points(region: Region) -> list[Point]:
    """Return the corners of a region's outline; an ellipse's is fine enough to be seen round."""
    match region:
        case Box(x0, y0, x1, y1):
            return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        case Ellipse(x0, y0, x1, y1):
            turns = np.linspace(0, 2 * math.pi, 96, endpoint=False)
            return [
                ((x0 + x1) / 2 + math.cos(t) * (x1 - x0) / 2, (y0 + y1) / 2 + math.sin(t) * (y1 - y0) / 2)
                for t in turns.tolist()
            ]
        case Polygon(points) | Lasso(points):
            return list(points)


def contains(region: Region, x: float, y: float) -> bool:
    """Tell whether a point lies inside a region."""
    outline = np.array(outline_points(region), np.float32)
    return bool(cv2.pointPolygonTest(outline[:, None, :], (float(x), float(y)), False) >= 0)


def _mapped(region: Region, place: _Place) -> Region:
    match region:
        case Box(x0, y0, x1, y1):
            return Box(*place(x0, y0), *place(x1, y1))
        case Ellipse(x0, y0, x1, y1):
            return Ellipse(*place(x0, y0), *place(x1, y1))
        case Polygon(points):
            return Polygon(tuple(place(x, y) for x, y in points))
        case Lasso(points):
            return Lasso(tuple(place(x, y) for x, y in points))


class _Place(Protocol):
    """What maps a point; only for its type."""

    def __call__(self, x: float, y: float, /) -> Point: ...


def _rounded(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a closed Catmull-Rom curve through the corners (centripetal, so that it makes no loops)."""
    pieces = []
    count = len(corners)
    for n in range(count):
        p0, p1, p2, p3 = (corners[(n + k - 1) % count] for k in range(4))
        t0 = 0.0
        t1 = t0 + max(float(np.linalg.norm(p1 - p0)) ** 0.5, 1e-6)
        t2 = t1 + max(float(np.linalg.norm(p2 - p1)) ** 0.5, 1e-6)
        t3 = t2 + max(float(np.linalg.norm(p3 - p2)) ** 0.5, 1e-6)
        t = np.linspace(t1, t2, _SMOOTH_STEPS, endpoint=False)[:, None]
        a1 = (t1 - t) / (t1 - t0) * p0 + (t - t0) / (t1 - t0) * p1
        a2 = (t2 - t) / (t2 - t1) * p1 + (t - t1) / (t2 - t1) * p2
        a3 = (t3 - t) / (t3 - t2) * p2 + (t - t2) / (t3 - t2) * p3
        b1 = (t2 - t) / (t2 - t0) * a1 + (t - t0) / (t2 - t0) * a2
        b2 = (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
        pieces.append((t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2)
    return np.concatenate(pieces)


def _carrying(points: Sequence[Point]) -> tuple[int, ...]:
    """Return the points that carry an outline's shape, at most _MOST_NODES."""
    if len(points) <= _MOST_NODES:
        return tuple(range(len(points)))
    outline = np.array(points, np.float32)
    extent = float(np.ptp(outline, axis=0).max()) or 1.0
    for tolerance in (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2):
        kept = cv2.approxPolyDP(outline[:, None, :], tolerance * extent, True)[:, 0, :]
        if len(kept) <= _MOST_NODES:
            break
    found = {int(np.argmin(np.abs(outline - corner).sum(axis=1))) for corner in kept}
    if len(found) < 3:
        found |= {len(points) * k // 4 for k in range(4)}
    return tuple(sorted(found))


def _pulled(points: Sequence[Point], carrying: Sequence[int], node: int, x: float, y: float) -> tuple[Point, ...]:
    count = len(points)
    others = [other for other in carrying if other != node] or [(node + count // 2) % count]
    back = min((node - other) % count for other in others)
    on = min((other - node) % count for other in others)
    dx, dy = x - points[node][0], y - points[node][1]
    result = list(points)
    for step in range(-back, on + 1):
        share = 1 - abs(step) / max(1, back if step < 0 else on)
        pull = share * share * (3 - 2 * share)
        at = (node + step) % count
        result[at] = (round(points[at][0] + pull * dx, 6), round(points[at][1] + pull * dy, 6))
    return tuple(result)
