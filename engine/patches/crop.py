"""The part of a frame that a provider is shown: the region with room around it, upright, as a picture; and its mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.model.pixel_format import PixelFormat
from engine.patches.blend import Planes
from engine.patches.colour import codes_to_film, film_to_display
from engine.patches.matte import Float32, Matte

CONTEXT = 0.6
"""Room around a region, as a share of its own size on each axis: what a provider needs to match its surroundings."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A box of decoded pixels: left, top, right, bottom, inside the frame."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return self.bottom - self.top


def crop_around(matte: Matte, rotation: int, ratios: Sequence[float] = (), context: float = CONTEXT) -> Crop:
    """Return the crop around a matte: with room, of the nearest supported shape, moved inside the frame.

    Args:
        matte: of the region, in decoded coordinates.
        rotation: degrees clockwise by which a player turns the frame; shapes are those of the displayed picture.
        ratios: supported width over height; any where empty.
        context: room on both sides together, as a share of the region's size.
    """
    inside = matte.alpha > 0
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    left, right = matte.x + int(columns[0]), matte.x + int(columns[-1]) + 1
    top, bottom = matte.y + int(rows[0]), matte.y + int(rows[-1]) + 1
    width, height = (right - left) * (1 + context), (bottom - top) * (1 + context)
    turned = rotation % 180 == 90
    if ratios:
        shown = height / width if turned else width / height
        best = min(ratios, key=lambda ratio: abs(np.log(ratio / shown)))
        wanted = 1 / best if turned else best
        width, height = max(width, height * wanted), max(height, width / wanted)
    shrink = min(1.0, matte.width / width, matte.height / height)
    across, down = min(matte.width, round(width * shrink)), min(matte.height, round(height * shrink))
    x = min(max(0, round((left + right - across) / 2)), matte.width - across)
    y = min(max(0, round((top + bottom - down) / 2)), matte.height - down)
    return Crop(x, y, x + across, y + down)


def film_crop(planes: Planes, pixel_format: PixelFormat, crop: Crop) -> Float32:
    """Return a part of a frame as the film's own non-linear R'G'B', float32 [h, w, 3], not turned.

    Raises:
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    y, x = np.mgrid[crop.top : crop.bottom, crop.left : crop.right].astype(np.float32)
    full = []
    for index in range(pixel_format.colour_planes):
        shift_x, shift_y = pixel_format.shift_of(index)
        plane = planes[index]
        if not (shift_x or shift_y):
            full.append(plane[crop.top : crop.bottom, crop.left : crop.right].astype(np.float32))
            continue
        site_x, site_y = pixel_format.chroma_site
        u = (x - np.float32(site_x)) / np.float32(1 << shift_x)
        v = (y - np.float32(site_y)) / np.float32(1 << shift_y)
        x0, y0 = max(0, int(u.min()) - 2), max(0, int(v.min()) - 2)
        part = plane[y0 : int(v.max()) + 3, x0 : int(u.max()) + 3].astype(np.float32)
        full.append(
            np.asarray(
                cv2.remap(
                    part, u - np.float32(x0), v - np.float32(y0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                ),
                np.float32,
            )
        )
    return codes_to_film(tuple(full), pixel_format)


def shown_crop(planes: Planes, pixel_format: PixelFormat, crop: Crop, rotation: int) -> NDArray[np.uint8]:
    """Return a part of a frame as a person sees it: upright, sRGB, uint8 [h, w, 3].

    HDR film is brought to SDR by clipping above its reference white: a stated approximation, undone on the way back.

    Raises:
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    rgb = film_to_display(film_crop(planes, pixel_format, crop), pixel_format)
    upright = np.rot90(rgb, k=-(rotation // 90))
    return np.ascontiguousarray(np.floor(np.clip(upright, 0, 1) * 255 + 0.5).astype(np.uint8))


def shown_mask(matte: Matte, crop: Crop, rotation: int) -> NDArray[np.uint8]:
    """Return the mask of a crop as a provider wants it: upright, uint8 [h, w], 255 where the edit may be."""
    whole = matte.full()[crop.top : crop.bottom, crop.left : crop.right]
    upright = np.rot90(whole >= 0.5, k=-(rotation // 90))
    mask: NDArray[Any] = np.ascontiguousarray(upright.astype(np.uint8) * 255)
    return mask
