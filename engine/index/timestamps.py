"""Put a stream's timestamps into a state that can be worked with, and say whether that changed any. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.media.demux import NO_TIME
from engine.model.frame_index import Int64
from engine.model.media import MediaInfo

# A step of the decode clock by more than this, in seconds and in frames, is a break in it, where it also runs back.
_BREAK_S = 1
_BREAK_FRAMES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Timestamps:
    """Timestamps of coded units in decode order.

    Attributes:
        pts: int64 ticks, unique. dts: int64 ticks, non-decreasing, at most the pts.
        exact: whether every pts is the file's own.
    """

    pts: Int64
    dts: Int64
    exact: bool


def repaired(pts: Int64, dts: Int64, step: int, second: int) -> Timestamps:
    """Make a stream's timestamps unique and monotonic.

    Where the clock runs back (recordings put one after the other), each part is moved so that the film goes on without
    a break. Equal presentation times (millisecond clocks of browsers' recorders) are set one tick apart. Decode times
    are made where the file has none.

    Args:
        pts: int64 ticks per unit in decode order; none is missing.
        dts: int64 ticks, NO_TIME where the file has none.
        step: usual ticks from frame to frame, at least 1.
        second: ticks of a second.
    """
    if not pts.size:
        return Timestamps(pts, dts, exact=True)
    moved_by = _moves(pts, dts, step, second)
    moved = pts + moved_by
    order = np.argsort(moved, kind="stable")
    unique = np.empty_like(moved)
    unique[order] = apart(moved[order])
    known = np.where(dts == NO_TIME, NO_TIME, dts + moved_by)
    return Timestamps(unique, decode_times(unique, known, step), exact=bool((unique == pts).all()))


def decode_times(pts: Int64, dts: Int64, step: int) -> Int64:
    """Return decode times that never fall and never exceed the presentation times; the file's own where they do not.

    Args:
        pts: int64 ticks, unique.
        dts: int64 ticks, NO_TIME where the file has none.
        step: usual ticks from frame to frame.
    """
    clock = _completed(pts, dts, step)
    latest = np.minimum.accumulate(pts[::-1])[::-1]
    return np.minimum(np.maximum.accumulate(clock), latest)


def _completed(pts: Int64, dts: Int64, step: int) -> Int64:
    """Return the decode times with those made that are missing."""
    at = np.flatnonzero(dts != NO_TIME)
    if at.size == dts.size:
        return dts
    made = _made_decode_times(pts, step)
    if not at.size:
        return made
    # Made times are kept as far from the file's own as those are at the nearest unit that has one.
    nearest = at[np.minimum(np.searchsorted(at, np.arange(pts.size)), at.size - 1)]
    return np.where(dts != NO_TIME, dts, made + (dts - made)[nearest])


def _made_decode_times(pts: Int64, step: int) -> Int64:
    """The presentation times in order, as many frames late as reordering needs."""
    in_order = np.sort(pts, kind="stable")  # nearly in order already, which a stable sort is fast with
    rank = np.searchsorted(in_order, pts)
    depth = int(np.max(np.arange(pts.size) - rank, initial=0))
    head = in_order[0] - step * np.arange(depth, 0, -1)
    return np.concatenate([head, in_order[: pts.size - depth]])


def _moves(pts: Int64, dts: Int64, step: int, second: int) -> Int64:
    """Return by how many ticks each unit is moved so that the clock does not run back."""
    clock = _completed(pts, dts, step)
    steps = np.diff(clock, prepend=clock[0])
    if not (steps < -step).any():
        return np.zeros_like(pts)
    far = max(_BREAK_S * second, _BREAK_FRAMES * step)
    starts = np.flatnonzero((steps < -step) | (steps > far))
    moves = np.zeros_like(pts)
    bounds = [0, *starts.tolist(), pts.size]
    for previous, start, stop in zip(bounds, bounds[1:], bounds[2:], strict=False):
        former = slice(previous, start)
        behind = int((pts[former] + moves[former]).max()) + step
        moves[start:stop] = behind - int(pts[start:stop].min())
    return moves


def apart(times: Int64) -> Int64:
    """Raise times so that each is at least one tick after the one before it in the array."""
    # What remains after counting up may not fall.
    count = np.arange(times.size)
    return np.maximum.accumulate(times - count) + count


def usual_step(sorted_pts: Int64, info: MediaInfo) -> int:
    """Return the usual ticks from frame to frame, at least 1."""
    gaps = np.diff(sorted_pts)
    gaps = gaps[gaps > 0]
    if gaps.size:
        return max(1, int(np.median(gaps)))
    return max(1, round(1 / (info.video.rate * info.video.time_base)))
