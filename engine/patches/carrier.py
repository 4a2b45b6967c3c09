"""What carries a thing: a cup its label, a shirt its print. It moves with the thing, not with what lies behind it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.motion.camera import CameraPath
from engine.motion.frame import Float32, FrameReader
from engine.motion.track import Found
from engine.patches.matte import Matte
from engine.patches.propagate import Journey
from engine.patches.surroundings import through, with_ring

_FROM_PX, _TO_PX = 4, 14
"""The ring that is compared: beyond the region's own edge, and near enough to belong to what it lies on."""
_MOST_COMPARED, _LEAST_TELLING = 12, 2
_APART_PX = 3.0
"""How far the thing's own motion and the background's must lead apart before they can be told from each other."""
_LEAST_SEEN = 0.25
_UNLIKE, _MOST_UNLIKE = 4.0, 40.0
"""Levels of 8 bits from where a ring is another one, and what counts as most."""
_MUCH_LESS = 0.5
_AGREED = 0.8

Visible = Callable[[int, Float32, Float32], Float32]
"""Returns 1 where pixels (x, y) of a frame lie inside it and clear of the thing, float32 of their shape."""


def carrier_path(
    read: FrameReader, matte: Matte, journey: Journey, background: CameraPath, visible: Visible, cancel: CancelToken
) -> CameraPath | None:
    """Return the motion of what carries the thing; None where the thing is by itself in front of the background.

    What touches the region on the anchor is looked for where the thing's own motion leads to, and where that of the
    background does. On a carrier the first is nearly always the same, the second something else; frames on which both
    look alike, as on an even wall, tell nothing.

    Args:
        read: returns frames for comparing.
        matte: of the thing, on the anchor.
        journey: where the thing goes.
        background: how the background moves.
        visible: tells where frames are clear of the thing.
        cancel: checked before each frame.

    Raises:
        Cancelled: the work was asked to stop.
    """
    area = with_ring(matte)
    rows, columns = np.nonzero(_ring(area))
    if not rows.size:
        return None
    x, y = (columns + area.x).astype(np.float32)[None], (rows + area.y).astype(np.float32)[None]
    path = CameraPath(journey.frames, np.array([place.homography for place in journey.places]), still=False)
    was = read(journey.anchor).luma[rows + area.y, columns + area.x].astype(np.float32)
    told: list[bool] = []
    for number in _compared(journey, background):
        cancel.check()
        ways = [through(motion.between(journey.anchor, number), x, y) for motion in (path, background)]
        (own_x, own_y), (behind_x, behind_y) = ways
        seen = np.logical_and(*(visible(number, *way) > 0.5 for way in ways))
        apart_px = float(np.median(np.hypot(own_x - behind_x, own_y - behind_y)))
        if apart_px < _APART_PX or float(seen.mean()) < _LEAST_SEEN:
            continue
        luma = read(number).luma
        own, behind = (_unlike(was[seen[0]], cv2.remap(luma, *way, cv2.INTER_LINEAR)[seen]) for way in ways)
        if max(own, behind) > _UNLIKE:
            told.append(own < _MUCH_LESS * behind)
    return path if len(told) >= _LEAST_TELLING and float(np.mean(told)) > _AGREED else None


def _ring(area: Matte) -> NDArray[np.bool_]:
    hole = (area.alpha > 0).astype(np.uint8)
    narrow, wide = (
        cv2.dilate(hole, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
        for reach in (_FROM_PX, _TO_PX)
    )
    return np.asarray((wide > 0) & (narrow == 0))


def _compared(journey: Journey, background: CameraPath) -> list[int]:
    found = [
        number
        for number in journey.frames
        if number in background.frames and number != journey.anchor and journey.found[journey.row(number)] != Found.LOST
    ]
    return found[:: max(1, -(-len(found) // _MOST_COMPARED))]


def _unlike(one: Float32, other: NDArray[np.generic]) -> float:
    """Return by how many levels two rings differ, their light aside."""
    apart = other.astype(np.float32) - one
    return float(np.minimum(np.abs(apart - np.median(apart)), _MOST_UNLIKE).mean())
