"""Place a still picture into a region of a frame, in the frame's own planes."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

import cv2
import numpy as np

from engine.errors import EditRefused
from engine.model.picture import Picture
from engine.model.pixel_format import Family, PixelFormat
from engine.patches.blend import Planes, blend, check_planes, to_chroma_sites
from engine.patches.colour import film_to_codes, picture_to_film
from engine.patches.matte import Float32, Matte


class Fit(Enum):
    """How a picture fills the region's bounding box."""

    STRETCH = "fill the box exactly"
    CONTAIN = "whole picture, own proportions, centred"
    COVER = "whole box, own proportions, centred, the rest cut off"


def place(
    planes: Planes,
    pixel_format: PixelFormat,
    matte: Matte,
    picture: Picture,
    *,
    rotation: int,
    fit: Fit,
    sar: Fraction = Fraction(1),
) -> Planes:
    """Return the planes with the picture in the region's bounding box, under the matte and its own alpha.

    Args:
        planes: uint8 or uint16 [H, W] per plane; not modified.
        pixel_format: the format of the planes.
        matte: the region; its bounds are the box.
        picture: upright as shown; its own alpha counts.
        rotation: degrees clockwise by which a player turns the frame; the picture stands upright after that.
        fit: how the picture fills the box.
        sar: sample aspect ratio of the decoded frame, for the fits that keep proportions.

    Raises:
        EditRefused: the region is too small for a picture, or the matte does not fit the frame.
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    check_planes(planes, pixel_format, matte)
    rgb, opacity = placed_rgba(matte, picture, rotation=rotation, fit=fit, sar=sar)
    film = picture_to_film(rgb, picture.colour, pixel_format)
    return blend_film(planes, pixel_format, matte, film, opacity)


def blend_film(
    planes: Planes, pixel_format: PixelFormat, matte: Matte, film: Float32, opacity: Float32 | None = None
) -> Planes:
    """Return the planes with non-linear R'G'B' of the film's own colour space blended in.

    Args:
        planes: uint8 or uint16 [H, W] per plane; not modified.
        pixel_format: the format of the planes.
        matte: where, and how much.
        film: float32 [h, w, 3] in 0..1, the size of the matte's window; not premultiplied.
        opacity: float32 [h, w] in 0..1, or None where the film covers the window.
    """
    codes = film_to_codes(film, pixel_format)
    if pixel_format.family is not Family.YUV or pixel_format.chroma_shift == (0, 0):
        return blend(planes, pixel_format, matte, codes, opacity)
    if opacity is None:
        chroma = [to_chroma_sites(code, pixel_format) for code in codes[1:]]
    else:
        # Weighted by opacity, so that the colour under transparent pixels does not bleed in.
        weight = np.maximum(to_chroma_sites(opacity, pixel_format), np.float32(1e-6))
        chroma = [np.asarray(to_chroma_sites(code * opacity, pixel_format) / weight, np.float32) for code in codes[1:]]
    return blend(planes, pixel_format, matte, [codes[0], *chroma], opacity)


def placed_rgba(
    matte: Matte, picture: Picture, *, rotation: int, fit: Fit, sar: Fraction = Fraction(1)
) -> tuple[Float32, Float32]:
    """Return the picture's rgb float32 [h, w, 3] and opacity [h, w] in the matte's window, turned into the frame.

    Raises:
        EditRefused: the region is smaller than a pixel.
    """
    height, width = matte.alpha.shape
    left, top, right, bottom = (round(edge) for edge in matte.bounds)
    box_width, box_height = right - left, bottom - top
    if box_width < 1 or box_height < 1:
        raise EditRefused(f"a region of {box_width} x {box_height} px is too small for a picture")
    turned = np.rot90(picture.rgba, k=rotation // 90 % 4)
    scale = np.float32(1.0 / np.iinfo(picture.rgba.dtype).max)
    rgba: Float32 = np.ascontiguousarray(turned).astype(np.float32) * scale
    rgba[..., :3] *= rgba[..., 3:]
    target_width, target_height = _fitted(rgba.shape[1], rgba.shape[0], box_width, box_height, fit, float(sar))
    rgba = _resized(rgba, target_width, target_height)
    x, y = left + (box_width - target_width) // 2 - matte.x, top + (box_height - target_height) // 2 - matte.y
    framed = np.zeros((height, width, 4), np.float32)
    x0, y0 = max(x, 0, left - matte.x), max(y, 0, top - matte.y)
    x1, y1 = (
        min(x + target_width, width, right - matte.x),
        min(y + target_height, height, bottom - matte.y),
    )
    if x1 > x0 and y1 > y0:
        framed[y0:y1, x0:x1] = rgba[y0 - y : y1 - y, x0 - x : x1 - x]
    opacity: Float32 = np.clip(framed[..., 3], 0.0, 1.0)
    rgb: Float32 = np.clip(framed[..., :3] / np.maximum(framed[..., 3:], np.float32(1e-6)), 0.0, 1.0)
    if fit is not Fit.CONTAIN and matte.alpha.any():
        # The feather reaches past the box: the picture's edge goes on under it.
        rgb, opacity = _extended(rgb, opacity, (x0, y0, x1, y1))
    return rgb, opacity


def _fitted(width: int, height: int, box_width: int, box_height: int, fit: Fit, sar: float) -> tuple[int, int]:
    if fit is Fit.STRETCH:
        return box_width, box_height
    # In decoded pixels a picture of square pixels is 1/sar times as wide.
    across, down = box_width / (width / sar), box_height / height
    factor = min(across, down) if fit is Fit.CONTAIN else max(across, down)
    return max(1, round(width / sar * factor)), max(1, round(height * factor))


def _resized(rgba: Float32, width: int, height: int) -> Float32:
    if rgba.shape[:2] == (height, width):
        return rgba
    shrinks = width < rgba.shape[1] or height < rgba.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(np.clip(cv2.resize(rgba, (width, height), interpolation=how), 0.0, 1.0), np.float32)


def _extended(rgb: Float32, opacity: Float32, box: tuple[int, int, int, int]) -> tuple[Float32, Float32]:
    x0, y0, x1, y1 = box
    if x1 <= x0 or y1 <= y0:
        return rgb, opacity
    columns = np.clip(np.arange(rgb.shape[1]), x0, x1 - 1)
    rows = np.clip(np.arange(rgb.shape[0]), y0, y1 - 1)
    return rgb[rows][:, columns], opacity[rows][:, columns]
