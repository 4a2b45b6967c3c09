"""How a region moved from one frame to the next: sparse points followed there and back.

A first guess for engine.motion.align, which does not drift; this does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.motion.chart import Chart, project
from engine.motion.frame import Float32, Float64, MotionFrame, UInt8

_POINTS = 160
_WINDOW_PX = 21
_LEVELS = 4
_THERE_AND_BACK_PX = 1.0
_INLIER_PX = 1.5
_LEAST_ROUNDNESS = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Increment:
    """A motion from one frame to the next.

    Attributes:
        motion: 3x3 affine, frame pixels to frame pixels. share: of the points that agree with it, 0 to 1.
    """

    motion: Float64
    share: float


def corners_of_texture(frame: MotionFrame, alpha: Float32, chart: Chart) -> Float64:
    """Return up to 160 points inside the region that can be followed, float64 [n, 2] in anchor pixels."""
    found = cv2.goodFeaturesToTrack(
        frame.luma,
        _POINTS,
        0.005,
        max(3.0, chart.radius / 14),
        mask=(alpha >= 0.5).astype(np.uint8),
        blockSize=5,
    )
    if found is None:
        return np.zeros((0, 2))
    points = found.reshape(-1, 2)
    return np.asarray(points[_are_corners(frame, points)], np.float64)


def _are_corners(frame: MotionFrame, points: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which points hold in both directions: along a straight edge only noise does, and the point slides."""
    columns, rows = np.rint(points).astype(np.int64).T
    x0, y0 = max(0, int(columns.min()) - 8), max(0, int(rows.min()) - 8)
    part = frame.luma[y0 : int(rows.max()) + 9, x0 : int(columns.max()) + 9]
    values = np.asarray(cv2.cornerEigenValsAndVecs(part, 5, 3), np.float32)[rows - y0, columns - x0, :2]
    return np.asarray(values.min(axis=1) > _LEAST_ROUNDNESS * values.max(axis=1), np.bool_)


def increment(
    before: MotionFrame, after: MotionFrame, points: Float64, homography: Float64, guess: Float64
) -> Increment | None:
    """Return how the region moved between two frames, or None where too few points could be followed.

    Args:
        before: the frame on which the region is known.
        after: the next one.
        points: float64 [n, 2] in anchor pixels.
        homography: 3x3, anchor pixels to pixels of `before`.
        guess: 3x3, where the region is expected on `after`.
    """
    if len(points) < 6:
        return None
    start, expected = project(homography, points), project(guess, points)
    both = np.concatenate([start, expected])
    room = 24 + 0.15 * float(np.ptp(start, axis=0).max())
    x0, y0 = (int(max(0, value)) for value in np.floor(both.min(axis=0) - room))
    x1 = int(min(before.width, np.ceil(both[:, 0].max() + room)))
    y1 = int(min(before.height, np.ceil(both[:, 1].max() + room)))
    if x1 - x0 < 32 or y1 - y0 < 32:
        return None
    one, other = before.luma[y0:y1, x0:x1], after.luma[y0:y1, x0:x1]
    inside = ((start > (x0 + 2, y0 + 2)) & (start < (x1 - 3, y1 - 3))).all(axis=1)
    if inside.sum() < 6:
        return None
    here = np.ascontiguousarray((start[inside] - (x0, y0))[:, None], np.float32)
    there = np.ascontiguousarray((expected[inside] - (x0, y0))[:, None], np.float32)
    there, ok = _followed(one, other, here, there)
    back, ok_back = _followed(other, one, there, here.copy())
    good = ok & ok_back & (np.abs(back - here).max(axis=(1, 2)) < _THERE_AND_BACK_PX)
    if good.sum() < 6:
        return None
    source, target = here[good, 0].astype(np.float64), there[good, 0].astype(np.float64)
    matrix, inliers = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=_INLIER_PX, maxIters=300, confidence=0.995
    )
    if matrix is None:
        return None
    share = float(inliers.sum()) / len(here)
    shift = np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1.0]])
    motion = shift @ np.vstack([matrix, [0, 0, 1.0]]) @ np.linalg.inv(shift)
    return Increment(motion, share)


def _followed(one: UInt8, other: UInt8, points: Float32, guess: Float32) -> tuple[Float32, NDArray[np.bool_]]:
    """Return where points [n, 1, 2] of one picture are on the other, and which were found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        one,
        other,
        points,
        guess,
        winSize=(_WINDOW_PX, _WINDOW_PX),
        maxLevel=_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(there, np.float32), np.asarray(found).ravel().astype(np.bool_)
