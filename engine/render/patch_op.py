"""Apply a patch to a source picture: its tool under its matte.

Patches that move, and tools that look at other frames, are drawn by a MovingPatches.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Protocol

from engine.errors import UnsupportedMedia
from engine.model.layers import Blend
from engine.model.ops import PatchOp, SubjectOp
from engine.model.patch import Follow
from engine.model.picture import Picture as StillPicture
from engine.model.subject import DrawnMatte
from engine.model.tool import (
    BLACK,
    Blur,
    Clone,
    Fill,
    Grade,
    Inpaint,
    Lettering,
    MovingPicture,
    Picture,
    Pixelate,
    Remove,
    film_frame,
)
from engine.patches.blend import Planes
from engine.patches.clone import clone
from engine.patches.grade import grade
from engine.patches.lay import lay_planes
from engine.patches.matte import Matte
from engine.patches.patch import decoded_shift, lettered, tone_of
from engine.patches.pictures import Fit, place, placed_rgba
from engine.patches.retouch import blur, fill_colour, pixelate
from engine.render.base import Still
from engine.render.overlay_op import Pictures
from engine.render.patch_matte import PatchMattes, faded, solid


class MovingPatches(Protocol):
    """Draws the patches that follow the picture; thread-safe."""

    def draw(self, op: PatchOp, source_id: str, number: int, still: Still) -> Planes:
        """Return the planes of source frame `number` with the patch on it, its opacity and blend mode applied."""

    def matte(self, op: PatchOp, source_id: str, number: int, still: Still) -> Matte | None:
        """Return where the patch is on that frame, None where it is off it."""


def needs_others(op: PatchOp) -> bool:
    """Tell whether a patch needs other frames than the one it is drawn on, and so a MovingPatches."""
    if isinstance(op.tool, MovingPicture):
        # The film moves by itself.
        return False
    if op.motion.follow is not Follow.STATIC or op.motion.nudges:
        return True
    match op.tool:
        case Remove() | Inpaint():
            return True
        case Clone(frames=frames):
            return frames != 0
        case Picture(fit=fit):
            return bool(fit)
        case _:
            return False


def drawn_matte_op(op: SubjectOp, matte: DrawnMatte) -> PatchOp:
    """Return the patch that goes where a subject's drawn region goes."""
    return PatchOp(
        matte.region, matte.anchor, op.feather_px, 0.0, None, matte.motion, op.window, Fill(BLACK), opacity=1.0
    )


class PatchRenderer:
    """Draws patches on source pictures; thread-safe.

    Args:
        pictures: looks up the pictures of takes and mattes.
        moving: draws those that need other frames; None where no patch does.
    """

    def __init__(self, pictures: Pictures, moving: MovingPatches | None) -> None:
        self._pictures = pictures
        self._moving = moving
        self._mattes = PatchMattes(pictures)

    def draw(self, op: PatchOp, source_id: str, number: int, still: Still) -> Planes:
        """Return a source picture's planes with the patch on them.

        Raises:
            UnsupportedMedia: nothing here draws this tool or motion.
        """
        if needs_others(op):
            return self._mover().draw(op, source_id, number, still)
        if isinstance(op.tool, MovingPicture):
            return self._filmed(op, op.tool, number, still)
        matte = self._standing(op, still)
        before = still.planes
        if op.blend is Blend.NORMAL:
            return self._with_tool(op, faded(matte, op.opacity), still)
        after = self._with_tool(op, solid(matte), still)
        return lay_planes(before, after, still.pixel_format, faded(matte, op.opacity), op.blend)

    def matte(self, op: PatchOp, source_id: str, number: int, still: Still) -> Matte | None:
        """Return where a patch is on a source picture, None where it is off it."""
        if needs_others(op):
            return self._mover().matte(op, source_id, number, still)
        if isinstance(op.tool, MovingPicture):
            return self._film_matte(op, op.tool, number, still)
        return self._standing(op, still)

    def _filmed(self, op: PatchOp, film: MovingPicture, number: int, still: Still) -> Planes:
        picture = self._frame_of(op, film, number)
        matte = self._film_box(op, film, still)
        if picture is None:
            return still.planes
        sar, rotation = still.video.sar or Fraction(1), still.video.rotation
        full = matte if op.blend is not Blend.NORMAL else faded(matte, op.opacity)
        after = place(still.planes, still.pixel_format, full, picture, rotation=rotation, fit=Fit.STRETCH, sar=sar)
        if op.blend is Blend.NORMAL:
            return after
        shown = self._film_matte(op, film, number, still)
        return lay_planes(still.planes, after, still.pixel_format, faded(shown or matte, op.opacity), op.blend)

    def _film_matte(self, op: PatchOp, film: MovingPicture, number: int, still: Still) -> Matte | None:
        picture = self._frame_of(op, film, number)
        if picture is None:
            return None
        box = self._film_box(op, film, still)
        rotation, sar = still.video.rotation, still.video.sar or Fraction(1)
        _, opacity = placed_rgba(box, picture, rotation=rotation, fit=Fit.STRETCH, sar=sar)
        return replace(box, alpha=box.alpha * opacity)

    def _film_box(self, op: PatchOp, film: MovingPicture, still: Still) -> Matte:
        return self._mattes.matte(film.box or op.region.bounds, None, still.video, 0.0, 0.0)

    def _frame_of(self, op: PatchOp, film: MovingPicture, number: int) -> StillPicture | None:
        """Return the film's frame that stands on a source frame; None where it has none."""
        first = film.first
        if first is None:
            first = 0 if op.window is None else op.window.start
        return self._pictures(film_frame(film.content, number - first)) if number >= first else None

    def _mover(self) -> MovingPatches:
        if self._moving is None:
            raise UnsupportedMedia("this patch looks at other frames of its film, which are not at hand here")
        return self._moving

    def _standing(self, op: PatchOp, still: Still) -> Matte:
        return self._mattes.matte(op.region, op.matte, still.video, op.feather_px, op.grow_px)

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
            case Grade() as change:
                return grade(planes, pixel_format, matte, change=change)
            case Clone(dx, dy) as tool:
                shift = decoded_shift(dx, dy, matte, video.rotation)
                return clone(planes, pixel_format, matte, planes, shift_px=shift, tone=tone_of(tool))
            case Lettering() as tool:
                return lettered(planes, pixel_format, matte, tool, video.rotation)
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
