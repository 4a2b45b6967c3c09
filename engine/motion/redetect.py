"""Find a region again after it was lost: by the features of its anchor (Lowe's SIFT)."""

from __future__ import annotations

import cv2
import numpy as np

from engine.motion.chart import Chart
from engine.motion.frame import Float32, Float64, MotionFrame

_LEAST_MATCHES = 9
_RATIO = 0.8
_CONTRASTS = (0.03, 0.012)
_ENOUGH_FEATURES = 60


class Redetector:
    """The features of a region on its anchor, to be looked for in other frames."""

    def __init__(self, frame: MotionFrame, alpha: Float32, chart: Chart, scale: float) -> None:
        self._scale = scale
        room = chart.radius * 0.2
        for contrast in _CONTRASTS:
            # No limit on their number: the limit would keep the strongest of the whole window, not of the region.
            self._sift = cv2.SIFT.create(contrastThreshold=contrast)
            points, self._descriptors = self._features(frame, chart.corners, room)
            inside = (
                alpha[
                    np.clip(np.rint(points[:, 1]), 0, frame.height - 1).astype(np.int64),
                    np.clip(np.rint(points[:, 0]), 0, frame.width - 1).astype(np.int64),
                ]
                >= 0.5
            )
            self._points, self._descriptors = points[inside], self._descriptors[inside]
            if len(self._points) >= _ENOUGH_FEATURES:
                break

    def find(self, frame: MotionFrame, around: Float64, reach_px: float) -> Float64 | None:
        """Return the homography (an affinity) of the region on a frame, or None where it is not recognised.

        Args:
            frame: where to look.
            around: float64 [n, 2], corners of where it may be.
            reach_px: how far from there it may be.
        """
        if len(self._points) < _LEAST_MATCHES:
            return None
        points, descriptors = self._features(frame, around, reach_px)
        if len(points) < _LEAST_MATCHES:
            return None
        pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(self._descriptors, descriptors, k=2)
        matches = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
        if len(matches) < _LEAST_MATCHES:
            return None
        source = self._points[[match.queryIdx for match in matches]]
        target = points[[match.trainIdx for match in matches]]
        matrix, inliers = cv2.estimateAffine2D(
            source, target, method=cv2.RANSAC, ransacReprojThreshold=3.0 / self._scale, maxIters=2000
        )
        if matrix is None or inliers.sum() < max(_LEAST_MATCHES, 0.25 * len(matches)):
            return None
        growth = abs(float(np.linalg.det(matrix[:, :2])))
        if not 0.1 < growth < 10:
            return None
        return np.asarray(np.vstack([matrix, [0, 0, 1.0]]))

    def _features(self, frame: MotionFrame, corners: Float64, room: float) -> tuple[Float64, Float32]:
        low, high = np.floor(corners.min(axis=0) - room), np.ceil(corners.max(axis=0) + room)
        x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
        x1, y1 = min(frame.width, int(high[0])), min(frame.height, int(high[1]))
        nothing = np.zeros((0, 2)), np.zeros((0, 128), np.float32)
        if x1 - x0 < 24 or y1 - y0 < 24:
            return nothing
        crop = np.ascontiguousarray(frame.luma[y0:y1, x0:x1])
        size = max(8, round((x1 - x0) * self._scale)), max(8, round((y1 - y0) * self._scale))
        if self._scale < 1:
            crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
        points, descriptors = self._sift.detectAndCompute(crop, None)
        if descriptors is None:
            return nothing
        per_pixel = (x1 - x0) / crop.shape[1], (y1 - y0) / crop.shape[0]
        places = (np.array([point.pt for point in points]) + 0.5) * per_pixel - 0.5 + (x0, y0)
        return places, np.asarray(descriptors, np.float32)
