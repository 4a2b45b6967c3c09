"""What an edge that is dragged snaps to: cuts, markers, the playhead, in and out, edges of items, keyframes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from app.ui.timeline.content import Content, Int64

REACH_PX = 8
"""Within so many pixels an edge snaps."""


@dataclass(frozen=True, slots=True)
class Snapped:
    """How far a drag goes once it snapped; line: the frame at which the snapping line shows, None where it is free."""

    by: int
    line: int | None = None


def snap_points(
    content: Content, playhead: int, without: Collection[str] = (), keyframes: Int64 | None = None
) -> Int64:
    """Return the frames to snap to, ascending.

    Args:
        content: the timeline.
        playhead: the frame under the playhead.
        without: ids of items that are dragged, and so no points themselves.
        keyframes: timeline frames at which a copy may begin, where they are far enough apart to be seen.
    """
    end = content.timeline.frame_count
    points = [np.array([0, end, playhead], np.int64)]
    if content.project.in_out is not None:
        points.append(np.array([content.project.in_out.start, content.project.in_out.stop], np.int64))
    for row in content.rows:
        if without and any(value.id in without for value in row.items.values):
            kept = np.array([value.id not in without for value in row.items.values], bool)
            points += [row.items.starts[kept], row.items.stops[kept]]
        else:
            points += [row.items.starts, row.items.stops]
    if keyframes is not None:
        points.append(keyframes)
    return np.unique(np.concatenate(points))


def snapped(edges: Sequence[int], by: int, points: Int64, reach_frames: float) -> Snapped:
    """Return how far to move so that the nearest of the moved edges lies on a point within reach.

    Args:
        edges: frames of the edges before the move.
        by: how far the pointer would move them.
        points: ascending frames.
        reach_frames: how near a point must be.
    """
    best: tuple[float, Snapped] | None = None
    for edge in edges:
        at = int(np.searchsorted(points, edge + by))
        for candidate in points[max(0, at - 1) : at + 1].tolist():
            off = abs(candidate - edge - by)
            if off <= reach_frames and (best is None or off < best[0]):
                best = (off, Snapped(candidate - edge, candidate))
    return Snapped(by) if best is None else best[1]
