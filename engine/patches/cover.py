"""Where a region may be on a frame on which nobody saw it: along every way from where it was to where it came out.

For mattes that must hide something, which may cover more and never less. Nothing is drawn here.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.motion.frame import Float64
from engine.motion.track import Found
from engine.patches.matte import Matte
from engine.patches.propagate import Journey

_SPEED_FRAMES = 3
"""The speed at the edge of a gap is that of so many frames."""


def hull_of(matte: Matte) -> Float64:
    """Return the convex outline of what a matte covers on the anchor, float64 [n, 2] in pixels."""
    contours, _ = cv2.findContours((matte.alpha > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.zeros((0, 2))
    hull = cv2.convexHull(np.concatenate(contours)).reshape(-1, 2)
    return np.asarray(hull + np.array([matte.x, matte.y]), np.float64)


def swept_by(journey: Journey, row: int, hull: Float64) -> list[Float64]:
    """Return the outlines that a region may have swept on a frame, float64 [n, 2] each; none where it was seen.

    From where it was seen last it may have gone on as it did, or straight to where it is seen next; and there it may
    have come from as it goes on. Beside a gap too, since the shutter is open while it goes.

    Args:
        journey: where the patch is.
        row: of the frame.
        hull: as hull_of returns it.
    """
    seen = journey.found == Found.SEEN
    gap = not seen[row] or not seen[max(0, row - 1)] or not seen[min(len(seen) - 1, row + 1)]
    if not gap or not seen.any() or not len(hull):
        return []
    known = np.flatnonzero(seen)
    before, after = known[known <= row], known[known >= row]
    ends = []
    for rows, step in ((before[::-1], 1), (after, -1)):
        if not len(rows):
            continue
        here = _outline(journey, int(rows[0]), hull)
        if here is None:
            continue
        away = abs(row - int(rows[0])) + 1
        onward = here + step * away * _speed(journey, rows[: _SPEED_FRAMES + 1])
        ends.append((here, onward))
    outlines = [_hull(here, onward) for here, onward in ends]
    if len(before) and len(after) and before[-1] == after[0]:
        # Seen here, but not on a frame beside: on the way to where it is seen next, or from where it was last.
        earlier, later = known[known < row], known[known > row]
        others = [rows[at] for rows, at, side in ((earlier, -1, row - 1), (later, 0, row + 1)) if len(rows) and
                  0 <= side < len(seen) and not seen[side]]  # fmt: skip
        here = _outline(journey, row, hull)
        for other in others:
            there = _outline(journey, int(other), hull)
            if here is not None and there is not None:
                outlines.append(_hull(here, there))
    elif len(ends) == 2:
        outlines.append(_hull(ends[0][0], ends[1][0]))
    return outlines


def _outline(journey: Journey, row: int, hull: Float64) -> Float64 | None:
    homography = journey.places[row].homography
    depth = hull @ homography[2, :2] + homography[2, 2]
    if (depth <= 1e-6).any():
        return None
    return np.asarray((hull @ homography[:2, :2].T + homography[:2, 2]) / depth[:, None])


def _speed(journey: Journey, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Float64:
    """Return how far the region's middle goes per frame, over rows on which it was seen, the nearest first."""
    if len(rows) < 2 or abs(int(rows[0]) - int(rows[-1])) != len(rows) - 1:
        rows = rows[:2]
        if len(rows) < 2 or abs(int(rows[0]) - int(rows[1])) != 1:
            return np.zeros(2)
    chart = journey.surface.chart
    middles = [chart.corners_of(journey.places[int(row)].homography).reshape(4, 2).mean(axis=0) for row in rows]
    return np.asarray((middles[0] - middles[-1]) / (int(rows[0]) - int(rows[-1])))


def _hull(one: Float64, other: Float64) -> Float64:
    points = np.concatenate([one, other]).astype(np.float32)
    return np.asarray(cv2.convexHull(points).reshape(-1, 2), np.float64)
