"""Fill a region from its own frame's surroundings: wires, dust, small logos.

Telea, "An image inpainting technique based on the fast marching method" (2004), as OpenCV has it.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.errors import EditRefused
from engine.model.pixel_format import PixelFormat, Scan
from engine.patches.blend import Planes, blend, check_planes, to_chroma_sites, windows
from engine.patches.matte import Float32, Matte
from engine.patches.retouch import widened


def inpaint(planes: Planes, pixel_format: PixelFormat, matte: Matte, *, radius_px: float) -> Planes:
    """Return the planes with the region continued from around it.

    Args:
        planes: uint8 or uint16 [H, W] per plane; not modified.
        pixel_format: the format of the planes.
        matte: what is filled.
        radius_px: how far around each pixel the filling looks, in luma pixels.

    Raises:
        EditRefused: the radius is not within 1 to 100 px, the region covers the frame, or the matte does not fit it.
    """
    if not 1 <= radius_px <= 100:
        raise EditRefused(f"an inpainting radius is 1 to 100 px, not {radius_px:g}")
    check_planes(planes, pixel_format, matte)
    wide = widened(matte)
    hole = (wide.alpha > 0).astype(np.float32)
    if hole.all():
        raise EditRefused("the region covers the whole frame: there is no surrounding to fill it from")
    chroma_hole = to_chroma_sites(hole, pixel_format)
    fields = 2 if pixel_format.scan is Scan.INTERLACED else 1
    patch = []
    for index, plane in enumerate(windows(planes, pixel_format, wide)):
        shift_x, shift_y = pixel_format.shift_of(index)
        unknown = chroma_hole if (shift_x or shift_y) else hole
        filled = plane.copy()
        for field in range(min(fields, len(plane))):
            lines = slice(field, None, fields)
            filled[lines] = inpainted(plane[lines], unknown[lines] > 0, radius_px / (1 << shift_x))
        patch.append(filled)
    return blend(planes, pixel_format, wide, patch)


def inpainted(values: Float32, unknown: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], radius_px: float) -> Float32:
    """Return values with the unknown ones continued from the others."""
    if not unknown.any() or unknown.all():
        return values
    mask = np.ascontiguousarray(unknown.astype(np.uint8))
    filled = cv2.inpaint(np.ascontiguousarray(values), mask, max(1.0, radius_px), cv2.INPAINT_TELEA)
    return np.asarray(filled, np.float32)
