"""The ring around a region, by which another frame's view of the same place is lined up."""

from __future__ import annotations

import cv2
import numpy as np

from engine.model.pixel_format import PixelFormat
from engine.motion.align import LOOSE, Sight, align
from engine.motion.frame import Float32, Float64, MotionFrame
from engine.motion.mesh import Bender
from engine.motion.template import make_template
from engine.patches.blend import Planes
from engine.patches.carry import plane_map, sample_planes
from engine.patches.matte import Matte, window

RING_PX = 40
_CLEAR_PX = 4
_LEAST_SUPPORT = 0.25
_NEARBY_PX = 4.0
_FLAT_SUPPORT = 0.9
"""Share of the ring that matches as a plane, from which on no bending is looked for."""
_WORTH_BENDING = 0.03
"""How much more of the ring must match for its bending to be believed."""


class Surroundings:
    """A frame's ring around a region, which other frames are aligned with."""

    def __init__(self, frame: MotionFrame, area: Matte) -> None:
        """Prepare the ring.

        Args:
            frame: on which the region is.
            area: the region's matte in a window that holds the ring (see `with_ring`).
        """
        self._area = area
        height, width = area.alpha.shape
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _CLEAR_PX + 1, 2 * _CLEAR_PX + 1))
        clear = cv2.dilate((area.alpha > 0).astype(np.uint8), kernel) == 0
        ring = np.zeros((area.height, area.width), np.float32)
        ring[area.y : area.y + height, area.x : area.x + width] = clear
        self._template = make_template(frame, ring) if clear.any() else None
        self._bender = Bender(self._template) if self._template is not None else None

    def on(self, frame: MotionFrame, start: Float64) -> tuple[Float32, Float32] | None:
        """Return where the area's pixels lie on another frame, float32 [h, w] each; None if it is not recognised there.

        Args:
            frame: the other frame.
            start: 3x3, about where they lie.
        """
        x, y = pixels_of(self._area)
        if self._template is None or self._bender is None:
            return through(start, x, y)
        sight = Sight(frame, self._template, [self._template.chart.corners_of(start)])
        if sight.empty:
            return None
        found = align(sight, self._template, start, np.full(8, _NEARBY_PX), coarsest=2, tolerance=LOOSE, steps=6)
        if found.support < _LEAST_SUPPORT:
            return None
        if found.support >= _FLAT_SUPPORT:
            return through(found.homography, x, y)
        flat = self._bender.grid.flat()
        coefficients, bent = self._bender.bend(sight, found.homography, flat, tolerance=LOOSE)
        if bent.support > found.support + _WORTH_BENDING:
            dx, dy = self._bender.grid.displacement(coefficients, x[0].astype(np.float64), y[:, 0].astype(np.float64))
            return through(found.homography, x + dx, y + dy)
        return through(found.homography, x, y)


def with_ring(matte: Matte) -> Matte:
    """Return a matte with a window that also holds the ring around it."""
    height, width = matte.alpha.shape
    x0, y0, x1, y1 = window(
        matte.x - RING_PX,
        matte.y - RING_PX,
        matte.x + width + RING_PX,
        matte.y + height + RING_PX,
        matte.width,
        matte.height,
    )
    alpha = np.zeros((y1 - y0, x1 - x0), np.float32)
    alpha[matte.y - y0 : matte.y - y0 + height, matte.x - x0 : matte.x - x0 + width] = matte.alpha
    return Matte(matte.width, matte.height, x0, y0, alpha, matte.bounds)


def pixels_of(area: Matte) -> tuple[Float32, Float32]:
    """Return the (x, y) of a window's pixels, float32 [h, w] each."""
    height, width = area.alpha.shape
    y, x = np.mgrid[area.y : area.y + height, area.x : area.x + width].astype(np.float32)
    return x, y


def through(homography: Float64, x: Float32, y: Float32) -> tuple[Float32, Float32]:
    """Return pixels moved by a homography."""
    depth = homography[2, 0] * x + homography[2, 1] * y + homography[2, 2]
    return (
        ((homography[0, 0] * x + homography[0, 1] * y + homography[0, 2]) / depth).astype(np.float32),
        ((homography[1, 0] * x + homography[1, 1] * y + homography[1, 2]) / depth).astype(np.float32),
    )


def copied(pixel_format: PixelFormat, planes: Planes, x: Float32, y: Float32) -> tuple[Float32, ...]:
    """Return the colour planes at luma positions (x, y), float32 code values at each plane's own size."""
    result: list[Float32] = []
    for index in range(pixel_format.colour_planes):
        result += sample_planes((planes[index],), [plane_map(pixel_format, index, x, y)])
    return tuple(result)
