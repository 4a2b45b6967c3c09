"""Another place of the same frame, the surroundings of which look like those of a hole: what is there continues it."""

from __future__ import annotations

import cv2
import numpy as np

from engine.motion.frame import Float32, MotionFrame, UInt8

_SEARCH_SIZE = 480
_RING_SHARE, _LEAST_RING_PX = 0.25, 6
_LIKE = 0.5
"""Where surroundings differ by more than this share of their own contrast, they are not alike."""
_MOST_CONTENTS = 1.5
"""What stands in has no more than so many times the contrast of the surroundings."""
_NEARER = 0.15
"""What a place loses for each frame's size that it is away, as a share of the contrast."""


def place_like(frame: MotionFrame, hole: UInt8, taken: UInt8) -> tuple[int, int] | None:
    """Return the shift (x, y) in pixels from a hole to the place that could stand in for it; None where none is like.

    Args:
        frame: with the hole.
        hole: uint8 [H, W], nonzero where the picture is to be continued.
        taken: uint8 [H, W], nonzero where nothing may be taken from.
    """
    height, width = hole.shape
    factor = min(1.0, _SEARCH_SIZE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    planes = [
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA)) for plane in (frame.luma, *frame.chroma)
    ]
    inside, barred = (
        (np.asarray(cv2.resize((mask > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0).astype(np.uint8)
        for mask in (hole, taken)
    )
    found = _best([plane.astype(np.float32) for plane in planes], inside, barred | inside)
    if found is None:
        return None
    return _refined(frame.luma, hole, round(found[0] / factor), round(found[1] / factor), int(np.ceil(1 / factor)))


def _best(planes: list[Float32], hole: UInt8, barred: UInt8) -> tuple[int, int] | None:
    box, ring = _ring(hole)
    rows, columns = box
    wanted = ring[box].astype(np.float32)
    count = float(wanted.sum())
    if count < 16:
        return None
    total: Float32 | None = None
    contrast = 0.0
    for plane in planes:
        around = plane[box]
        apart = cv2.matchTemplate(plane, around, cv2.TM_SQDIFF, mask=wanted) / count
        total = np.asarray(apart if total is None else total + apart, np.float32)
        contrast += float(around[wanted > 0].var())
    overlap = cv2.matchTemplate(barred.astype(np.float32), hole[box].astype(np.float32), cv2.TM_CCORR)
    if total is None:
        return None
    y, x = np.mgrid[0 : total.shape[0], 0 : total.shape[1]]
    away = np.hypot(y - rows.start, x - columns.start) / max(hole.shape)
    cost = np.where(overlap > 0.5, np.inf, total + _NEARER * contrast * away)
    at_y, at_x = np.unravel_index(int(np.argmin(cost)), cost.shape)
    if not total[at_y, at_x] < _LIKE * contrast + 4.0 or not np.isfinite(cost[at_y, at_x]):
        return None
    shift = int(at_x) - columns.start, int(at_y) - rows.start
    inner_y, inner_x = np.nonzero(hole)
    contents = sum(float(plane[inner_y + shift[1], inner_x + shift[0]].var()) for plane in planes)
    # A thing of its own in plain surroundings would take the place of what was to go.
    return shift if contents < _MOST_CONTENTS * (contrast + 4.0) else None


def _refined(luma: UInt8, hole: UInt8, dx: int, dy: int, reach: int) -> tuple[int, int]:
    """Return the shift to the pixel, from one that may be off by `reach`."""
    box, ring = _ring(hole)
    rows, columns = box
    best, least = (dx, dy), np.inf
    around, wanted = luma[box].astype(np.float32), ring[box] > 0
    for y in range(dy - reach, dy + reach + 1):
        for x in range(dx - reach, dx + reach + 1):
            top, left = rows.start + y, columns.start + x
            if top < 0 or left < 0 or top + around.shape[0] > luma.shape[0] or left + around.shape[1] > luma.shape[1]:
                continue
            there = luma[top : top + around.shape[0], left : left + around.shape[1]]
            error = float(np.square(around[wanted] - there[wanted]).mean())
            if error < least:
                best, least = (x, y), error
    return best


def _ring(hole: UInt8) -> tuple[tuple[slice, slice], UInt8]:
    """Return the box of a hole with its surroundings, and the surroundings as a mask of the frame."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    size = min(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) + 1
    reach = max(_LEAST_RING_PX, round(_RING_SHARE * size))
    box = (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )
    ring = np.zeros_like(hole)
    ring[box] = 1
    ring[hole > 0] = 0
    return (
        slice(box[0].start, min(box[0].stop, hole.shape[0])),
        slice(box[1].start, min(box[1].stop, hole.shape[1])),
    ), ring
