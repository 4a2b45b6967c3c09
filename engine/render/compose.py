"""Make a timeline frame from its recipe: the picture underneath, then the operations over it, in its own planes.

Preview, export and thumbnails all come through here, so what is seen is what is exported. Each kind of operation has
a module of its own; here the recipe is only walked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from engine.errors import UsageError
from engine.media.pixels import Frame, frame_from_planes, new_frame
from engine.model.geometry import AS_IT_IS
from engine.model.layers import Blend
from engine.model.media import VideoStream
from engine.model.ops import CaptionOp, OverlayOp, PatchOp, SourceClock, SubjectOp, TimelineClock
from engine.model.pixel_format import PixelFormat, Scan
from engine.model.recipe import BlackBase, Placement, Recipe, RecipeRun, base_frame
from engine.patches.affine import Screen
from engine.patches.blend import Planes
from engine.patches.lay import lay_planes
from engine.patches.matte import Float32, Matte
from engine.render.base import Still, black, placed, placed_alpha, screen_of, still_of
from engine.render.caption_op import draw_caption
from engine.render.films import Films
from engine.render.overlay_op import OverlayRenderer, Pictures
from engine.render.patch_matte import faded
from engine.render.patch_op import MovingPatches, PatchRenderer
from engine.render.subject_op import SubjectMattes


class Composer:
    """Makes the frames of a film from its recipes.

    Thread-safe: it keeps mattes, pictures and drawings, nothing else.

    Args:
        video: the stream whose size, pixel format and colour the frames have; its displayed size is the canvas.
        runs: the recipes of the whole timeline, in order.
        pictures: looks up the pictures that takes, overlays and mattes are made of.
        films: looks up the sources' frames.
        moving: draws patches that move; None where no patch does.
    """

    def __init__(
        self,
        video: VideoStream,
        runs: Sequence[RecipeRun],
        pictures: Pictures,
        films: Films,
        moving: MovingPatches | None = None,
    ) -> None:
        self._video = video
        self._runs = tuple(runs)
        self._starts = [run.timeline_range.start for run in runs]
        self._films = films
        kept = lru_cache(maxsize=8)(pictures)
        self._screen: Screen = screen_of(video)
        self._patches = PatchRenderer(kept, moving)
        self._overlays = OverlayRenderer(self._screen, kept, films)
        self._subjects = SubjectMattes(kept, films, moving)

    def source_frame(self, number: int) -> tuple[str, int] | None:
        """Return the source, and its frame, under timeline frame `number`; None where there is none."""
        run = self._run(number)
        base = run.recipe.base
        if isinstance(base, BlackBase):
            return None
        at = number - run.timeline_range.start
        return base.source_id, base_frame(base, at, self._films.times(base.source_id))

    def compose(self, number: int, frame: Frame | None = None) -> Frame:
        """Return timeline frame `number`.

        The source frame itself comes back where its recipe is bare; else a new one, equal to it outside the mattes.

        Args:
            number: of the timeline.
            frame: the source frame underneath, where the caller has it already.

        Raises:
            UsageError: there is no such frame.
            MediaError: a source cannot be read, or something cannot be drawn on it.
        """
        run = self._run(number)
        under = self.source_frame(number)
        if under is None:
            pixel_format = PixelFormat.of(self._video).scanned(Scan.PROGRESSIVE)
            ground = black(pixel_format, self._video.width, self._video.height)
            return new_frame(self._video, self._walked(run, number, _Ground(ground, pixel_format), None))
        source_id, source_number = under
        if frame is None:
            frame = self._films.frame(source_id, source_number)
        video = self._films.video(source_id)
        placement = self._placement(run, video)
        if placement is None and not run.recipe.ops:
            return frame
        picture = _Source(source_id, source_number, still_of(frame, video))
        result = self._walked(run, number, picture, placement)
        return frame_from_planes(frame, result) if placement is None else new_frame(self._video, result)

    def without_patches(self) -> Composer:
        """Return a composer of the same film as it would be without its patches."""
        result = copy(self)
        result._runs = tuple(replace(run, recipe=_unpatched(run.recipe)) for run in self._runs)
        return result

    def touched(self, number: int) -> Float32:
        """Return how much of each pixel of timeline frame `number` its patches may change, float32 [H, W] in 0..1.

        Raises:
            UsageError: there is no such frame.
            MediaError: a source cannot be read, or a patch not followed.
        """
        run = self._run(number)
        result = np.zeros((self._video.height, self._video.width), np.float32)
        under = self.source_frame(number)
        if under is None:
            return result
        source_id, source_number = under
        video = self._films.video(source_id)
        still = still_of(self._films.frame(source_id, source_number), video)
        placement = self._placement(run, video)
        for op in run.recipe.ops:
            matte = self._patches.matte(op, source_id, source_number, still) if isinstance(op, PatchOp) else None
            if matte is None:
                continue
            if placement is None:
                np.maximum(result, matte.full(), out=result)
                continue
            at = number - run.timeline_range.start
            found = placed_alpha(matte.full(), still, placement.geometry, at, self._screen)
            if found is not None:
                part, left, top = found
                window = result[top : top + part.shape[0], left : left + part.shape[1]]
                np.maximum(window, part, out=window)
        return result

    def _placement(self, run: RecipeRun, video: VideoStream) -> Placement | None:
        """Return how a source's picture lies on the canvas; None where it is the canvas's frame as it is."""
        if run.recipe.placement is None and not self._is_own(video):
            return Placement(AS_IT_IS, self._screen.width, self._screen.height, self._screen.sar)
        return run.recipe.placement

    def _is_own(self, video: VideoStream) -> bool:
        """Tell whether a source's frames are the canvas's as they are: of its size, format, colour and turn."""

        def facts(stream: VideoStream) -> tuple[object, ...]:
            colour = PixelFormat.of(stream).scanned(Scan.PROGRESSIVE)
            return stream.width, stream.height, stream.rotation, colour

        return video is self._video or facts(video) == facts(self._video)

    def _run(self, number: int) -> RecipeRun:
        if not self._runs or not 0 <= number < self._runs[-1].timeline_range.stop:
            raise UsageError(f"the timeline has no frame {number}")
        return self._runs[bisect_right(self._starts, number) - 1]

    def _walked(self, run: RecipeRun, number: int, picture: _Source | _Ground, placement: Placement | None) -> Planes:
        """Return the planes of a frame, bottom operation first.

        `picture` is the source's with the patches so far; `canvas` is what lies on the canvas, once anything does.
        """
        at = number - run.timeline_range.start
        canvas: Planes | None = None
        for op in run.recipe.ops:
            match op:
                case PatchOp():
                    if isinstance(picture, _Ground):
                        continue
                    before = picture.still
                    picture = picture.with_planes(self._patches.draw(op, picture.source_id, picture.number, before))
                    if canvas is not None:
                        canvas = self._patched(op, canvas, before, picture, placement, at)
                case OverlayOp():
                    canvas = self._canvas(canvas, picture, placement, at)
                    pixel_format = self._format(picture, placement)
                    canvas = self._overlays.draw(op, _moment(op, at, picture), canvas, pixel_format)
                case CaptionOp():
                    canvas = self._canvas(canvas, picture, placement, at)
                    pixel_format = self._format(picture, placement)
                    canvas = draw_caption(op, self._overlays, canvas, pixel_format)
                case SubjectOp():
                    if canvas is not None and isinstance(picture, _Source):
                        canvas = self._with_subject(op, canvas, picture, placement, at)
        return self._canvas(canvas, picture, placement, at)

    def _canvas(
        self, canvas: Planes | None, picture: _Source | _Ground, placement: Placement | None, at: int
    ) -> Planes:
        if canvas is not None:
            return canvas
        if isinstance(picture, _Ground):
            return picture.planes
        if placement is None:
            return picture.still.planes
        return placed(picture.still, placement.geometry, at, self._format(picture, placement), self._screen)

    def _format(self, picture: _Source | _Ground, placement: Placement | None) -> PixelFormat:
        if isinstance(picture, _Ground):
            return picture.pixel_format
        if placement is None:
            return picture.still.pixel_format
        return PixelFormat.of(self._video).scanned(Scan.PROGRESSIVE)

    def _patched(
        self, op: PatchOp, canvas: Planes, before: Still, picture: _Source, placement: Placement | None, at: int
    ) -> Planes:
        """Return the canvas with a patch that lies above something drawn before it."""
        if placement is None:
            return self._patches.draw(op, picture.source_id, picture.number, replace(before, planes=canvas))
        matte = self._patches.matte(op, picture.source_id, picture.number, before)
        if matte is None:
            return canvas
        return self._over(canvas, faded(matte, op.opacity).full(), picture, placement, at, Blend.NORMAL)

    def _with_subject(
        self, op: SubjectOp, canvas: Planes, picture: _Source, placement: Placement | None, at: int
    ) -> Planes:
        alpha = self._subjects.alpha(op, picture.source_id, picture.number, picture.still)
        if op.opacity < 1.0:
            alpha = alpha * np.float32(op.opacity)
        return self._over(canvas, alpha, picture, placement, at, op.blend)

    def _over(
        self, canvas: Planes, alpha: Float32, picture: _Source, placement: Placement | None, at: int, mode: Blend
    ) -> Planes:
        """Return the canvas with the source picture over it, through a matte of the source frame ([H, W])."""
        pixel_format = self._format(picture, placement)
        if placement is None:
            return lay_planes(canvas, picture.still.planes, pixel_format, Matte.of_full(alpha), mode)
        found = placed_alpha(alpha, picture.still, placement.geometry, at, self._screen)
        if found is None:
            return canvas
        part, left, top = found
        full = np.zeros((self._video.height, self._video.width), np.float32)
        full[top : top + part.shape[0], left : left + part.shape[1]] = part
        source = placed(picture.still, placement.geometry, at, pixel_format, self._screen)
        return lay_planes(canvas, source, pixel_format, Matte.of_full(full), mode)


def _unpatched(recipe: Recipe) -> Recipe:
    return replace(recipe, ops=tuple(op for op in recipe.ops if not isinstance(op, PatchOp)))


@dataclass(frozen=True, slots=True)
class _Source:
    """A source's picture, with the patches so far."""

    source_id: str
    number: int
    still: Still

    def with_planes(self, planes: Planes) -> _Source:
        return replace(self, still=replace(self.still, planes=planes))


@dataclass(frozen=True, slots=True)
class _Ground:
    """No picture: black."""

    planes: Planes
    pixel_format: PixelFormat


def _moment(op: OverlayOp, at: int, picture: _Source | _Ground) -> int:
    """Return the frame at which an overlay's keyframes are read, `at` frames into its run."""
    match op.clock:
        case TimelineClock():
            return at
        case SourceClock(first) if isinstance(picture, _Source):
            return picture.number - first
        case _:
            return 0
