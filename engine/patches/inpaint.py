"""Fill a region from its own frame: wires and dust from their rim, wide things by what the picture repeats."""

from __future__ import annotations

import numpy as np

from engine.control import CancelToken
from engine.errors import EditRefused
from engine.model.pixel_format import PixelFormat, Scan
from engine.motion.frame import Float32
from engine.patches.blend import Planes, blend, check_planes, to_chroma_sites, windows
from engine.patches.continuation import continued, planned
from engine.patches.matte import Matte
from engine.patches.retouch import widened
from engine.patches.shift_map import ShiftMap


def plan_inpainting(
    planes: Planes, pixel_format: PixelFormat, matte: Matte, cancel: CancelToken | None = None
) -> ShiftMap | None:
    """Return where a wide region's pixels are taken from; None where it is filled from its rim.

    One plan serves all frames on which the region stands, so that the filling does not change from one to the next.

    Args:
        planes: uint8 or uint16 [H, W] per plane; not modified.
        pixel_format: the format of the planes.
        matte: what is filled.
        cancel: checked between steps.

    Raises:
        EditRefused: the matte does not fit the frame.
        Cancelled: the work was asked to stop.
    """
    check_planes(planes, pixel_format, matte)
    wide = widened(matte)
    if pixel_format.scan is Scan.INTERLACED:
        # Its fields are pictures of their own; together they repeat nothing where something moves.
        return None
    values = windows(planes, pixel_format, wide)
    return planned(pixel_format, planes, wide, values, wide.alpha > 0, cancel or CancelToken())


def inpaint(
    planes: Planes, pixel_format: PixelFormat, matte: Matte, *, radius_px: float, plan: ShiftMap | None
) -> Planes:
    """Return the planes with the region continued from around it.

    Args:
        planes: uint8 or uint16 [H, W] per plane; not modified.
        pixel_format: the format of the planes.
        matte: what is filled.
        radius_px: how far around each pixel the filling from the rim looks, in luma pixels.
        plan: of this matte; None: it is filled from its rim.

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
    patch: list[Float32] = []
    for index, plane in enumerate(windows(planes, pixel_format, wide)):
        shift_x, shift_y = pixel_format.shift_of(index)
        unknown = (chroma_hole if (shift_x or shift_y) else hole) > 0
        radius = radius_px / (1 << shift_x)
        if fields == 1:
            patch.append(continued(pixel_format, planes, wide, index, plane, unknown, plan, radius))
            continue
        filled = plane.copy()
        for field in range(min(fields, len(plane))):
            lines = slice(field, None, fields)
            filled[lines] = continued(pixel_format, planes, wide, index, plane[lines], unknown[lines], None, radius)
        patch.append(filled)
    return blend(planes, pixel_format, wide, patch)
