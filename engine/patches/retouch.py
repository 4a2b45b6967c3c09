"""Blur, pixelate and fill a region in a frame's own planes, field by field where the frame is interlaced."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import cv2
import numpy as np

from engine.errors import EditRefused
from engine.model.picture import PictureColour
from engine.model.pixel_format import PixelFormat, Scan
from engine.patches.blend import Planes, blend, check_planes, plane_alphas, to_chroma_sites, windows
from engine.patches.colour import film_to_codes, picture_to_film
from engine.patches.matte import Float32, Matte
from engine.patches.surface import smooth_surface


class Surroundings(Enum):
    """How a fill takes its colour from around the region."""

    FLAT = "the median colour of the ring around it"
    SMOOTH = "a smooth surface that meets the ring on all sides"


RING_PX = 6
"""Width of the ring around a region from which a fill takes its colour."""


def blur(planes: Planes, pixel_format: PixelFormat, matte: Matte, *, radius_px: float) -> Planes:
    """Return the planes with the region blurred; detail smaller than about twice the radius (luma pixels) is gone.

    Raises:
        EditRefused: the radius is not within 0.5 to 1024 px, or the matte does not fit the frame.
    """
    _check_size("blur radius", radius_px, 0.5)

    def blurred(plane: Float32, scale: tuple[float, float]) -> Float32:
        return _gaussian(plane, radius_px * scale[0], radius_px * scale[1])

    return _by_plane(planes, pixel_format, matte, blurred)


def pixelate(planes: Planes, pixel_format: PixelFormat, matte: Matte, *, block_px: float) -> Planes:
    """Return the planes with the region in blocks of one mean colour each, counted from the region's top left.

    Raises:
        EditRefused: the block is not within 2 to 1024 px, or the matte does not fit the frame.
    """
    _check_size("pixelate block", block_px, 2.0)
    height, width = matte.alpha.shape
    blocks = max(1, round(width / block_px)), max(1, round(height / block_px))

    def in_blocks(plane: Float32, scale: tuple[float, float]) -> Float32:
        size = plane.shape[1], plane.shape[0]
        small = cv2.resize(plane, (min(blocks[0], size[0]), min(blocks[1], size[1])), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST), np.float32)

    return _by_plane(planes, pixel_format, matte, in_blocks)


def fill_colour(planes: Planes, pixel_format: PixelFormat, matte: Matte, *, rgb: tuple[float, float, float]) -> Planes:
    """Return the planes with the region in one sRGB colour (0..1 each).

    Raises:
        EditRefused: a component is not within 0 to 1, or the matte does not fit the frame.
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    if not all(0.0 <= value <= 1.0 for value in rgb):
        raise EditRefused(f"a colour's components are 0 to 1, not {rgb}")
    check_planes(planes, pixel_format, matte)
    film = picture_to_film(np.array([[rgb]], np.float32), PictureColour.SRGB, pixel_format)
    codes = film_to_codes(film, pixel_format)
    patch = [
        np.full(alpha.shape, code[0, 0], np.float32)
        for code, alpha in zip(codes, plane_alphas(pixel_format, matte), strict=True)
    ]
    return blend(planes, pixel_format, matte, patch)


def fill_surroundings(planes: Planes, pixel_format: PixelFormat, matte: Matte, *, how: Surroundings) -> Planes:
    """Return the planes with the region filled from the ring around it.

    Raises:
        EditRefused: the region covers the whole frame, so that there is no ring; or the matte does not fit the frame.
    """
    check_planes(planes, pixel_format, matte)
    wide = widened(matte)
    outside = (wide.alpha <= 0).astype(np.float32)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RING_PX + 1, 2 * RING_PX + 1))
    ring = outside * cv2.dilate(wide.alpha, kernel) > 0
    if not ring.any():
        raise EditRefused("the region covers the whole frame: there is no surrounding to fill it from")
    rings = (
        ring.astype(np.float32),
        *(to_chroma_sites(ring.astype(np.float32), pixel_format),) * (pixel_format.colour_planes - 1),
    )
    patch = []
    for plane, weight in zip(windows(planes, pixel_format, wide), rings, strict=True):
        known = weight if weight.max() >= 0.5 else np.ones_like(weight)
        if how is Surroundings.FLAT:
            patch.append(np.full(plane.shape, np.median(plane[known >= 0.5]), np.float32))
        else:
            patch.append(smooth_surface(plane, (known >= 0.5).astype(np.float32)))
    return blend(planes, pixel_format, wide, patch)


def _by_plane(
    planes: Planes,
    pixel_format: PixelFormat,
    matte: Matte,
    change: Callable[[Float32, tuple[float, float]], Float32],
) -> Planes:
    """Blend in what `change` makes of each plane's window; it is given the plane's scale (x, y) against luma."""
    check_planes(planes, pixel_format, matte)
    fields = 2 if pixel_format.scan is Scan.INTERLACED else 1
    patch = []
    for index, plane in enumerate(windows(planes, pixel_format, matte)):
        shift_x, shift_y = pixel_format.shift_of(index)
        scale = 1.0 / (1 << shift_x), 1.0 / (fields << shift_y)
        changed = np.empty_like(plane)
        for field in range(min(fields, len(plane))):
            changed[field::fields] = change(np.ascontiguousarray(plane[field::fields]), scale)
        patch.append(changed)
    return blend(planes, pixel_format, matte, patch)


def _gaussian(plane: Float32, sigma_x: float, sigma_y: float) -> Float32:
    """Blur, with three box filters where the radius is large: as good to the eye, at a cost free of the radius."""
    if max(sigma_x, sigma_y) < 4:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_x, sigmaY=max(sigma_y, 0.1)), np.float32)
    # n boxes of width w have variance n (w^2 - 1) / 12.
    size = tuple(max(1, 2 * round((np.sqrt(4 * sigma * sigma + 1) - 1) / 2) + 1) for sigma in (sigma_x, sigma_y))
    for _ in range(3):
        plane = np.asarray(cv2.blur(plane, size, borderType=cv2.BORDER_REPLICATE), np.float32)
    return plane


def widened(matte: Matte) -> Matte:
    """Return the matte with a window that also holds the ring."""
    height, width = matte.alpha.shape
    room = 2 * RING_PX + 2
    room += -room % 8
    x, y = max(0, matte.x - room), max(0, matte.y - room)
    stop_x, stop_y = min(matte.width, matte.x + width + room), min(matte.height, matte.y + height + room)
    alpha = np.zeros((stop_y - y, stop_x - x), np.float32)
    alpha[matte.y - y : matte.y - y + height, matte.x - x : matte.x - x + width] = matte.alpha
    return Matte(matte.width, matte.height, x, y, alpha, matte.bounds)


def _check_size(what: str, value: float, least: float) -> None:
    if not least <= value <= 1024:
        raise EditRefused(f"a {what} is {least:g} to 1024 px, not {value:g}")
