"""Show a patch on one frame of its journey: the matte there for the tools, the carried content, the faded rest."""

from __future__ import annotations

import cv2
import numpy as np

from engine.model.patch import Follow, WhenLost
from engine.motion.exposure import TAPS
from engine.motion.frame import Float32
from engine.motion.place import Place, blurred_maps
from engine.motion.track import Found
from engine.patches.blend import Planes
from engine.patches.carry import Content, Warped, carried, looked_at, target, warp
from engine.patches.cover import hull_of, swept_by
from engine.patches.matte import Matte, window
from engine.patches.propagate import Journey

_COVER_MARGIN_PX = 2.0
_MOST_KERNEL_PX = 10
_MOST_COVER = 1.5
"""A lost region is covered up to so many of its own half sizes further out."""
_COVER_GROWTH = 0.04
"""Of its half size, per lost frame."""
_PARTED_GROWTH = 0.2
"""The same per frame on which a part of it goes its own way, of which only the other part is followed."""


def shown(
    content: Content, journey: Journey, follow: Follow, frame: int, planes: Planes, filmed: Planes | None = None
) -> Planes:
    """Return a frame with a patch's carried content on it.

    Args:
        content: the anchor with and without the edit.
        journey: where the patch is.
        follow: HYBRID to match light, blur, grain and what is in front; otherwise the edit goes on as it is.
        frame: the frame's number.
        planes: the frame; not modified.
        filmed: the frame as it was filmed, where `planes` were changed by others; tells light, grain, what is in front.
    """
    filmed = planes if filmed is None else filmed
    warped = warped_on(content, journey, frame)
    if warped is None:
        return planes
    opacity = float(journey.opacity[journey.row(frame)])
    if follow is not Follow.HYBRID or frame == journey.anchor:
        return carried(content, warped, planes, filmed, None, opacity)
    return carried(content, warped, planes, filmed, looked_at(content, warped, filmed), opacity)


def warped_on(content: Content, journey: Journey, frame: int) -> Warped | None:
    """Return carried content as it lies on a frame, blurred as the frame is; None where it is off it."""
    place, beside = journey.places[journey.row(frame)], journey.beside(frame)
    shutter = journey.exposure.shutter_at(journey.surface.speed_px(*beside) / 2, content.matte.height)
    return warp(content, place, beside, shutter)


def matte_on(matte: Matte, journey: Journey, when_lost: WhenLost, frame: int) -> Matte | None:
    """Return a patch's matte on a frame, or None where it is off it: where a blur, a fill or a grade works.

    To COVER it reaches further than the region by as much as its place is unsure, takes in the whole path of a moving
    one, and stays (and grows) where the region is lost; it never covers less.

    Args:
        matte: on the anchor.
        journey: where the patch is.
        when_lost: FADE or COVER.
        frame: the frame's number.
    """
    row = journey.row(frame)
    if when_lost is WhenLost.COVER:
        return _cover(matte, journey, frame)
    place, opacity = journey.places[row], float(journey.opacity[row])
    box = target(journey.surface, matte, place, None)
    if box is None or opacity <= 0:
        return None
    alpha = _sampled(matte, journey, place, None, box)
    return _bordered(alpha * np.float32(opacity) if opacity < 1 else alpha, matte, box[0], box[1])


def _cover(matte: Matte, journey: Journey, frame: int) -> Matte | None:
    """Return a matte that leaves nothing of the region uncovered, wherever it may be on a frame."""
    row = journey.row(frame)
    place, beside = journey.places[row], journey.beside(frame)
    hull = hull_of(matte)
    if not len(hull):
        return None
    swept = swept_by(journey, row, hull)
    reach = int(np.ceil(_cover_px(journey, row)))
    box = target(journey.surface, matte, place, beside)
    if box is None:
        # A place beside may be no place to look from; this one still is.
        beside = place, place
        box = target(journey.surface, matte, place, None)
    boxes = [] if box is None else [box]
    for outline in swept:
        low, high = np.floor(outline.min(axis=0)), np.ceil(outline.max(axis=0)) + 1
        boxes.append((*low.astype(int).tolist(), *high.astype(int).tolist()))
    if not boxes:
        return None
    edges = np.array(boxes)
    left, top = np.maximum(edges[:, :2].min(axis=0) - reach, 0).tolist()
    right, bottom = np.minimum(edges[:, 2:].max(axis=0) + reach, (matte.width, matte.height)).tolist()
    if right <= left or bottom <= top:
        return None
    x0, y0, x1, y1 = window(left, top, right, bottom, matte.width, matte.height)
    if box is None:
        alpha: Float32 = np.zeros((y1 - y0, x1 - x0), np.float32)
    else:
        alpha = _sampled(matte, journey, place, beside, (x0, y0, x1, y1))
    for outline in swept:
        points = np.rint((outline - (x0, y0)) * 16).astype(np.int32)
        cv2.fillConvexPoly(alpha, points, 1.0, lineType=cv2.LINE_8, shift=4)
    return _bordered(widened(alpha, reach), matte, x0, y0)


def _sampled(
    matte: Matte,
    journey: Journey,
    place: Place,
    beside: tuple[Place, Place] | None,
    box: tuple[int, int, int, int],
) -> Float32:
    """Return a matte on a window of a frame: at one place, or all along its path between the places beside."""
    y, x = np.mgrid[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    left, top = np.float32(matte.x), np.float32(matte.y)
    maps = blurred_maps(journey.surface, place, beside, 0.0 if beside is None else 1.0, x, y, TAPS)
    alpha = np.zeros(x.shape, np.float32)
    for map_x, map_y in maps:
        sampled = cv2.remap(matte.alpha, map_x - left, map_y - top, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        alpha = np.maximum(alpha, sampled)
    return alpha


def widened(alpha: Float32, reach: int) -> Float32:
    """Return a matte that reaches further on all sides; a wide reach by distance, which costs the same at any width."""
    if reach <= _MOST_KERNEL_PX:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        return np.asarray(cv2.dilate(alpha, kernel), np.float32)
    away = cv2.distanceTransform((alpha <= 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.maximum(alpha, np.clip(reach + 2.0 - np.asarray(away, np.float32), 0.0, 1.0)), np.float32)


def _cover_px(journey: Journey, row: int) -> float:
    half = journey.surface.chart.radius
    lost = journey.found[row] == Found.LOST
    reach = _COVER_MARGIN_PX + 2.0 * min(float(journey.sigma_px[row]), half if lost else 0.5 * half)
    if lost:
        known = np.flatnonzero(journey.found != Found.LOST)
        away = int(np.abs(known - row).min()) if len(known) else len(journey.found)
        reach += half * min(_MOST_COVER, 0.1 + _COVER_GROWTH * away)
    else:
        # What was to be hidden may be the part that goes its own way.
        reach += half * min(_MOST_COVER, _PARTED_GROWTH * journey.parted_for(row))
    return reach


def _bordered(alpha: Float32, matte: Matte, x: int, y: int) -> Matte | None:
    """Return the matte with its bounds, its window's border cleared where it is not the frame's own."""
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not len(rows):
        return None
    bounds = (
        float(x + columns[0]),
        float(y + rows[0]),
        float(x + columns[-1] + 1),
        float(y + rows[-1] + 1),
    )
    return Matte(matte.width, matte.height, x, y, np.ascontiguousarray(alpha, np.float32), bounds)
