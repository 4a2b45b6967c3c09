"""What an MP4's edit list makes of its coded units: which count, which are shown, and when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnsupportedMedia
from engine.index.timestamps import Timestamps, apart, decode_times
from engine.media.demux import NO_TIME, EditedPackets
from engine.model.distinct import distinct
from engine.model.frame_index import Int64


def is_given(positions: Int64, edited: EditedPackets) -> NDArray[np.bool_]:
    """Tell which of a file's packets count: those that FFmpeg gives under the edit list, all if it gives some twice."""
    rows = _rows(positions, edited.position)
    if (np.diff(rows) <= 0).any() or not rows.size:
        return np.ones(positions.size, np.bool_)
    given = np.zeros(positions.size, np.bool_)
    given[rows] = True
    return given


def as_edited(times: Timestamps, shown_pts: Int64) -> Timestamps:
    """Apply an MP4's edit list: move the times of the media to those of the film.

    All units are moved alike, so that what the list hides keeps its place between what it shows. Where the list leaves
    out a piece in the middle, that is not possible: then what it hides goes before the film's start, and the times are
    not exact.

    Args:
        times: of the media.
        shown_pts: int64 ticks of each unit as shown, NO_TIME where it is hidden.
    """
    shown = np.flatnonzero(shown_pts != NO_TIME)
    if not shown.size:
        return times
    moves = shown_pts[shown] - times.pts[shown]
    if (moves == moves[0]).all():
        return Timestamps(times.pts + moves[0], times.dts + moves[0], times.exact)
    in_order = shown[np.argsort(times.pts[shown], kind="stable")]
    hidden = np.flatnonzero(shown_pts == NO_TIME)
    hidden = hidden[np.argsort(times.pts[hidden], kind="stable")]
    pts = shown_pts.copy()
    pts[in_order] = apart(shown_pts[in_order])
    pts[hidden] = pts[shown].min() - np.arange(hidden.size, 0, -1)
    return Timestamps(pts, decode_times(pts, np.full(pts.size, NO_TIME), 1), exact=False)


def shown_times(path: Path, pts: Int64, positions: Int64, edited: EditedPackets) -> Int64:
    """Return the edited time of each unit, NO_TIME for those that are not shown.

    Args:
        path: for messages.
        pts: int64 ticks of each unit in the media.
        positions: int64 byte position of each unit.
        edited: what FFmpeg gives.

    Raises:
        UnsupportedMedia: units are shown twice, or in another order than that of the media.
    """
    shown = ~edited.hidden & np.isin(edited.position, positions)
    units = _rows(positions, edited.position[shown])
    stored_apart = distinct(positions).size == positions.size
    if stored_apart and distinct(units).size < units.size:
        raise UnsupportedMedia(
            f"{path}: its edit list, as it is read here, shows pictures twice; convert it first, then edit the result"
        )
    result = np.full(positions.size, NO_TIME, np.int64)
    result[units] = edited.pts[shown]
    in_order = np.argsort(pts, kind="stable")
    if (np.diff(result[in_order][result[in_order] != NO_TIME]) <= 0).any():
        raise UnsupportedMedia(
            f"{path}: its edit list shows pictures in another order than the file's; convert it first, then edit the "
            "result"
        )
    return result


def _rows(positions: Int64, wanted: Int64) -> Int64:
    """Return the row of each wanted position; those that are not there are left out."""
    order = np.argsort(positions, kind="stable")
    at = np.minimum(np.searchsorted(positions[order], wanted), positions.size - 1)
    rows = order[at]
    found: Int64 = rows[positions[rows] == wanted]
    return found
