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

_MOST_PERSPECTIVE = 4.0
"""A place that brings one side of the region so many times as near as another is not believed."""
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
    """Return the outlines that a region may have swept on a frame, float64 [n, 2] each; none where it was surely seen.

    From where it was seen last it may have gone on as it did, or straight to where it is seen next; and there it may
    have come from as it goes on. Beside a gap too, since the shutter is open while it goes.

    Args:
        journey: where the patch is.
        row: of the frame.
        hull: as hull_of returns it, of one point at least.
    """
    outlines: dict[int, Float64] = {}

    def outline(at: int) -> Float64 | None:
        if at not in outlines:
            found = _outline(journey, at, hull)
            if found is None:
                return None
            outlines[at] = found
        return outlines[at]

    def sure(at: int) -> bool:
        return journey.found[at] == Found.SEEN and outline(at) is not None

    count = len(journey.found)
    here = row if sure(row) else None
    earlier = next((at for at in range(row - 1, -1, -1) if sure(at)), None)
    later = next((at for at in range(row + 1, count) if sure(at)), None)
    swept: list[tuple[Float64, Float64]] = []
    if here is not None:
        # Seen here, but not on a frame beside: on the way to where it is seen next, or from where it was last.
        others = [other for other in (earlier, later) if other is not None and abs(other - here) > 1]
        return [_hull(outlines[here], outlines[other]) for other in others]
    for end, step in ((earlier, -1), (later, 1)):
        if end is not None:
            inner = [end]
            while len(inner) <= _SPEED_FRAMES and 0 <= inner[-1] + step < count and sure(inner[-1] + step):
                inner.append(inner[-1] + step)
            onward = outlines[end] + (row - end - step) * _speed(journey, inner)
            swept.append((outlines[end], onward))
    if earlier is not None and later is not None:
        swept.append((outlines[earlier], outlines[later]))
    return [_hull(*ends) for ends in swept]


def _outline(journey: Journey, row: int, hull: Float64) -> Float64 | None:
    """Return the outline on a frame, or None where a part would lie behind the camera or all but there."""
    homography = journey.places[row].homography
    depth = hull @ homography[2, :2] + homography[2, 2]
    if depth.min() * _MOST_PERSPECTIVE <= depth.max():
        return None
    return np.asarray((hull @ homography[:2, :2].T + homography[:2, 2]) / depth[:, None])


def _speed(journey: Journey, rows: list[int]) -> Float64:
    """Return how far the region's middle goes per frame, over consecutive rows on which it was seen."""
    if len(rows) < 2:
        return np.zeros(2)
    chart = journey.surface.chart
    first, last = (
        chart.corners_of(journey.places[at].homography).reshape(4, 2).mean(axis=0) for at in (rows[0], rows[-1])
    )
    return np.asarray((first - last) / (rows[0] - rows[-1]))


def _hull(one: Float64, other: Float64) -> Float64:
    points = np.concatenate([one, other]).astype(np.float32)
    return np.asarray(cv2.convexHull(points).reshape(-1, 2), np.float64)
