"""Continue a frame's planes into what is missing of them: thin things by marching inwards, wide ones by their like.

What is narrow is closed best from its rim. What is wide would become a smear there: it is continued by the picture's
own repetition, the same pixels in every plane, and where the picture repeats nothing it is smooth.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.motion.frame import Float32, Float64, MotionFrame, UInt8, eight_bits
from engine.patches.blend import Plane, Planes, plane_window, to_codes
from engine.patches.carry import sample_planes
from engine.patches.matte import Matte
from engine.patches.seams import joined
from engine.patches.shift_map import ShiftMap, shift_map
from engine.patches.surface import smooth_surface

Mask = NDArray[np.bool_]

_GBR = PixelFormat("gbrp", Family.GBR, (0, 0), False, 8, True, 0, 1, 1, 0, Scan.PROGRESSIVE)
_SEAM_SIGMA_PX = 2.0
_WIDE_PX = 12.0
"""What reaches so far from anything known is too wide for an edge to be continued through it."""
_RIM_PX = 2


def is_wide(unknown: Mask) -> bool:
    """Tell whether something missing is too wide to be closed from its rim."""
    away = cv2.distanceTransform(unknown.astype(np.uint8), cv2.DIST_L2, 3)
    return float(np.asarray(away, np.float32).max()) >= _WIDE_PX


def planned(
    pixel_format: PixelFormat,
    planes: Planes,
    area: Matte,
    values: tuple[Float32, ...],
    unknown: Mask,
    cancel: CancelToken,
) -> ShiftMap | None:
    """Return where what is missing is to be taken from; None where it is narrow or nothing is like it.

    Args:
        pixel_format: of the planes.
        planes: the frame.
        area: the region, from which nothing is taken, in a window.
        values: what is in the window, float32 code values per plane.
        unknown: bool [h, w], where nothing is in it.
        cancel: checked between steps.

    Raises:
        Cancelled: the work was asked to stop.
    """
    if not unknown.any() or unknown.all() or not is_wide(unknown):
        return None
    whole = []
    for index, value in enumerate(values):
        plane = planes[index].copy()
        plane[plane_window(pixel_format, area, index)] = to_codes(value, pixel_format)
        whole.append(eight_bits(plane, pixel_format.bit_depth))
    hole, barred = np.zeros((2, area.height, area.width), bool)
    height, width = unknown.shape
    part = slice(area.y, area.y + height), slice(area.x, area.x + width)
    hole[part], barred[part] = unknown, area.alpha > 0
    grown = cv2.dilate((hole | barred).astype(np.uint8), np.ones((2 * _RIM_PX + 1, 2 * _RIM_PX + 1), np.uint8)) > 0
    return shift_map(MotionFrame(whole[0], tuple(whole[1:3])), hole, grown, cancel)


def continued(
    pixel_format: PixelFormat,
    planes: Planes,
    area: Matte,
    index: int,
    values: Float32,
    unknown: Mask,
    plan: ShiftMap | None,
    radius_px: float,
) -> Float32:
    """Return a plane's values with the unknown ones continued from the others.

    Args:
        pixel_format: of the planes.
        planes: the frame that a plan takes from.
        area: the region in a window.
        index: of the plane.
        values: float32 code values in the window at the plane's size.
        unknown: bool, where they are missing; the same size.
        plan: where they are taken from, in luma pixels; None: they are closed from the rim.
        radius_px: how far around a pixel the closing looks, in the plane's pixels.
    """
    if not unknown.any() or unknown.all():
        return values
    if plan is not None:
        values, unknown = _taken(pixel_format, planes, area, index, values, unknown, plan)
    if not is_wide(unknown):
        return inpainted(values, unknown, radius_px)
    rest = cv2.GaussianBlur(values * ~unknown, (0, 0), _SEAM_SIGMA_PX)
    weight = cv2.GaussianBlur((~unknown).astype(np.float32), (0, 0), _SEAM_SIGMA_PX)
    known = ((weight > 0.3) & ~unknown).astype(np.float32)
    level = smooth_surface(np.asarray(rest / np.maximum(weight, 1e-3) * known, np.float32), known)
    return np.where(unknown, level, values).astype(np.float32)


def continued_picture(rgb: UInt8, hole: Mask, radius_px: float) -> UInt8:
    """Return a picture, uint8 [H, W, 3], with a hole in it continued from the rest; all of it missing, as it is."""
    height, width = hole.shape
    planes = tuple(np.ascontiguousarray(rgb[..., channel]) for channel in (1, 2, 0))
    area = Matte(width, height, 0, 0, hole.astype(np.float32), (0.0, 0.0, float(width), float(height)))
    values = tuple(plane.astype(np.float32) for plane in planes)
    plan = planned(_GBR, planes, area, values, hole, CancelToken())
    green, blue, red = (
        continued(_GBR, planes, area, index, value, hole, plan, radius_px) for index, value in enumerate(values)
    )
    return to_codes(np.stack([red, green, blue], axis=2), _GBR)


def inpainted(values: Float32, unknown: Mask, radius_px: float) -> Float32:
    """Return values with the unknown ones closed from their rim.

    Telea, "An image inpainting technique based on the fast marching method" (2004), as OpenCV has it.
    """
    if not unknown.any() or unknown.all():
        return values
    mask = np.ascontiguousarray(unknown.astype(np.uint8))
    filled = cv2.inpaint(np.ascontiguousarray(values), mask, max(1.0, radius_px), cv2.INPAINT_TELEA)
    return np.asarray(filled, np.float32)


def _taken(
    pixel_format: PixelFormat,
    planes: Planes,
    area: Matte,
    index: int,
    values: Float32,
    unknown: Mask,
    plan: ShiftMap,
) -> tuple[Float32, Mask]:
    """Return the values with what the plan gives, and what is still missing then."""
    across, down = (1 << shift for shift in pixel_format.shift_of(index))
    labels = _labels_in(plan, area)[::down, ::across]
    given = unknown & (labels >= 0)
    if not given.any():
        return values, unknown
    if (unknown & ~given).any():
        values = inpainted(values, unknown, 1.0)
    rows, columns = np.flatnonzero(given.any(axis=1)), np.flatnonzero(given.any(axis=0))
    part = (
        slice(max(0, int(rows[0]) - 1), int(rows[-1]) + 2),
        slice(max(0, int(columns[0]) - 1), int(columns[-1]) + 2),
    )
    given_here, labels_here = given[part], labels[part]
    used = np.unique(labels_here[given_here])
    chosen = np.searchsorted(used, np.where(given_here, labels_here, used[0]))
    height, width = given_here.shape
    y, x = part[0].start + area.y // down + np.arange(height), part[1].start + area.x // across + np.arange(width)
    pieces = (_piece(planes[index], y, x, plan.shifts[label] / (across, down)) for label in used)
    result = values.copy()
    result[part] = joined(np.ascontiguousarray(values[part]), given_here, pieces, chosen)
    return result, unknown & ~given


def _piece(plane: Plane, y: NDArray[np.intp], x: NDArray[np.intp], shift: Float64) -> Float32:
    """Return what a plane shows at rows y and columns x, a shift (x, y) away."""
    dx, dy = np.rint(shift).astype(int)
    if (dx, dy) == tuple(shift):
        rows, columns = np.clip(y + dy, 0, plane.shape[0] - 1), np.clip(x + dx, 0, plane.shape[1] - 1)
        return np.asarray(plane[np.ix_(rows, columns)], np.float32)
    at_x, at_y = np.meshgrid((x + shift[0]).astype(np.float32), (y + shift[1]).astype(np.float32))
    return sample_planes((plane,), [(at_x, at_y)])[0]


def _labels_in(plan: ShiftMap, area: Matte) -> NDArray[np.intp]:
    """Return a plan's labels in the window of a region; each pixel that has none gets those of the nearest."""
    labels = np.full(area.alpha.shape, -1, np.intp)
    y, x = plan.y - area.y, plan.x - area.x
    height, width = plan.labels.shape
    labels[y : y + height, x : x + width] = plan.labels
    # A chroma sample is missing where a luma pixel beside its own is.
    for axis, step in ((0, 1), (1, 1), (0, -1), (1, -1)):
        labels = np.where(labels < 0, np.roll(labels, step, axis), labels)
    return labels
