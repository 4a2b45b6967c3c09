"""How the camera moved: the background's homography from frame to frame, without what moves on its own.

What is in front is given as masks; nothing here finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from engine.control import CancelToken, Progress
from engine.model.time import Range
from engine.motion.frame import Float64, FrameReader, MotionFrame, UInt8
from engine.motion.shot import is_cut

_WORKING_WIDTH = 640
_POINTS = 500
_LEAST_POINTS = 12
_STILL_PX = 1.0
"""A camera whose corners move less than this over STILL_FRAMES stands still."""
_STILL_FRAMES = 5

Covered = Callable[[int], UInt8 | None]
"""Returns where a frame's background is hidden, uint8 [H, W] nonzero, or None where nothing is."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraPath:
    """The background's motion over a run of frames within one shot.

    Attributes:
        frames: those it is known for. to_frame: float64 [n, 3, 3], pixels of the first frame to pixels of each.
        still: whether the camera stood still throughout; the matrices are then identities.
    """

    frames: Range
    to_frame: Float64
    still: bool

    def between(self, source: int, goal: int) -> Float64:
        """Return the homography from pixels of one frame to those of another."""
        matrix = self.to_frame[goal - self.frames.start] @ np.linalg.inv(self.to_frame[source - self.frames.start])
        return np.asarray(matrix / matrix[2, 2])


def camera_path(
    read: FrameReader, frames: Range, covered: Covered, progress: Progress, cancel: CancelToken
) -> CameraPath:
    """Return how the background moves over a run of frames; it ends early at a cut.

    Args:
        read: returns a frame.
        frames: the run; not empty.
        covered: where each frame's background is hidden.
        progress: is told of each frame.
        cancel: checked before each frame.

    Raises:
        Cancelled: the work was asked to stop.
    """
    before = read(frames.start)
    whole = [np.eye(3)]
    still = _Stillness(before, covered(frames.start))
    for number in range(frames.start + 1, frames.stop):
        cancel.check()
        after = read(number)
        if is_cut(before, after):
            break
        hidden = covered(number)
        step = _step(before, after, covered(number - 1))
        whole.append(step @ whole[-1])
        still.see(number - frames.start, after, hidden)
        before = after
        progress.report("following the background", (number - frames.start) / len(frames))
    matrices = np.array([item / item[2, 2] for item in whole])
    if still.holds:
        matrices = np.broadcast_to(np.eye(3), matrices.shape).copy()
    return CameraPath(Range(frames.start, frames.start + len(whole)), matrices, still.holds)


class _Stillness:
    """Compares every fifth frame with the first."""

    def __init__(self, first: MotionFrame, hidden: UInt8 | None) -> None:
        self._first, self._hidden = first, hidden
        self.holds = True

    def see(self, distance: int, frame: MotionFrame, _: UInt8 | None) -> None:
        if not self.holds or distance % _STILL_FRAMES:
            return
        pairs = _pairs(self._first, frame, self._hidden)
        if pairs is None:
            return
        moved = np.hypot(*(pairs[1] - pairs[0]).T)
        scale = self._first.width / _WORKING_WIDTH
        if float(np.median(moved)) > _STILL_PX * max(1.0, scale) * 0.5 or float(np.mean(moved > 1.5 * scale)) > 0.5:
            self.holds = False


def _step(before: MotionFrame, after: MotionFrame, hidden: UInt8 | None) -> Float64:
    pairs = _pairs(before, after, hidden)
    if pairs is None:
        return np.eye(3)
    source, goal = pairs
    threshold = 1.0 * before.width / _WORKING_WIDTH
    matrix, inliers = cv2.findHomography(source, goal, cv2.USAC_MAGSAC, threshold, maxIters=2000, confidence=0.999)
    if matrix is None or inliers.sum() < _LEAST_POINTS:
        return np.eye(3)
    inside = inliers.ravel() > 0
    # Few points in one corner do not fix a perspective.
    if inside.sum() < 40:
        affine, _ = cv2.estimateAffine2D(source[inside], goal[inside])
        return np.eye(3) if affine is None else np.asarray(np.vstack([affine, [0, 0, 1.0]]))
    return np.asarray(matrix)


def _pairs(before: MotionFrame, after: MotionFrame, hidden: UInt8 | None) -> tuple[Float64, Float64] | None:
    """Return points of the background on two frames, float64 [n, 2] each, in their own pixels."""
    scale = min(1.0, _WORKING_WIDTH / before.width)
    size = round(before.width * scale), round(before.height * scale)
    one, other = (
        np.asarray(cv2.resize(frame.luma, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in (before, after)
    )
    mask = np.full(one.shape, 255, np.uint8)
    if hidden is not None:
        small = cv2.resize((hidden > 0).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        mask[cv2.dilate(np.asarray(small, np.uint8), np.ones((9, 9), np.uint8)) > 0] = 0
    points = cv2.goodFeaturesToTrack(one, _POINTS, 0.005, 7, mask=mask)
    if points is None or len(points) < _LEAST_POINTS:
        return None
    there, ok, _ = cv2.calcOpticalFlowPyrLK(one, other, points, np.empty_like(points), winSize=(21, 21), maxLevel=4)
    back, ok_back, _ = cv2.calcOpticalFlowPyrLK(other, one, there, np.empty_like(points), winSize=(21, 21), maxLevel=4)
    good = (ok.ravel() > 0) & (ok_back.ravel() > 0) & (np.abs(np.asarray(back) - points).max(axis=(1, 2)) < 0.7)
    if good.sum() < _LEAST_POINTS:
        return None
    per_pixel = np.array([before.width / size[0], before.height / size[1]])
    source = (points[good, 0].astype(np.float64) + 0.5) * per_pixel - 0.5
    goal = (np.asarray(there)[good, 0].astype(np.float64) + 0.5) * per_pixel - 0.5
    return source, goal
