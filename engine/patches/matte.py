"""The matte of a region: how much of each pixel of a decoded frame it covers.

Nothing here looks at the picture; refining a region to an object's edge is engine.patches.edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import EditRefused
from engine.model.region import Box, Ellipse, Lasso, Polygon, Region

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

ALIGNMENT = 8
"""A window starts on multiples of this, so that it falls on whole chroma samples of both fields (4:1:0 interlaced)."""
_MARGIN = 2
_SUBLINES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Matte:
    """How much of each pixel belongs to a region; zero outside its window.

    Attributes:
        width, height: size of the decoded frame in pixels.
        x, y: the window's top left pixel, multiples of ALIGNMENT.
        alpha: float32 [h, w] in [0, 1], the window. Its border is zero except along the frame's own edges.
        bounds: (left, top, right, bottom) of the bare outline in decoded pixels, not clipped to the frame.
    """

    width: int
    height: int
    x: int
    y: int
    alpha: Float32
    bounds: tuple[float, float, float, float]

    def full(self) -> Float32:
        """Return the matte as float32 [height, width]."""
        whole = np.zeros((self.height, self.width), np.float32)
        h, w = self.alpha.shape
        whole[self.y : self.y + h, self.x : self.x + w] = self.alpha
        return whole

    @staticmethod
    def of_full(alpha: Float32, bounds: tuple[float, float, float, float] | None = None) -> Matte:
        """Return the matte of a float32 [H, W] array, its window as small as possible; it may cover nothing."""
        height, width = alpha.shape
        rows = np.flatnonzero(alpha.any(axis=1))
        columns = np.flatnonzero(alpha.any(axis=0))
        if not rows.size:
            return Matte(width, height, 0, 0, np.zeros((0, 0), np.float32), bounds or (0.0, 0.0, 0.0, 0.0))
        left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
        x, y, stop_x, stop_y = window(left, top, right, bottom, width, height)
        return Matte(
            width,
            height,
            x,
            y,
            np.ascontiguousarray(alpha[y:stop_y, x:stop_x]),
            bounds or (float(left), float(top), float(right), float(bottom)),
        )


class Inside(Enum):
    """Which parts of a self-crossing outline are inside."""

    WOUND = "everything that the outline winds around (non-zero rule)"
    ODD = "what lies behind an odd number of crossings (even-odd rule)"


def region_matte(
    region: Region, width: int, height: int, rotation: int, *, feather_px: float = 0.0, grow_px: float = 0.0
) -> Matte:
    """Return the matte of a region on a decoded frame; see `rasterise`.

    Raises:
        EditRefused: nothing of the region is on the picture, or nothing is left after shrinking it.
    """
    outline, inside = region_outline(region)
    return rasterise(outline, width, height, rotation, inside=inside, feather_px=feather_px, grow_px=grow_px)


def region_outline(region: Region) -> tuple[Float64, Inside]:
    """Return a region's outline [n, 2], normalised in display coordinates, and what is inside of it."""
    match region:
        case Box(x0, y0, x1, y1):
            return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64), Inside.WOUND
        case Ellipse(x0, y0, x1, y1):
            return ellipse_outline(x0, y0, x1, y1), Inside.WOUND
        case Polygon(points):
            return np.array(points, np.float64), Inside.ODD
        case Lasso(points):
            return np.array(points, np.float64), Inside.WOUND


def rasterise(
    outline: Sequence[tuple[float, float]] | Float64,
    width: int,
    height: int,
    rotation: int,
    *,
    inside: Inside = Inside.WOUND,
    feather_px: float = 0.0,
    grow_px: float = 0.0,
) -> Matte:
    """Return the matte of a closed outline: exact coverage at its edge, then grown or shrunk, then softened outwards.

    Args:
        outline: at least three (x, y), normalised 0..1 in display coordinates (rotation applied).
        width: of the decoded frame, before rotation.
        height: likewise.
        rotation: degrees clockwise (0, 90, 180, 270) by which a player turns the decoded frame.
        inside: what a self-crossing outline covers.
        feather_px: the matte falls from 1 to 0 over so many decoded pixels outside the (grown) outline.
        grow_px: moves the outline outwards, or inwards when negative, before softening.

    Raises:
        EditRefused: too few or non-finite points, no area, nothing left after shrinking, or nothing on the picture.
    """
    points = np.asarray(outline, np.float64).reshape(-1, 2)
    _check_outline(points, feather_px, grow_px)
    decoded = to_decoded(points, width, height, rotation)
    left, top = decoded.min(axis=0)
    right, bottom = decoded.max(axis=0)
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise EditRefused(f"the region lies outside the picture: {_extent(points)}; the picture is 0..1")
    reach = max(0.0, grow_px) + feather_px
    # Distances near the frame's edge need the outline as it goes on outside.
    outside = int(np.ceil(reach + max(0.0, -grow_px))) + _MARGIN
    x0, y0 = max(int(np.floor(left - reach)) - _MARGIN, -outside), max(int(np.floor(top - reach)) - _MARGIN, -outside)
    x1 = min(int(np.ceil(right + reach)) + _MARGIN, width + outside)
    y1 = min(int(np.ceil(bottom + reach)) + _MARGIN, height + outside)
    alpha = _coverage(decoded - (x0, y0), x1 - x0, y1 - y0, inside)
    if not alpha.any():
        raise EditRefused(f"the region has no area: {_extent(points)}")
    if grow_px or feather_px:
        alpha = softened(alpha, grow_px, feather_px)
    seen = np.zeros((min(y1, height) - max(y0, 0), min(x1, width) - max(x0, 0)), np.float32)
    seen[:] = alpha[max(y0, 0) - y0 : min(y1, height) - y0, max(x0, 0) - x0 : min(x1, width) - x0]
    if not seen.any():
        raise EditRefused(f"nothing of the region is left on the picture: {_extent(points)}, grown by {grow_px:g} px")
    x, y, stop_x, stop_y = window(max(x0, 0), max(y0, 0), min(x1, width), min(y1, height), width, height)
    framed = np.zeros((stop_y - y, stop_x - x), np.float32)
    framed[max(y0, 0) - y : min(y1, height) - y, max(x0, 0) - x : min(x1, width) - x] = seen
    return Matte(width, height, x, y, framed, (float(left), float(top), float(right), float(bottom)))


def to_decoded(points: Float64, width: int, height: int, rotation: int) -> Float64:
    """Return normalised display points [n, 2] as pixels of the decoded frame (pixel i spans i to i+1).

    A player turns the frame clockwise by `rotation`; this is the way back.
    """
    u, v = points[:, 0], points[:, 1]
    match rotation % 360:
        case 0:
            x, y = u, v
        case 90:
            x, y = v, 1.0 - u
        case 180:
            x, y = 1.0 - u, 1.0 - v
        case 270:
            x, y = 1.0 - v, u
        case _:
            raise EditRefused(f"a frame is turned by quarter turns only, not by {rotation} degrees")
    return np.stack([x * width, y * height], axis=1)


def ellipse_outline(left: float, top: float, right: float, bottom: float) -> Float64:
    """Return the outline [128, 2] of the ellipse inscribed in a box, normalised like the box."""
    angle = np.linspace(0.0, 2.0 * np.pi, 128, endpoint=False)
    return np.stack(
        [
            (left + right) / 2 + (right - left) / 2 * np.cos(angle),
            (top + bottom) / 2 + (bottom - top) / 2 * np.sin(angle),
        ],
        axis=1,
    )


def window(left: int, top: int, right: int, bottom: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a box of pixels (left, top, right, bottom) widened to whole chroma samples plus a border, in the frame."""
    return (
        max(0, (left - _MARGIN) // ALIGNMENT * ALIGNMENT),
        max(0, (top - _MARGIN) // ALIGNMENT * ALIGNMENT),
        min(width, -(-(right + _MARGIN) // ALIGNMENT) * ALIGNMENT),
        min(height, -(-(bottom + _MARGIN) // ALIGNMENT) * ALIGNMENT),
    )


def _check_outline(points: Float64, feather_px: float, grow_px: float) -> None:
    if len(points) < 3:
        raise EditRefused(f"a region needs at least 3 points, this one has {len(points)}")
    if not np.isfinite(points).all():
        bad = points[~np.isfinite(points).all(axis=1)][0]
        raise EditRefused(f"a point of the region is not a number: ({bad[0]}, {bad[1]})")
    if np.abs(points).max() > 100:
        raise EditRefused(f"the region lies far outside the picture: {_extent(points)}; the picture is 0..1")
    if not 0 <= feather_px <= 4096 or not abs(grow_px) <= 4096:
        raise EditRefused(f"softening takes 0 to 4096 px and growing -4096 to 4096 px, not {feather_px} and {grow_px}")


def _extent(points: Float64) -> str:
    low, high = points.min(axis=0), points.max(axis=0)
    return f"x {low[0]:g}..{high[0]:g}, y {low[1]:g}..{high[1]:g}"


def _coverage(points: Float64, width: int, height: int, inside: Inside) -> Float32:
    """Return the covered share of each pixel: spans along sub-lines, exact in x."""
    begin, end = points, np.roll(points, -1, axis=0)
    low = np.minimum(begin[:, 1], end[:, 1]) * _SUBLINES - 0.5
    high = np.maximum(begin[:, 1], end[:, 1]) * _SUBLINES - 0.5
    lines = height * _SUBLINES
    first = np.clip(np.ceil(low), 0, lines).astype(np.int64)
    stop = np.clip(np.ceil(high), 0, lines).astype(np.int64)
    count = np.maximum(stop - first, 0)
    total = int(count.sum())
    if not total:
        return np.zeros((height, width), np.float32)
    edge = np.repeat(np.arange(len(points)), count)
    line = np.arange(total) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    slope = (end[edge, 0] - begin[edge, 0]) / (end[edge, 1] - begin[edge, 1])
    x = np.clip(begin[edge, 0] + ((line + 0.5) / _SUBLINES - begin[edge, 1]) * slope, 0.0, width)
    turn = np.where(end[edge, 1] > begin[edge, 1], 1, -1)
    order = np.lexsort((x, line))
    x, line, turn = x[order], line[order], turn[order]
    winding = np.cumsum(turn)
    # Every line's turns sum to zero, so the last crossing of a line never opens a span.
    weight = np.zeros(total)
    opens = winding != 0 if inside is Inside.WOUND else winding % 2 != 0
    weight[opens] += 1.0
    weight[1:][opens[:-1]] -= 1.0
    column = np.floor(x).astype(np.int64)
    share = x - column
    flat = line // _SUBLINES * (width + 2) + column
    size = height * (width + 2)
    steps = np.bincount(flat, weight * (1.0 - share), size) + np.bincount(flat + 1, weight * share, size)
    alpha = np.cumsum(steps.reshape(height, width + 2), axis=1)[:, :width] / _SUBLINES
    alpha[alpha < 1e-6] = 0.0
    return np.minimum(alpha, 1.0).astype(np.float32)


def softened(alpha: Float32, grow_px: float, feather_px: float) -> Float32:
    """Return the coverage with its edge moved and then ramped down outwards over `feather_px`."""
    solid = (alpha >= 0.5).astype(np.uint8)
    if not solid.any():
        solid = (alpha > 0).astype(np.uint8)
    # Distances to the edge, positive outside; pixel centres lie half a pixel from the edge they touch.
    outwards = cv2.distanceTransform(1 - solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance = np.where(solid > 0, -0.5, outwards - 0.5)
    if grow_px < 0:
        inwards = cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        distance = np.where(solid > 0, 0.5 - inwards, outwards - 0.5)
    distance = distance - grow_px
    if feather_px < 1.0:
        grown = np.clip(0.5 - distance, 0.0, 1.0) if grow_px else alpha
        ramp = np.clip(1.0 - distance / max(feather_px, 1e-6), 0.0, 1.0) if feather_px else 0.0
        return np.maximum(grown, ramp).astype(np.float32)
    t = np.clip(distance / feather_px, 0.0, 1.0)
    return (1.0 - t * t * (3.0 - 2.0 * t)).astype(np.float32)
