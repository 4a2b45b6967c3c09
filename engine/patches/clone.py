"""Copy a region from another place or another frame; heal keeps its texture and takes the tone from around."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from engine.errors import EditRefused
from engine.model.pixel_format import PixelFormat
from engine.motion.frame import MotionFrame
from engine.patches.blend import Planes, blend, check_planes, to_chroma_sites, windows
from engine.patches.matte import Float32, Matte
from engine.patches.surface import smooth_surface
from engine.patches.surroundings import Surroundings, copied, pixels_of, with_ring

_LEVEL_SIGMA_PX = 3.0


class Tone(Enum):
    """Where a copy's tone comes from."""

    OWN = "as it was copied"
    SURROUNDINGS = "as around the region"


def clone(
    planes: Planes,
    pixel_format: PixelFormat,
    matte: Matte,
    source: Planes,
    *,
    shift_px: tuple[float, float],
    tone: Tone,
    frames: tuple[MotionFrame, MotionFrame] | None = None,
) -> Planes:
    """Return the planes with the region copied from elsewhere.

    Args:
        planes: uint8 or uint16 [H, W] per plane; not modified.
        pixel_format: the format of the planes.
        matte: the region.
        source: the frame copied from; the same one for another place.
        shift_px: (x, y) from the region to the place copied from, decoded pixels.
        tone: whether the copy is brought to the tone around the region (heal).
        frames: (this frame, the other), where the copy comes from another frame that is to be lined up first.

    Raises:
        EditRefused: the place copied from lies outside the picture, or the matte does not fit the frame.
    """
    check_planes(planes, pixel_format, matte)
    check_planes(source, pixel_format, matte)
    area = with_ring(matte)
    x, y = pixels_of(area)
    # Whole chroma samples, so that nothing is resampled that need not be.
    step = 1 << max(pixel_format.chroma_shift)
    at = (
        x + np.float32(step * round(shift_px[0] / step)),
        y + np.float32(step * round(shift_px[1] / step)),
    )
    if frames is not None:
        start = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]], [0, 0, 1.0]])
        lined_up = Surroundings(frames[0], area).on(frames[1], start)
        at = lined_up if lined_up is not None else at
    inside = (at[0] >= 0) & (at[1] >= 0) & (at[0] <= matte.width - 1) & (at[1] <= matte.height - 1)
    wanted = area.alpha > 0
    if not inside[wanted].any():
        raise EditRefused(
            f"the place to copy from, {shift_px[0]:+.0f}, {shift_px[1]:+.0f} px away, lies outside the picture"
        )
    patch = copied(pixel_format, source, *at)
    if tone is Tone.SURROUNDINGS:
        patch = _healed(planes, pixel_format, area, patch)
    # What would come from beyond the picture stays as it is.
    return blend(planes, pixel_format, area, patch, inside.astype(np.float32))


def _healed(planes: Planes, pixel_format: PixelFormat, area: Matte, patch: tuple[Float32, ...]) -> tuple[Float32, ...]:
    """Add the smooth surface that meets the difference along the ring (Georgiev's healing, by a membrane)."""
    hole = (area.alpha > 0).astype(np.float32)
    result = []
    for index, (here, copy) in enumerate(zip(windows(planes, pixel_format, area), patch, strict=True)):
        inside = to_chroma_sites(hole, pixel_format) if pixel_format.shift_of(index) != (0, 0) else hole
        known = (inside == 0).astype(np.float32)
        if not known.any():
            result.append(copy)
            continue
        weight = cv2.GaussianBlur(known, (0, 0), _LEVEL_SIGMA_PX)
        level = cv2.GaussianBlur((here - copy) * known, (0, 0), _LEVEL_SIGMA_PX) / np.maximum(weight, 1e-3)
        near = ((weight > 0.4) & (known > 0)).astype(np.float32)
        result.append(np.asarray(copy + smooth_surface(np.asarray(level * near, np.float32), near), np.float32))
    return tuple(result)
