"""Make a timeline frame from its recipe: the source frame, then the operations over it, in the frame's own planes.

Preview, export and thumbnails all come through here, so what is seen is what is exported.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

from engine.errors import UnsupportedMedia
from engine.media.pixels import Frame, frame_from_planes, is_interlaced, planes
from engine.model.layers import Blend
from engine.model.media import VideoStream
from engine.model.ops import Op, PatchOp
from engine.model.patch import Follow
from engine.model.picture import Picture as StillPicture
from engine.model.pixel_format import PixelFormat, Scan
from engine.model.recipe import RecipeRun
from engine.model.region import Box, Ellipse, Region
from engine.model.tool import Blur, Fill, Picture, Pixelate
from engine.patches.blend import Planes
from engine.patches.matte import Matte, ellipse_outline, rasterise
from engine.patches.pictures import Fit, place
from engine.patches.retouch import blur, fill_colour, pixelate

Pictures = Callable[[str], StillPicture]
"""Returns the picture of a take by the id of its content."""


class Composer:
    """Makes the frames of a film from its recipes.

    Thread-safe: it keeps mattes and pictures, nothing else.

    Args:
        video: the stream whose frames come in.
        runs: the recipes of the whole timeline, in order.
        pictures: looks up the pictures that takes are made of.
    """

    def __init__(self, video: VideoStream, runs: Sequence[RecipeRun], pictures: Pictures) -> None:
        self._video = video
        self._runs = tuple(runs)
        self._starts = [run.timeline_range.start for run in runs]
        self._pictures = lru_cache(maxsize=8)(pictures)
        self._mattes = lru_cache(maxsize=64)(self._rasterised)

    def compose(self, number: int, frame: Frame) -> Frame:
        """Return timeline frame `number`, made from the source frame underneath it.

        The frame itself comes back where its recipe is bare; else a new one, equal to it outside the mattes.
        """
        run = self._runs[bisect_right(self._starts, number) - 1]
        if run.recipe.is_bare:
            return frame
        result = planes(frame)
        pixel_format = PixelFormat.of(self._video)
        pixel_format = pixel_format.scanned(Scan.INTERLACED if is_interlaced(frame) else Scan.PROGRESSIVE)
        for op in run.recipe.ops:
            result = self._applied(op, result, pixel_format)
        return frame_from_planes(frame, result)

    def matte(self, op: PatchOp) -> Matte:
        """Return the matte of an operation, in the decoded frame's coordinates."""
        return self._mattes(op.region, op.feather_px, op.grow_px)

    def _applied(self, op: Op, before: Planes, pixel_format: PixelFormat) -> Planes:
        if not isinstance(op, PatchOp):
            raise UnsupportedMedia(f"this version does not render a {type(op).__name__.removesuffix('Op').lower()}")
        if op.motion.follow is not Follow.STATIC or op.blend is not Blend.NORMAL or op.matte is not None:
            raise UnsupportedMedia("this project holds a moving or blended patch, which this version does not render")
        matte = self.matte(op)
        if op.opacity < 1.0:
            alpha = (matte.alpha * np.float32(op.opacity)).astype(np.float32)
            matte = Matte(matte.width, matte.height, matte.x, matte.y, alpha, matte.bounds)
        match op.tool:
            case Blur(radius_px):
                return blur(before, pixel_format, matte, radius_px=radius_px)
            case Pixelate(block_px):
                return pixelate(before, pixel_format, matte, block_px=block_px)
            case Fill(colour):
                rgb = (colour.red / 255, colour.green / 255, colour.blue / 255)
                return fill_colour(before, pixel_format, matte, rgb=rgb)
            case Picture(content):
                return place(
                    before,
                    pixel_format,
                    matte,
                    self._pictures(content),
                    rotation=self._video.rotation,
                    fit=Fit.STRETCH,
                    sar=self._video.sar or Fraction(1),
                )
            case other:
                raise UnsupportedMedia(f"this version does not render the tool {type(other).__name__}")

    def _rasterised(self, region: Region, feather_px: float, grow_px: float) -> Matte:
        video = self._video
        return rasterise(
            outline_of(region), video.width, video.height, video.rotation, feather_px=feather_px, grow_px=grow_px
        )


def outline_of(region: Region) -> list[tuple[float, float]]:
    """Return the closed outline of a region, normalised 0..1 in display coordinates."""
    match region:
        case Box(x0, y0, x1, y1):
            return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        case Ellipse(x0, y0, x1, y1):
            return [(float(x), float(y)) for x, y in ellipse_outline(x0, y0, x1, y1)]
        case other:
            return list(other.points)
