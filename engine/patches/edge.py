"""Refine a drawn region to the edge of the object in it (GrabCut: Rother, Kolmogorov and Blake, 2004), with strokes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import EditRefused
from engine.patches.matte import Float32, Matte, window

_WORKING_PX = 420
_ROUNDS = 5
_SURE_INSIDE = 0.45
"""A pixel deeper inside than this share of the deepest is taken for the object."""
_LEAST_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Stroke:
    """A brush stroke: points in decoded pixels, and the brush's radius in pixels."""

    points: tuple[tuple[float, float], ...]
    radius_px: float


def refined(
    rgb: NDArray[np.uint8], matte: Matte, keep: tuple[Stroke, ...] = (), drop: tuple[Stroke, ...] = ()
) -> Matte:
    """Return the matte drawn in to the object's edge.

    Args:
        rgb: uint8 [H, W, 3], the frame, not rotated for display.
        matte: the drawn region.
        keep: strokes over what belongs to the object.
        drop: strokes over what does not.

    Raises:
        EditRefused: the frame is not the matte's, or no object was found.
    """
    if rgb.shape[:2] != (matte.height, matte.width):
        raise EditRefused(f"the frame is {rgb.shape[1]}x{rgb.shape[0]}, the matte {matte.width}x{matte.height}")
    height, width = matte.alpha.shape
    room = max(8, round(0.12 * max(height, width)))
    x0, y0, x1, y1 = window(
        matte.x - room, matte.y - room, matte.x + width + room, matte.y + height + room, matte.width, matte.height
    )
    drawn = matte.full()[y0:y1, x0:x1]
    scale = min(1.0, _WORKING_PX / max(x1 - x0, y1 - y0))
    size = max(8, round((x1 - x0) * scale)), max(8, round((y1 - y0) * scale))
    small = np.asarray(cv2.resize(rgb[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA), np.uint8)
    shape = np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), np.float32)
    labels = _labels(shape, (x0, y0), scale, keep, drop)
    found = _cut(small, labels)
    share = float(found.sum()) / max(float((labels != cv2.GC_BGD).sum()), 1.0)
    if share < _LEAST_SHARE:
        raise EditRefused("no object was found in the region; brush over it to say what to keep")
    full = cv2.resize(found.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    alpha = _along_edges(np.asarray(full, np.float32), rgb[y0:y1, x0:x1], max(2, round(2 / scale)))
    alpha *= cv2.dilate((drawn > 0).astype(np.float32), np.ones((3, 3), np.uint8))
    whole = np.zeros((matte.height, matte.width), np.float32)
    whole[y0:y1, x0:x1] = alpha
    return Matte.of_full(whole)


def _labels(
    drawn: Float32, origin: tuple[int, int], scale: float, keep: tuple[Stroke, ...], drop: tuple[Stroke, ...]
) -> NDArray[np.uint8]:
    """Return GrabCut's labels: outside surely not, the depth of the region likely, strokes surely."""
    inside = (drawn > 0.5).astype(np.uint8)
    labels = np.where(inside > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    deepest = float(depth.max())
    # A freehand line is loose: near it the object may end already.
    labels[(inside > 0) & (depth < 0.25 * deepest)] = cv2.GC_PR_BGD
    labels[depth > (1 - _SURE_INSIDE * 0.5) * deepest] = cv2.GC_FGD
    for strokes, label in ((keep, cv2.GC_FGD), (drop, cv2.GC_BGD)):
        for stroke in strokes:
            points = (np.array(stroke.points) - origin + 0.5) * scale - 0.5
            thickness = max(1, round(2 * stroke.radius_px * scale))
            if len(points) == 1:
                centre = (round(float(points[0, 0])), round(float(points[0, 1])))
                cv2.circle(labels, centre, max(1, thickness // 2), int(label), -1)
            else:
                cv2.polylines(labels, [np.rint(points).astype(np.int32)], False, int(label), thickness)
    return labels


def _cut(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    if not ((labels == cv2.GC_BGD) | (labels == cv2.GC_PR_BGD)).any():
        return np.ones(labels.shape, np.bool_)
    cv2.setRNGSeed(1)
    mask = labels.copy()
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(rgb, mask, (0, 0, 1, 1), background, foreground, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error as error:
        raise EditRefused("the region is too small or too even to find an object's edge in it") from error
    found = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    # One object: specks without any sure pixel are noise.
    count, parts = cv2.connectedComponents(found.astype(np.uint8))
    kept = np.zeros_like(found)
    for part in range(1, count):
        piece = parts == part
        if (labels[piece] == cv2.GC_FGD).any():
            kept |= piece
    closed = cv2.morphologyEx(kept.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return np.asarray(closed > 0)


def _along_edges(alpha: Float32, rgb: NDArray[np.uint8], radius: int) -> Float32:
    """Return the matte softened along the picture's own edges, by a guided filter on its luma."""
    guide = np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)
    size = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_alpha = cv2.blur(guide, size), cv2.blur(alpha, size)
    variance = cv2.blur(guide * guide, size) - mean_guide * mean_guide
    slope = (cv2.blur(guide * alpha, size) - mean_guide * mean_alpha) / (variance + np.float32(1e-4))
    offset = mean_alpha - slope * mean_guide
    soft = cv2.blur(slope, size) * guide + cv2.blur(offset, size)
    return np.asarray(np.clip((soft - 0.1) / 0.8, 0.0, 1.0), np.float32)
