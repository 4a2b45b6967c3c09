"""Continue a picture into a hole with parts of itself: which pixel each missing one is taken from.

He and Sun, "Statistics of patch offsets for image completion" (2012): a few shifts by which the picture repeats itself,
one of them for each pixel, so that lines go on and seams fall where they are not seen. Nothing here copies a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.motion.frame import Float32, MotionFrame
from engine.patches.labelling import labelled
from engine.patches.repetition import Repetition, Shifts

Mask = NDArray[np.bool_]

_SHIFTS = 48
_HOLE_PIXELS, _CROP_PIXELS = 4500, 65_000
"""The labels are chosen on a picture so small that its hole and all of it have at most so many pixels."""
_REACH, _LEAST_REACH_PX = 1.25, 64
"""How far around a hole it is looked, in its own sizes."""
_LEVELS = 20.0
"""A seam between values that differ by so many levels costs 1."""
_UNTOLD = 2.0
"""What it costs where one of two neighbours' places is itself missing, so that nothing is known of the seam."""
_SEAM = 1.5
"""What any seam costs: without it many pieces of what is plain are cheaper than one that goes on with a pattern."""
_CONTEXT_PX, _CONTEXT_WEIGHT, _CONTEXT_MOST = 7, 3.0, 8.0
_NEVER = 1e4
_FEWEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class ShiftMap:
    """Where each pixel of a box is taken from.

    Attributes:
        x, y: the box's first pixel in the frame.
        labels: int [h, w], the number of the pixel's shift; -1 where the picture is known or nothing continues it.
        shifts: int [K, 2], (x, y) from a pixel to the one it is taken from.
    """

    x: int
    y: int
    labels: NDArray[np.intp]
    shifts: Shifts


def shift_map(frame: MotionFrame, hole: Mask, barred: Mask, cancel: CancelToken) -> ShiftMap | None:
    """Return what continues a frame into a hole; None where it does not repeat itself enough.

    Args:
        frame: with the hole.
        hole: bool [H, W], where the picture is missing.
        barred: bool [H, W], where nothing may be taken from besides.
        cancel: checked between steps.

    Raises:
        Cancelled: the work was asked to stop.
    """
    box = _around(hole)
    inside, closed = hole[box], (hole | barred)[box]
    picture = _picture(frame, box)
    size = _small_size(inside)
    small, missing = _reduced(picture, inside, size)
    _, shut = _reduced(picture, closed, size)
    cancel.check()
    repetition = Repetition(small, ~shut, _SHIFTS)
    cancel.check()
    shifts = repetition.refined(picture[..., 0], ~closed)
    if len(shifts) < _FEWEST:
        return None
    chosen = _chosen(small, missing, shut, shifts, _scale(picture, small), cancel)
    labels = cv2.resize(chosen.astype(np.int16), inside.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(np.intp)
    labels = _allowed(labels, shifts, inside, closed)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return ShiftMap(box[1].start + int(columns[0]), box[0].start + int(rows[0]), labels[part], shifts)


def _around(hole: Mask) -> tuple[slice, slice]:
    """Return the box of a frame in which a hole's continuation is looked for; it begins at whole chroma samples."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    size = min(max(np.ptp(rows), np.ptp(columns)) + 1, 2 * np.sqrt(float(hole.sum())))
    reach = max(_LEAST_REACH_PX, round(_REACH * size))
    return (
        slice(max(0, int(rows[0]) - reach) // 4 * 4, min(hole.shape[0], int(rows[-1]) + 1 + reach)),
        slice(max(0, int(columns[0]) - reach) // 4 * 4, min(hole.shape[1], int(columns[-1]) + 1 + reach)),
    )


def _picture(frame: MotionFrame, box: tuple[slice, slice]) -> Float32:
    """Return a box of a frame at luma size, float32 [h, w, C]."""
    luma = frame.luma[box].astype(np.float32)
    planes = [luma]
    for plane in frame.chroma:
        down, across = round(frame.height / plane.shape[0]), round(frame.width / plane.shape[1])
        part = plane[box[0].start // down :, box[1].start // across :]
        part = part[: -(-luma.shape[0] // down), : -(-luma.shape[1] // across)]
        large = cv2.resize(part, (part.shape[1] * across, part.shape[0] * down), interpolation=cv2.INTER_LINEAR)
        planes.append(large[: luma.shape[0], : luma.shape[1]].astype(np.float32))
    return np.stack(planes, axis=2)


def _small_size(inside: Mask) -> tuple[int, int]:
    height, width = inside.shape
    factor = min(1.0, np.sqrt(_HOLE_PIXELS / max(1, inside.sum())), np.sqrt(_CROP_PIXELS / inside.size))
    return max(8, round(width * factor)), max(8, round(height * factor))


def _reduced(picture: Float32, unknown: Mask, size: tuple[int, int]) -> tuple[Float32, Mask]:
    """Return the picture at a (width, height), and where that is unknown."""
    known = (~unknown).astype(np.float32)
    weight = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), np.float32)
    total = np.asarray(cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA), np.float32)
    return (np.atleast_3d(total) / np.maximum(weight, 1e-3)[..., None]).astype(np.float32), weight < 0.99


def _scale(picture: Float32, small: Float32) -> tuple[float, float]:
    return picture.shape[1] / small.shape[1], picture.shape[0] / small.shape[0]


def _chosen(
    small: Float32, missing: Mask, shut: Mask, shifts: Shifts, scale: tuple[float, float], cancel: CancelToken
) -> NDArray[np.intp]:
    """Return the number of each small pixel's shift, -1 where the picture is known."""
    rows, columns = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
    margin = _CONTEXT_PX // 2 + 1
    box = (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, columns[0] - margin), columns[-1] + 1 + margin),
    )
    inside = missing[box]
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    nodes = cv2.dilate(inside.astype(np.uint8), cross) > 0
    look, open_, context = _looks(small, missing, shut, shifts, scale, box, nodes)
    unknown = inside[nodes]
    own = np.where(open_, _CONTEXT_WEIGHT * context, _NEVER).astype(np.float32)
    # Label 0 is the picture itself: of what is known, and of nothing else.
    own[unknown, 0] = _NEVER
    own[~unknown] = _NEVER
    own[~unknown, 0] = 0
    cancel.check()
    labels = labelled(nodes, own, _meeting(look, open_, unknown), cancel)
    result = np.full(missing.shape, -1, np.intp)
    grid = np.full(inside.shape, -1, np.intp)
    grid[nodes] = np.where(unknown, labels - 1, -1)
    result[box] = grid
    return result


def _looks(
    small: Float32,
    missing: Mask,
    shut: Mask,
    shifts: Shifts,
    scale: tuple[float, float],
    box: tuple[slice, slice],
    nodes: Mask,
) -> tuple[Float32, Mask, Float32]:
    """Return what each label shows at each node, whether that is known, and how far it departs from what is around.

    Returns:
        float32 [n, K, F], bool [n, K] and float32 [n, K]; label 0 is the picture itself, k + 1 is shift k.
    """
    planes = [np.ascontiguousarray(small[..., index]) / np.float32(_LEVELS) for index in range(small.shape[2])]
    channels = [cv2.merge([plane, _slope(plane, 1, 0), _slope(plane, 0, 1)]) for plane in planes]
    height, width = missing.shape
    y, x = np.mgrid[box[0], box[1]].astype(np.float32)
    y, x = y[: nodes.shape[0], : nodes.shape[1]], x[: nodes.shape[0], : nodes.shape[1]]
    known = (~missing[box]).astype(np.float32)
    looks, opens, departs = [], [], []
    unseen = shut.astype(np.float32)
    base: list[Float32] = []
    for dx, dy in ((0, 0), *shifts):
        at_x, at_y = x + np.float32(dx / scale[0]), y + np.float32(dy / scale[1])
        parts = [
            np.asarray(cv2.remap(item, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
            for item in channels
        ]
        lost = cv2.remap(unseen, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1)
        inside = (at_x >= 0) & (at_y >= 0) & (at_x <= width - 1) & (at_y <= height - 1)
        base = base or parts
        apart = sum(np.square(part - first).sum(axis=2) for part, first in zip(parts, base, strict=True))
        apart = np.minimum(apart, _CONTEXT_MOST) * known
        departs.append(cv2.boxFilter(np.asarray(apart, np.float32), -1, (_CONTEXT_PX, _CONTEXT_PX))[nodes])
        looks.append(np.concatenate([part[nodes] for part in parts], axis=1))
        opens.append((inside & (np.asarray(lost) < 0.01))[nodes])
    return np.stack(looks, axis=1), np.stack(opens, axis=1), np.stack(departs, axis=1)


def _slope(plane: Float32, across: int, down: int) -> Float32:
    return np.asarray(cv2.Sobel(plane, cv2.CV_32F, across, down, ksize=3, scale=0.25), np.float32)


def _meeting(look: Float32, open_: Mask, unknown: Mask) -> Float32:
    """Return what two labels that meet at a node cost, float32 [n, K, K]: how much they differ there."""
    length = np.square(look).sum(axis=2)
    cost = length[:, :, None] + length[:, None, :] - 2 * (look @ look.transpose(0, 2, 1))
    np.maximum(cost, 0, out=cost)
    cost[~(open_[:, :, None] & open_[:, None, :])] = _UNTOLD
    # Both of two neighbours count it.
    cost += np.float32(_SEAM / 2)
    cost[unknown, 0, :] = 0
    cost[unknown, :, 0] = 0
    same = np.arange(look.shape[1])
    cost[:, same, same] = 0
    return np.asarray(cost, np.float32)


def _allowed(labels: NDArray[np.intp], shifts: Shifts, inside: Mask, closed: Mask) -> NDArray[np.intp]:
    """Return labels that all lead to what is known; where one does not, a neighbour's that does; -1 where none does."""
    labels = np.where(inside, labels, -1)
    left = inside & ~_leads(labels, shifts, closed)
    while left.any():
        before = int(left.sum())
        for axis, step in ((0, 1), (1, 1), (0, -1), (1, -1)):
            offered = np.where(left, np.roll(labels, step, axis), labels)
            taken = left & inside & _leads(offered, shifts, closed)
            labels = np.where(taken, offered, labels)
            left &= ~taken
        if int(left.sum()) == before:
            break
    return np.where(left, -1, labels)


def _leads(labels: NDArray[np.intp], shifts: Shifts, closed: Mask) -> Mask:
    height, width = closed.shape
    y, x = np.mgrid[0:height, 0:width]
    at_x, at_y = x + shifts[labels, 0], y + shifts[labels, 1]
    inside = (labels >= 0) & (at_x >= 0) & (at_y >= 0) & (at_x < width) & (at_y < height)
    return np.asarray(inside & ~closed[np.clip(at_y, 0, height - 1), np.clip(at_x, 0, width - 1)], bool)
