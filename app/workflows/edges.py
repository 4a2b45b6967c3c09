"""Refine a drawn region to the edge of the object in it, and keep the result as a picture in the project."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.pixels import Frame, to_rgb
from engine.model.media import VideoStream
from engine.model.region import Point, Region
from engine.patches.edge import Stroke, refined
from engine.patches.matte import Matte, region_matte, to_decoded


@dataclass(frozen=True, slots=True)
class Brush:
    """A stroke over what belongs to the object, or does not.

    Attributes:
        points: in 0..1 of the displayed picture. radius: share of the picture's height.
    """

    points: tuple[Point, ...]
    radius: float = 0.01


def refined_matte(
    frame: Frame, video: VideoStream, region: Region, keep: tuple[Brush, ...] = (), drop: tuple[Brush, ...] = ()
) -> bytes:
    """Return the refined matte as a grey PNG, upright, standing in the region's bounds: what Patch.matte names.

    Args:
        frame: the anchor frame. video: its stream.
        video: see frame.
        region: as drawn.
        keep: strokes over the object.
        drop: strokes over what is not.

    Raises:
        EditRefused: no object was found, or nothing of the region is on the picture.
    """
    drawn = region_matte(region, video.width, video.height, video.rotation)
    strokes = [tuple(_stroke(brush, video) for brush in brushes) for brushes in (keep, drop)]
    return _png(_upright(refined(to_rgb(frame), drawn, *strokes), drawn, video.rotation))


def _stroke(brush: Brush, video: VideoStream) -> Stroke:
    points = to_decoded(np.array(brush.points, np.float64), video.width, video.height, video.rotation)
    _, height = video.display_size
    return Stroke(tuple((float(x), float(y)) for x, y in points), max(1.0, brush.radius * height))


def _upright(found: Matte, drawn: Matte, rotation: int) -> NDArray[np.uint8]:
    """Return the matte's values in the bounds of the drawn region, as displayed, uint8 [h, w]."""
    left, top, right, bottom = drawn.bounds
    width, height = max(1, round(right - left)), max(1, round(bottom - top))
    x = left + (np.arange(width, dtype=np.float32) + 0.5) * np.float32((right - left) / width) - 0.5
    y = top + (np.arange(height, dtype=np.float32) + 0.5) * np.float32((bottom - top) / height) - 0.5
    at_x, at_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    values = cv2.remap(found.full(), at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    grey = np.rint(np.clip(np.asarray(values), 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(grey, -(rotation // 90)))


def _png(grey: NDArray[np.uint8]) -> bytes:
    _, data = cv2.imencode(".png", grey)
    return data.tobytes()
