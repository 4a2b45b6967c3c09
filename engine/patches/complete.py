"""Complete a region of which a part is known from other frames: invent the rest, and bring all to the ring's levels."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from engine.control import CancelToken
from engine.model.pixel_format import PixelFormat
from engine.motion.frame import Float32
from engine.patches.blend import Planes, to_chroma_sites, windows
from engine.patches.continuation import continued, planned
from engine.patches.matte import Matte
from engine.patches.shift_map import ShiftMap
from engine.patches.surface import smooth_surface

_EVEN_SIGMA_PX = 12.0
_MOST_LIGHT = 12.0
"""Levels by which the light of two frames may still differ once their middle levels are the same."""
_RADIUS_PX = 5.0


class Invention(Enum):
    """How a wide part that is not known is invented."""

    BY_LIKENESS = "as the picture repeats itself"
    SMOOTH = "as a smooth surface that meets its rim"


def completed(
    pixel_format: PixelFormat,
    planes: Planes,
    area: Matte,
    values: tuple[Float32, ...],
    unknown: Float32,
    invention: Invention,
    cancel: CancelToken,
) -> list[Float32]:
    """Return the patch: what was gathered, the rest invented, all brought smoothly to the ring's levels.

    Args:
        pixel_format: of the planes.
        planes: the frame; not modified.
        area: the region, in a window that holds the ring around it.
        values: what was gathered, float32 code values per plane in the window.
        unknown: float32 [h, w], 1 where nothing was gathered.
        invention: of what is wide.
        cancel: checked between steps.

    Raises:
        Cancelled: the work was asked to stop.
    """
    hole = (area.alpha > 0).astype(np.float32)
    masks = [
        (to_chroma_sites(hole, pixel_format), to_chroma_sites(unknown, pixel_format))
        if pixel_format.shift_of(index) != (0, 0)
        else (hole, unknown)
        for index in range(pixel_format.colour_planes)
    ]
    own = windows(planes, pixel_format, area)
    gathered = tuple(
        np.where(inside > 0, value, plane).astype(np.float32)
        for plane, value, (inside, _) in zip(own, values, masks, strict=True)
    )
    plan = None
    if invention is Invention.BY_LIKENESS:
        plan = planned(pixel_format, planes, area, gathered, unknown > 0, cancel)
    return [
        _evened(pixel_format, plane, value, inside, _invented(pixel_format, planes, area, index, got, missing, plan))
        for index, (plane, value, got, (inside, missing)) in enumerate(zip(own, values, gathered, masks, strict=True))
    ]


def _invented(
    pixel_format: PixelFormat,
    planes: Planes,
    area: Matte,
    index: int,
    gathered: Float32,
    missing: Float32,
    plan: ShiftMap | None,
) -> Float32:
    return continued(pixel_format, planes, area, index, gathered, missing > 0, plan, _RADIUS_PX)


def _evened(pixel_format: PixelFormat, plane: Float32, value: Float32, inside: Float32, filled: Float32) -> Float32:
    """Return what was filled, with what the frame's ring has over the gathered one's spread across it."""
    unit = np.float32(1 << (pixel_format.bit_depth - 8))
    apart = plane - value
    # What is further apart than light would be is something that moved there: it would tint the filling.
    known = ((inside == 0) & (np.abs(apart) <= _MOST_LIGHT * unit)).astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), _EVEN_SIGMA_PX / 2)
    level = cv2.GaussianBlur(apart * known, (0, 0), _EVEN_SIGMA_PX / 2) / np.maximum(weight, 1e-3)
    near = (weight > 0.3).astype(np.float32)
    return np.asarray(filled + smooth_surface(np.asarray(level * near, np.float32), near), np.float32)
