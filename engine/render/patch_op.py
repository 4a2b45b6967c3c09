"""Apply a patch to a source picture: its tool under its matte. Patches that move are drawn by a MovingPatches."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Protocol

import numpy as np

from engine.errors import EditRefused, UnsupportedMedia
from engine.model.layers import Blend
from engine.model.media import VideoStream
from engine.model.ops import PatchOp
from engine.model.patch import Follow
from engine.model.region import Region
from engine.model.tool import Blur, Fill, Picture, Pixelate
from engine.patches.affine import averaged, moved, warped
from engine.patches.blend import Planes
from engine.patches.lay import lay_planes
from engine.patches.matte import Float32, Matte, region_matte, softened
from engine.patches.pictures import Fit, place
from engine.patches.retouch import blur, fill_colour, pixelate
from engine.render.base import Still
from engine.render.overlay_op import Pictures
from engine.render.subject_op import grey_of


class MovingPatches(Protocol):
    """Draws the patches that follow the picture; thread-safe."""

    def draw(self, op: PatchOp, source_id: str, number: int, still: Still) -> Planes:
        """Return the planes of source frame `number` with the patch on it, its opacity and blend mode applied."""

    def matte(self, op: PatchOp, source_id: str, number: int, still: Still) -> Matte | None:
        """Return where the patch is on that frame, None where it is off it."""


class PatchRenderer:
    """Draws patches on source pictures; thread-safe.

    Args:
        pictures: looks up the pictures of takes and mattes.
        moving: draws those that move; None where no patch does.
    """

    def __init__(self, pictures: Pictures, moving: MovingPatches | None) -> None:
        self._pictures = pictures
        self._moving = moving
        self._mattes = lru_cache(maxsize=64)(self._made_matte)

    def draw(self, op: PatchOp, source_id: str, number: int, still: Still) -> Planes:
        """Return a source picture's planes with the patch on them.

        Raises:
            UnsupportedMedia: nothing here draws this tool or motion.
        """
        if op.motion.follow is not Follow.STATIC:
            return self._mover().draw(op, source_id, number, still)
        matte = self._standing(op, still.video)
        before = still.planes
        if op.blend is Blend.NORMAL:
            return self._with_tool(op, faded(matte, op.opacity), still)
        solid = Matte(matte.width, matte.height, matte.x, matte.y, (matte.alpha > 0).astype(np.float32), matte.bounds)
        after = self._with_tool(op, solid, still)
        return lay_planes(before, after, still.pixel_format, faded(matte, op.opacity), op.blend)

    def matte(self, op: PatchOp, source_id: str, number: int, still: Still) -> Matte | None:
        """Return where a patch is on a source picture, None where it is off it."""
        if op.motion.follow is not Follow.STATIC:
            return self._mover().matte(op, source_id, number, still)
        return self._standing(op, still.video)

    def _mover(self) -> MovingPatches:
        if self._moving is None:
            raise UnsupportedMedia("this project holds a moving patch, which this version does not render")
        return self._moving

    def _standing(self, op: PatchOp, video: VideoStream) -> Matte:
        return self._mattes(op.region, op.matte, op.feather_px, op.grow_px, (video.width, video.height, video.rotation))

    def _made_matte(
        self,
        region: Region,
        refined: str | None,
        feather_px: float,
        grow_px: float,
        frame: tuple[int, int, int],
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

    def _with_tool(self, op: PatchOp, matte: Matte, still: Still) -> Planes:
        planes, pixel_format, video = still.planes, still.pixel_format, still.video
        match op.tool:
            case Blur(radius_px):
                return blur(planes, pixel_format, matte, radius_px=radius_px)
            case Pixelate(block_px):
                return pixelate(planes, pixel_format, matte, block_px=block_px)
            case Fill(colour):
                rgb = (colour.red / 255, colour.green / 255, colour.blue / 255)
                return fill_colour(planes, pixel_format, matte, rgb=rgb)
            case Picture(content):
                return place(
                    planes,
                    pixel_format,
                    matte,
                    self._pictures(content),
                    rotation=video.rotation,
                    fit=Fit.STRETCH,
                    sar=video.sar or Fraction(1),
                )
            case other:
                raise UnsupportedMedia(f"this version does not render the tool {type(other).__name__}")


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


def faded(matte: Matte, opacity: float) -> Matte:
    """Return a matte with its alpha multiplied."""
    if opacity >= 1.0:
        return matte
    alpha: Float32 = (matte.alpha * np.float32(opacity)).astype(np.float32)
    return Matte(matte.width, matte.height, matte.x, matte.y, alpha, matte.bounds)
