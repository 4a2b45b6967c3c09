"""Draw the patches that follow the picture, or that need other frames than the one they are drawn on.

Preview and export share one of these. Following and preparing is done once; drawing a prepared patch needs one frame.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from engine.control import CancelToken, Progress
from engine.media.pixels import planes as planes_of
from engine.model.layers import Blend
from engine.model.ops import PatchOp, SubjectOp
from engine.model.patch import Follow, WhenLost
from engine.model.recipe import BlackBase, RecipeRun
from engine.model.subject import DrawnMatte
from engine.model.time import Range
from engine.model.tool import FitStep, Picture, Remove
from engine.motion.track import VERSION as TRACK_VERSION
from engine.patches.blend import Planes, mixed
from engine.patches.crop import Crop
from engine.patches.lay import lay_planes
from engine.patches.matte import Matte
from engine.patches.moving import matte_on
from engine.patches.patch import FilmFacts, PreparedPatch, prepared
from engine.patches.propagate import Journey
from engine.render.base import Still
from engine.render.filled import FilledFrames
from engine.render.films import Films
from engine.render.frame_shelf import FrameShelf
from engine.render.journeys import Journeys
from engine.render.kept import Kept
from engine.render.overlay_op import Pictures
from engine.render.patch_matte import PatchMattes, faded, solid
from engine.render.patch_op import drawn_matte_op, needs_others
from engine.render.segment import ENGINE_VERSION, SegmentCache

_PREPARED = 8
_FILLERS = 3


class Late(Enum):
    """What drawing does with a patch that is not followed yet."""

    WAIT = "wait"
    """Follow it first: for an export."""
    LEAVE_OUT = "leave out"
    """Show the frame without it: for a viewer, which must not wait."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A patch that was followed and made ready.

    Attributes:
        window: the frames asked for. frames: those on which it stands; fewer where a cut ended it.
        confidence: one per frame of `frames`, 0 to 1.
        lost: runs of frames on which it was lost and faded out (or covered more).
        cuts: (before, after), whether a cut ended it.
        suggestion: a frame on which a further anchor would help most, None where none is needed.
        doubts: what a person should know.
    """

    window: Range
    frames: Range
    confidence: tuple[float, ...]
    lost: tuple[Range, ...]
    cuts: tuple[bool, bool]
    suggestion: int | None
    doubts: tuple[str, ...]


class Moving:
    """Draws moving patches; thread-safe.

    Args:
        films: the sources' frames.
        pictures: looks up the pictures of takes.
        cache: of tracks.
        identities: what stands for each source's content, by source id.
        late: what to do with patches that are not followed yet.
        shelf_bytes: of source frames that are kept while a patch is followed or filled.
    """

    def __init__(
        self,
        films: Films,
        pictures: Pictures,
        cache: SegmentCache,
        identities: Mapping[str, str],
        late: Late = Late.WAIT,
        shelf_bytes: int = 512 << 20,
    ) -> None:
        self._films = films
        self._pictures = pictures
        self._late = late
        self._mattes = PatchMattes(pictures)
        self._shelf = FrameShelf(films, shelf_bytes)
        self._journeys = Journeys(films, self._shelf, self._mattes, cache, identities)
        self._filled = FilledFrames(cache)
        self._identities = dict(identities)
        self._prepared: Kept[tuple[PatchOp, str], PreparedPatch] = Kept(_PREPARED)
        self._stopped = CancelToken()

    def stop(self) -> None:
        """Make whatever is being followed by a drawing thread stop; those get Cancelled."""
        self._stopped.cancel()

    def draw(self, op: PatchOp, source_id: str, number: int, still: Still) -> Planes:
        """Return the planes of source frame `number` with the patch on it, its opacity and blend mode applied.

        Raises:
            EditRefused, MediaError: it cannot be followed or drawn.
            Cancelled: `stop` was called.
        """
        before, filmed = still.planes, planes_of(still.frame)
        after = self._kept_drawing(op, source_id, number, before, filmed)
        if after is not None:
            return mixed(before, after, op.opacity)
        patch = self._ready(op, source_id)
        if patch is None:
            return before
        after = patch.on(number, before, filmed)
        if _takes_long(op) and _same(before, filmed):
            self._filled.keep(self._key(op, source_id), number, before, after)
        if op.blend is not Blend.NORMAL:
            matte = self._matte_on(op, patch, self._soft(op, source_id), number)
            if matte is None or after is before:
                return before
            return lay_planes(before, after, still.pixel_format, faded(matte, op.opacity), op.blend)
        return mixed(before, after, op.opacity)

    def matte(self, op: PatchOp, source_id: str, number: int, still: Still) -> Matte | None:
        """Return where the patch is on that frame, None where it is off it."""
        patch = self._ready(op, source_id)
        if patch is None:
            return None
        if op.blend is Blend.NORMAL:
            return patch.alpha_on(number)
        return self._matte_on(op, patch, self._soft(op, source_id), number)

    def region_on(self, op: PatchOp, source_id: str, number: int) -> Matte | None:
        """Return the drawn region, hard-edged, carried to that frame; None where it is off it or was not followed yet.

        It needs the way alone, not what the tool makes of it, so that it is there at once.
        """
        if not self._journeys.is_known(op, source_id):
            return None
        journey = self._journeys.journey(op, source_id, Progress(), self._stopped)
        picture = number * self._journeys.facts(source_id).per_frame
        if picture not in journey.frames:
            return None
        region = self._mattes.matte(op.region, op.matte, self._films.video(source_id), 0.0, 0.0)
        return matte_on(region, journey, op.motion.when_lost, picture)

    def is_ready(self, op: PatchOp, source_id: str) -> bool:
        """Tell whether drawing it needs no following."""
        if self._prepared.find(_kept_as(op, source_id)) is not None:
            return True
        if _takes_long(op):
            return self._filled.has_all(self._key(op, source_id))
        return self._journeys.is_known(op, source_id)

    def missing(self, runs: Sequence[RecipeRun]) -> tuple[tuple[PatchOp, str], ...]:
        """Return the patches of some recipes, with their sources, that are still to be followed; each once."""
        return tuple((op, source_id) for op, source_id in _moving_ops(runs) if not self.is_ready(op, source_id))

    def follow(self, op: PatchOp, source_id: str, progress: Progress, cancel: CancelToken) -> Followed:
        """Follow a patch and make it ready, unless that was done before; say how well it went.

        Raises:
            EditRefused: it cannot be followed, or its tool cannot be carried.
            MediaError: a frame cannot be read.
            Cancelled: on request.
        """
        share = 0.4 if _takes_long(op) else 1.0
        patch = self._made(op, source_id, progress.part(0.0, share), cancel)
        if _takes_long(op):
            self._fill(op, source_id, patch, progress.part(share, 1.0), cancel)
        return _followed(op, patch.facts, patch.journey, patch.doubts, self._films.times(source_id).count)

    def prepare(self, runs: Sequence[RecipeRun], progress: Progress, cancel: CancelToken) -> tuple[str, ...]:
        """Follow every patch of some recipes; return what a person should know of them.

        Raises:
            EditRefused, MediaError, Cancelled: see `follow`.
        """
        wanted = _moving_ops(runs)
        notes: list[str] = []
        for number, (op, source_id) in enumerate(wanted):
            part = progress.part(number / len(wanted), (number + 1) / len(wanted))
            notes += self.follow(op, source_id, part, cancel).doubts
        return tuple(dict.fromkeys(notes))

    def _kept_drawing(self, op: PatchOp, source_id: str, number: int, before: Planes, filmed: Planes) -> Planes | None:
        if not _takes_long(op) or op.blend is not Blend.NORMAL or not _same(before, filmed):
            return None
        return self._filled.drawn(self._key(op, source_id), number, before)

    def _fill(self, op: PatchOp, source_id: str, patch: PreparedPatch, progress: Progress, cancel: CancelToken) -> None:
        """Draw the whole window once and keep it, so that playing it does not wait."""
        key = self._key(op, source_id)
        if op.window is None or op.blend is not Blend.NORMAL or self._filled.has_all(key):
            return
        window = op.window
        done = itertools.count(1)

        def fill(number: int) -> None:
            cancel.check()
            before = self._shelf.planes(source_id, number)
            if self._filled.drawn(key, number, before) is None:
                self._filled.keep(key, number, before, patch.on(number, before))
            progress.report("filling from other frames", next(done) / len(window))

        with ThreadPoolExecutor(_FILLERS, thread_name_prefix="fill") as pool:
            jobs = [pool.submit(fill, number) for number in window]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                for job in jobs:
                    job.cancel()
                raise
        self._filled.note_all(key)

    def _key(self, op: PatchOp, source_id: str) -> str:
        identity = self._identities.get(source_id, source_id)
        inputs = (ENGINE_VERSION, TRACK_VERSION, identity, replace(op, opacity=1.0))
        return hashlib.blake2b(repr(inputs).encode(), digest_size=20, person=b"dcut-drawn").hexdigest()

    def _ready(self, op: PatchOp, source_id: str) -> PreparedPatch | None:
        if self._late is Late.LEAVE_OUT and not self.is_ready(op, source_id):
            return None
        return self._made(op, source_id, Progress(), self._stopped)

    def _made(self, op: PatchOp, source_id: str, progress: Progress, cancel: CancelToken) -> PreparedPatch:
        return self._prepared.get(_kept_as(op, source_id), lambda: self._prepare(op, source_id, progress, cancel))

    def _prepare(self, op: PatchOp, source_id: str, progress: Progress, cancel: CancelToken) -> PreparedPatch:
        journey = self._journeys.journey(op, source_id, progress.part(0.0, 0.8), cancel)
        facts = self._journeys.facts(source_id)
        matte = self._soft(op, source_id)
        picture = self._pictures(op.tool.content) if isinstance(op.tool, Picture) else None
        per_frame = facts.per_frame
        crop = None
        if isinstance(op.tool, Picture) and picture is not None and op.tool.fit:
            crop = _shown_part(op.tool.fit, picture.rgba.shape[1], picture.rgba.shape[0], matte, facts)
        return prepared(
            facts,
            op.tool,
            matte if op.blend is Blend.NORMAL else solid(matte),
            journey,
            op.motion.follow,
            op.motion.when_lost,
            self._journeys.picture_planes(source_id),
            picture,
            crop,
            None if op.window is None else Range(op.window.start * per_frame, op.window.stop * per_frame),
            progress.part(0.8, 1.0),
            cancel,
        )

    def _soft(self, op: PatchOp, source_id: str) -> Matte:
        return self._mattes.matte(op.region, op.matte, self._films.video(source_id), op.feather_px, op.grow_px)

    @staticmethod
    def _matte_on(op: PatchOp, patch: PreparedPatch, matte: Matte, number: int) -> Matte | None:
        """Return the soft matte, of a patch that was prepared with a solid one."""
        picture = number * patch.facts.per_frame
        return matte_on(matte, patch.journey, op.motion.when_lost, picture) if picture in patch.journey.frames else None


def _moving_ops(runs: Sequence[RecipeRun]) -> list[tuple[PatchOp, str]]:
    """Return the patches that move, each once, in the order of the timeline."""
    found: dict[tuple[PatchOp, str], None] = {}
    for run in runs:
        if isinstance(run.recipe.base, BlackBase):
            continue
        for op in run.recipe.ops:
            match op:
                case PatchOp() if needs_others(op):
                    found[op, run.recipe.base.source_id] = None
                case SubjectOp(matte=DrawnMatte() as matte) if matte.motion.follow is not Follow.STATIC:
                    found[drawn_matte_op(op, matte), run.recipe.base.source_id] = None
    return list(found)


def _takes_long(op: PatchOp) -> bool:
    """Tell whether drawing a patch on a frame takes so long that the result is worth keeping."""
    return isinstance(op.tool, Remove)


def _same(one: Planes, other: Planes) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _kept_as(op: PatchOp, source_id: str) -> tuple[PatchOp, str]:
    """Return the key under which a prepared patch is kept: the fader of its layer does not matter."""
    return replace(op, opacity=1.0, blend=Blend.NORMAL if op.blend is Blend.NORMAL else Blend.MULTIPLY), source_id


def _shown_part(steps: tuple[FitStep, ...], width: int, height: int, matte: Matte, facts: FilmFacts) -> Crop | None:
    """Return the part of the frame that a picture to be fitted shows.

    The whole frame where it has the displayed frame's shape: a frame that was taken out, edited, and brought back.
    """
    turned = facts.rotation % 180 == 90
    across, down = (matte.height, matte.width) if turned else (matte.width, matte.height)
    if abs(width / height - across / down) < 0.01 * across / down and width >= 0.5 * across:
        return Crop(0, 0, matte.width, matte.height)
    left, top, right, bottom = (round(edge) for edge in matte.bounds)
    box = Crop(max(0, left), max(0, top), min(matte.width, right), min(matte.height, bottom))
    return box if steps and box.width > 0 and box.height > 0 else None


def _followed(op: PatchOp, facts: FilmFacts, journey: Journey, doubts: tuple[str, ...], count: int) -> Followed:
    """Return how it went, in frames: a frame is as sure as the less sure of its fields."""
    per_frame = facts.per_frame
    window = op.window if op.window is not None else Range(0, count)
    frames = Range(
        max(window.start, -(-journey.frames.start // per_frame)), min(window.stop, journey.frames.stop // per_frame)
    )
    pictures = [
        range(frame * per_frame - journey.frames.start, (frame + 1) * per_frame - journey.frames.start)
        for frame in frames
    ]
    confidence = tuple(float(min(journey.confidence[row] for row in rows)) for rows in pictures)
    lost = _on_frames(journey.lost, per_frame, frames)
    parted = _on_frames(journey.parted, per_frame, frames)
    suggestion = None if journey.suggestion is None else journey.suggestion // per_frame
    cuts = journey.cuts[0] and frames.start > window.start, journey.cuts[1] and frames.stop < window.stop
    return Followed(
        window,
        frames,
        confidence,
        tuple(lost),
        cuts,
        suggestion if suggestion is not None and suggestion in frames else None,
        (*_said(op, frames, lost, parted, cuts, suggestion, confidence, journey.even), *doubts),
    )


def _on_frames(runs: Sequence[Range], per_frame: int, frames: Range) -> list[Range]:
    """Return runs of pictures (fields, where a frame has two) as runs of frames, within some frames."""
    shared = (Range(run.start // per_frame, -(-run.stop // per_frame)).intersection(frames) for run in runs)
    return [run for run in shared if run]


def _listed(runs: Sequence[Range]) -> str:
    return ", ".join(f"{run.start}:{run.stop}" for run in runs[:6]) + (" ..." if len(runs) > 6 else "")


def _said(
    op: PatchOp,
    frames: Range,
    lost: Sequence[Range],
    parted: Sequence[Range],
    cuts: tuple[bool, bool],
    suggestion: int | None,
    confidence: tuple[float, ...],
    even: bool,
) -> list[str]:
    told = []
    if even:
        told.append("there is nothing in the region to follow it by: it stays where it was drawn")
    if cuts[0]:
        told.append(f"a cut before frame {frames.start} ends the patch there: frames before it stay as they are")
    if cuts[1]:
        told.append(f"a cut at frame {frames.stop} ends the patch there: frames from it on stay as they are")
    if lost:
        count = sum(map(len, lost))
        what = "it covers more there" if op.motion.when_lost.value == "cover" else "it fades out there"
        told.append(f"the region is lost on {count} of {len(frames)} frames ({_listed(lost)}): {what}")
        if suggestion is not None and suggestion in frames:
            told.append(f"draw the region again on frame {suggestion} as a further anchor")
    if parted and op.motion.when_lost is WhenLost.COVER:
        told.append(
            f"a part of the region goes its own way, or is hidden, on {sum(map(len, parted))} of {len(frames)} frames"
            f" ({_listed(parted)}): it covers more there; look there, or draw the region closer around what it hides"
        )
    if not lost and confidence and min(confidence) < 0.25:
        weakest = frames.start + int(np.argmin(confidence))
        told.append(f"the region is hard to follow around frame {weakest}: look there")
    return told
