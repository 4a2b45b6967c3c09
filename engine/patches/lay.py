"""Lay a drawn sheet over a frame in the frame's own planes, with any blend mode.

Unlike a patch, a sheet has soft edges of its own: a chroma sample takes the mean opacity of the pixels that share it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.model.layers import Blend
from engine.model.pixel_format import Family, PixelFormat
from engine.patches.blend import Planes, blend, plane_window, to_chroma_sites, windows
from engine.patches.colour import codes_to_film, film_to_codes
from engine.patches.matte import Float32, Matte, window
from engine.patches.pictures import blend_film


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Something drawn, in a window of the decoded frame.

    Attributes:
        x, y: the window's top left pixel, multiples of matte.ALIGNMENT.
        film: float32 [h, w, 3], the film's own non-linear R'G'B' in 0..1, not premultiplied.
        alpha: float32 [h, w] in 0..1.
    """

    x: int
    y: int
    film: Float32
    alpha: Float32

    def faded(self, opacity: float) -> Sheet:
        """Return the sheet with its alpha multiplied."""
        return self if opacity == 1.0 else Sheet(self.x, self.y, self.film, self.alpha * np.float32(opacity))

    def matte(self, planes: Planes) -> Matte:
        """Return the matte of the whole window on a frame."""
        return window_matte(planes, self.x, self.y, self.alpha.shape)


def window_matte(planes: Planes, x: int, y: int, shape: tuple[int, ...]) -> Matte:
    """Return a matte that covers a window of a frame, edge to edge."""
    height, width = planes[0].shape[:2]
    bounds = (float(x), float(y), float(x + shape[1]), float(y + shape[0]))
    return Matte(width, height, x, y, np.ones(shape[:2], np.float32), bounds)


def lay(planes: Planes, pixel_format: PixelFormat, sheet: Sheet, mode: Blend = Blend.NORMAL) -> Planes:
    """Return the planes with the sheet over them; where its alpha is zero, samples keep their values.

    Args:
        planes: uint8 or uint16 [H, W] per plane in the frame's own format; not modified.
        pixel_format: the format of the planes.
        sheet: what is laid.
        mode: how its colours meet those below it (W3C Compositing and Blending Level 1, section 9).

    Raises:
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    matte = sheet.matte(planes)
    if mode is Blend.NORMAL:
        return blend_film(planes, pixel_format, matte, sheet.film, sheet.alpha)
    below = np.clip(film_of(planes, pixel_format, matte), 0.0, 1.0)
    mixed = _mixed(mode, below, np.clip(sheet.film, 0.0, 1.0))
    # Only the difference goes back: what the mode leaves alone is not rounded anew.
    changes = [
        a - b for a, b in zip(film_to_codes(mixed, pixel_format), film_to_codes(below, pixel_format), strict=True)
    ]
    if pixel_format.family is Family.YUV and pixel_format.chroma_shift != (0, 0):
        weight = np.maximum(to_chroma_sites(sheet.alpha, pixel_format), np.float32(1e-6))
        changes[1:] = [
            np.asarray(to_chroma_sites(change * sheet.alpha, pixel_format) / weight, np.float32)
            for change in changes[1:]
        ]
    old = windows(planes, pixel_format, matte)
    values = [before + change for before, change in zip(old, changes, strict=True)]
    return blend(planes, pixel_format, matte, values, sheet.alpha)


def lay_planes(
    below: Planes, above: Planes, pixel_format: PixelFormat, matte: Matte, mode: Blend = Blend.NORMAL
) -> Planes:
    """Return the planes with other planes of the same format over them, through a matte.

    Where the matte is 1 and the mode normal, the samples of `above` come through unchanged.
    """
    if not matte.alpha.size:
        return below
    whole = window_matte(below, matte.x, matte.y, matte.alpha.shape)
    if mode is Blend.NORMAL:
        return blend(below, pixel_format, whole, windows(above, pixel_format, whole), matte.alpha)
    return lay(below, pixel_format, Sheet(matte.x, matte.y, film_of(above, pixel_format, whole), matte.alpha), mode)


def film_of(planes: Planes, pixel_format: PixelFormat, matte: Matte) -> Float32:
    """Return the film's R'G'B' under a matte's window, float32 [h, w, 3] not clipped, chroma interpolated."""
    height, width = matte.alpha.shape
    parts = []
    for index in range(pixel_format.colour_planes):
        part = planes[index][plane_window(pixel_format, matte, index)].astype(np.float32)
        if pixel_format.shift_of(index) != (0, 0):
            part = widened(part, pixel_format, width, height)
        parts.append(part)
    return codes_to_film(tuple(parts), pixel_format)


def widened(chroma: Float32, pixel_format: PixelFormat, width: int, height: int) -> Float32:
    """Return chroma at luma size, interpolated from the places where its samples lie."""
    shift_x, shift_y = pixel_format.chroma_shift
    site_x, site_y = pixel_format.chroma_site
    across, down = 1.0 / (1 << shift_x), 1.0 / (1 << shift_y)
    back = np.array([[across, 0.0, -site_x * across], [0.0, down, -site_y * down]])
    return np.asarray(
        cv2.warpAffine(
            chroma,
            back,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def framed(alpha: Float32, film: Float32, left: int, top: int, width: int, height: int) -> Sheet | None:
    """Return a drawing whose top left pixel is (left, top) as a sheet of a width x height frame; None if off it."""
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not rows.size:
        return None
    # A small thing on a large transparent picture costs what the small thing costs.
    seen = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    alpha, film, left, top = alpha[seen], film[seen], left + seen[1].start, top + seen[0].start
    h, w = alpha.shape
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + w, width), min(top + h, height)
    if x1 <= x0 or y1 <= y0:
        return None
    x, y, stop_x, stop_y = window(x0, y0, x1, y1, width, height)
    full = np.zeros((stop_y - y, stop_x - x), np.float32)
    colours = np.zeros((*full.shape, 3), np.float32)
    part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    full[y0 - y : y1 - y, x0 - x : x1 - x] = alpha[part]
    colours[y0 - y : y1 - y, x0 - x : x1 - x] = film[part]
    return Sheet(x, y, colours, full)


def _mixed(mode: Blend, below: Float32, above: Float32) -> Float32:
    match mode:
        case Blend.NORMAL:
            return above
        case Blend.MULTIPLY:
            return below * above
        case Blend.SCREEN:
            return np.asarray(below + above - below * above, np.float32)
        case Blend.OVERLAY:
            bright = 1 - 2 * (1 - below) * (1 - above)
            return np.asarray(np.where(below <= 0.5, 2 * below * above, bright), np.float32)
        case Blend.ADD:
            return np.asarray(np.minimum(below + above, 1.0), np.float32)
        case Blend.DARKEN:
            return np.minimum(below, above)
        case Blend.LIGHTEN:
            return np.maximum(below, above)
