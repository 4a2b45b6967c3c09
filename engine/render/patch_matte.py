"""The matte of a patch on its anchor: its region, or the picture that refines it to an object's edge."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.errors import EditRefused
from engine.model.media import VideoStream
from engine.model.picture import Picture
from engine.model.region import Region
from engine.patches.affine import averaged, moved, warped
from engine.patches.matte import Float32, Matte, region_matte, softened
from engine.render.overlay_op import Pictures

BRIGHTNESS = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear BT.709 light, used on code values as players' luma is."""


class PatchMattes:
    """Makes the mattes of patches; thread-safe.

    Args:
        pictures: looks up the pictures of refined mattes.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._made = lru_cache(maxsize=64)(self._make)

    def matte(
        self, region: Region, refined: str | None, video: VideoStream, feather_px: float = 0.0, grow_px: float = 0.0
    ) -> Matte:
        """Return a region's matte on a decoded frame.

        Args:
            region: as drawn.
            refined: the id of the picture that stands in its bounds; None for its own shape.
            video: the source's stream.
            feather_px: how far the matte fades out beyond the region.
            grow_px: by how much the region is widened before that.

        Raises:
            EditRefused: nothing of it is on the picture.
        """
        return self._made(region, refined, (video.width, video.height, video.rotation), feather_px, grow_px)

    def _make(
        self,
        region: Region,
        refined: str | None,
        frame: tuple[int, int, int],
        feather_px: float,
        grow_px: float,
    ) -> Matte:
        width, height, rotation = frame
        if refined is None:
            return region_matte(region, width, height, rotation, feather_px=feather_px, grow_px=grow_px)
        drawn = region_matte(region, width, height, rotation)
        full = _within(drawn, grey_of(self._pictures(refined)), rotation)
        if feather_px or grow_px:
            full = softened(full, grow_px, feather_px)
        if not full.any():
            raise EditRefused("nothing is left of the patch's refined edge; draw its region again")
        return Matte.of_full(full, drawn.bounds)


def solid(matte: Matte) -> Matte:
    """Return a matte that covers wholly whatever it touches."""
    return Matte(matte.width, matte.height, matte.x, matte.y, (matte.alpha > 0).astype(np.float32), matte.bounds)


def faded(matte: Matte, opacity: float) -> Matte:
    """Return a matte with its alpha multiplied."""
    if opacity >= 1.0:
        return matte
    alpha: Float32 = (matte.alpha * np.float32(opacity)).astype(np.float32)
    return Matte(matte.width, matte.height, matte.x, matte.y, alpha, matte.bounds)


def grey_of(picture: Picture) -> Float32:
    """Return a matte picture's values in 0..1: its alpha where it has one, else its brightness."""
    rgba = picture.rgba.astype(np.float32) / np.float32(np.iinfo(picture.rgba.dtype).max)
    if float(rgba[..., 3].min()) < 1.0:
        return np.ascontiguousarray(rgba[..., 3])
    return np.asarray(rgba[..., :3] @ BRIGHTNESS, np.float32)


def _within(drawn: Matte, grey: Float32, rotation: int) -> Float32:
    """Return a grey picture at the frame's size, [H, W], standing in the bounds of a region."""
    left, top, right, bottom = drawn.bounds
    upright = np.rot90(grey, k=rotation // 90 % 4)
    scale = np.diag([(right - left) / upright.shape[1], (bottom - top) / upright.shape[0], 1.0])
    full = np.zeros((drawn.height, drawn.width), np.float32)
    found = warped(*averaged(np.ascontiguousarray(upright), moved(left, top) @ scale), drawn.width, drawn.height)
    if found is not None:
        alpha, x, y = found
        full[y : y + alpha.shape[0], x : x + alpha.shape[1]] = alpha
    return full
