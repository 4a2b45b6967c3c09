"""Complete a region of which a part is known from other frames: invent the rest, and bring all to the ring's levels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.model.pixel_format import PixelFormat
from engine.motion.frame import Float32, MotionFrame, eight_bits
from engine.patches.blend import Planes, to_chroma_sites, windows
from engine.patches.elsewhere import place_like
from engine.patches.inpaint import inpainted
from engine.patches.matte import Matte
from engine.patches.surface import smooth_surface
from engine.patches.surroundings import copied, pixels_of

_EVEN_SIGMA_PX = 12.0
_SEAM_SIGMA_PX = 2.0
_WIDE_PX = 12.0
"""What reaches so far from anything known is too wide for an edge to be continued through it."""


def completed(
    pixel_format: PixelFormat, planes: Planes, area: Matte, values: tuple[Float32, ...], unknown: Float32
) -> list[Float32]:
    """Return the patch: what was gathered, the rest invented, all brought smoothly to the ring's levels.

    Args:
        pixel_format: of the planes.
        planes: the frame; not modified.
        area: the region, in a window that holds the ring around it.
        values: what was gathered, float32 code values per plane in the window.
        unknown: float32 [h, w], 1 where nothing was gathered.
    """
    hole = (area.alpha > 0).astype(np.float32)
    unit = np.float32(1 << (pixel_format.bit_depth - 8))
    stand_in = _stand_in(pixel_format, planes, area, unknown)
    patch = []
    for index, (plane, value) in enumerate(zip(windows(planes, pixel_format, area), values, strict=True)):
        chroma = pixel_format.shift_of(index) != (0, 0)
        inside = to_chroma_sites(hole, pixel_format) if chroma else hole
        missing = to_chroma_sites(unknown, pixel_format) if chroma else unknown
        known = (inside == 0).astype(np.float32)
        filled = np.where(inside > 0, value, plane).astype(np.float32)
        filled = _continued(filled, missing > 0, None if stand_in is None else stand_in[index])
        weight = cv2.GaussianBlur(known, (0, 0), _EVEN_SIGMA_PX / 2)
        apart = np.clip(plane - value, -12 * unit, 12 * unit) * known
        level = cv2.GaussianBlur(apart, (0, 0), _EVEN_SIGMA_PX / 2) / np.maximum(weight, 1e-3)
        near = (weight > 0.3).astype(np.float32)
        patch.append(np.asarray(filled + smooth_surface(np.asarray(level * near, np.float32), near), np.float32))
    return patch


def _stand_in(pixel_format: PixelFormat, planes: Planes, area: Matte, unknown: Float32) -> tuple[Float32, ...] | None:
    """Return another place of the frame that could stand in for a wide hole, float32 per plane; None where none is."""
    if not unknown.any() or not _is_wide(unknown > 0):
        return None
    hole, taken = np.zeros((area.height, area.width), np.uint8), np.zeros((area.height, area.width), np.uint8)
    height, width = unknown.shape
    part = slice(area.y, area.y + height), slice(area.x, area.x + width)
    hole[part], taken[part] = unknown > 0, area.alpha > 0
    chroma = planes[1:3] if pixel_format.colour_planes == 3 else ()
    frame = MotionFrame(
        eight_bits(planes[0], pixel_format.bit_depth),
        tuple(eight_bits(plane, pixel_format.bit_depth) for plane in chroma),
    )
    shift = place_like(frame, hole, taken)
    if shift is None:
        return None
    x, y = pixels_of(area)
    return copied(pixel_format, planes, x + np.float32(shift[0]), y + np.float32(shift[1]))


def _is_wide(unknown: NDArray[np.bool_]) -> bool:
    away = cv2.distanceTransform(unknown.astype(np.uint8), cv2.DIST_L2, 3)
    return float(np.asarray(away, np.float32).max()) >= _WIDE_PX


def _continued(values: Float32, unknown: NDArray[np.bool_], stand_in: Float32 | None) -> Float32:
    """Return values with the unknown ones continued from the others.

    A stand-in is brought to their levels. Else edges go on into what is narrow, and what is wide is smooth: marching
    inwards, edges would meet as creases in its middle.
    """
    if not unknown.any() or unknown.all():
        return values
    if stand_in is None and not _is_wide(unknown):
        return inpainted(values, unknown, 5.0)
    base = np.zeros_like(values) if stand_in is None else stand_in
    rest = cv2.GaussianBlur((values - base) * ~unknown, (0, 0), _SEAM_SIGMA_PX)
    weight = cv2.GaussianBlur((~unknown).astype(np.float32), (0, 0), _SEAM_SIGMA_PX)
    known = ((weight > 0.3) & ~unknown).astype(np.float32)
    level = smooth_surface(np.asarray(rest / np.maximum(weight, 1e-3) * known, np.float32), known)
    return np.where(unknown, base + level, values).astype(np.float32)
