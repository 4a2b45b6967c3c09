"""The plan of an export: which frames are copied, which are re-encoded, and why, before anything runs.

Pure: no I/O, no encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine.model.frame_index import FrameIndex
from engine.model.quick import quickly_made
from engine.model.time import Range, merged, subtracted
from engine.plan.seam import Cut, Restart, SeamMap, cut_around, seam_map


class Mode(Enum):
    """How the video of an export is made."""

    DIFFERENTIAL = "differential"
    FULL = "full"


class Reason(Enum):
    """Why a frame is re-encoded."""

    CHANGED = "changed"
    HEAD = "unchanged, but stored out of order with a changed frame"
    TAIL = "unchanged, but re-encoded up to the next keyframe"
    TAIL_TO_END = "unchanged, but no keyframe follows at which a copy may begin again"
    WIDENED = "unchanged, but the narrower seam did not pass its check"
    WHOLE_FILM = "the whole film is re-encoded"
    CLIP_START = "unchanged, but the clip begins between keyframes"
    CLIP_END = "unchanged, but the clip ends where frames are stored out of order"
    OTHER_FILM = "unchanged, but its film is coded in a way that cannot be joined to the rest"
    OTHER_RATE = "shown at another rate than its film's"
    OTHER_SHAPE = "laid on a picture of another shape"
    BLACK = "black"


@quickly_made
@dataclass(frozen=True, slots=True)
class CopySegment:
    """Frames whose packets are copied."""

    frames: Range


@quickly_made
@dataclass(frozen=True, slots=True)
class RenderSegment:
    """Frames that are re-encoded, for one reason."""

    frames: Range
    reason: Reason


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export will do.

    Attributes:
        mode: differential, or full when no frame is copied.
        reason: one sentence.
        segments: cover the film's frames exactly, in order.
        cuts: the runs of the stream that are coded anew, in decode order.
        warnings: sentences that a person should read before starting.
    """

    mode: Mode
    reason: str
    segments: tuple[CopySegment | RenderSegment, ...]
    cuts: tuple[Cut, ...]
    warnings: tuple[str, ...]

    @property
    def frames_total(self) -> int:
        """Return the number of frames of the film."""
        return sum(len(segment.frames) for segment in self.segments)

    @property
    def frames_rendered(self) -> int:
        """Return how many frames are re-encoded."""
        return sum(len(segment.frames) for segment in self.segments if isinstance(segment, RenderSegment))

    @property
    def frames_copied(self) -> int:
        """Return how many frames are copied."""
        return self.frames_total - self.frames_rendered


def plan_export(index: FrameIndex, changed: Sequence[Range], *, widened: Sequence[Range] = ()) -> ExportPlan:
    """Plan an export that re-encodes as little as the stream allows.

    Args:
        index: the source's frame index.
        changed: ranges of frames whose pixels differ from the source.
        widened: ranges of frames to re-encode all the same, because a narrower seam failed its check.
    """
    seams = seam_map(index)
    wanted = merged([*changed, *widened])
    cuts = _cuts(seams, [_ranks(index, seams, frames) for frames in wanted])
    return _described(index, seams, cuts, merged(changed), merged(widened))


def plan_full(index: FrameIndex, changed: Sequence[Range], reason: str) -> ExportPlan:
    """Plan an export that re-encodes the whole film, for a reason given as a sentence."""
    units = Range(0, index.unit_count)
    cut = Cut(units, units, Restart.AT_END, index.unit_count)
    segments = _segments(Range(0, index.frame_count), merged(changed), lambda _: Reason.WHOLE_FILM)
    return ExportPlan(Mode.FULL, reason, segments, (cut,), ())


def wider(index: FrameIndex, plan: ExportPlan) -> tuple[Range, ...]:
    """Return the frame ranges that a plan's cuts cover when each grows by one keyframe on both sides."""
    seams = seam_map(index)
    result = []
    for cut in plan.cuts:
        before = seams.entries[seams.entries < cut.units.start]
        start = int(before[-1]) if before.size else 0
        after = seams.entry_ranks[seams.entry_ranks > cut.ranks.stop]
        stop = int(after[0]) if after.size else index.unit_count
        frames = _frames(index, seams, Range(start, stop))
        result.extend(frames)
    return merged(result)


def _ranks(index: FrameIndex, seams: SeamMap, frames: Range) -> Range:
    ranks = seams.rank_of[index.order[frames.start : frames.stop]]
    return Range(int(ranks.min()), int(ranks.max()) + 1)


def _frames(index: FrameIndex, seams: SeamMap, ranks: Range) -> list[Range]:
    """Return the shown frames among display ranks; one range, since both follow the timestamps."""
    numbers = index.frame_of[seams.unit_at[ranks.start : ranks.stop]]
    numbers = numbers[numbers >= 0]
    return [Range(int(numbers.min()), int(numbers.max()) + 1)] if numbers.size else []


def _cuts(seams: SeamMap, changed: Sequence[Range]) -> tuple[Cut, ...]:
    """Return the cuts around ranges of ranks, joined where one reaches into the next."""
    cuts: list[Cut] = []
    pending = list(changed)
    while pending:
        ranks = pending.pop(0)
        cut = cut_around(seams, ranks)
        if cuts and cut.units.start < cuts[-1].units.stop:
            last = cuts.pop()
            pending.insert(0, Range(last.ranks.start, ranks.stop))
            continue
        cuts.append(cut)
    return tuple(cuts)


def _described(
    index: FrameIndex, seams: SeamMap, cuts: tuple[Cut, ...], changed: tuple[Range, ...], widened: tuple[Range, ...]
) -> ExportPlan:
    segments: list[CopySegment | RenderSegment] = []
    warnings: list[str] = []
    at = 0
    for cut in cuts:
        for frames in _frames(index, seams, cut.ranks):
            if frames.start > at:
                segments.append(CopySegment(Range(at, frames.start)))
            inside = merged(part.intersection(frames) for part in changed)
            first = inside[0].start if inside else frames.stop
            last = inside[-1].stop if inside else frames.stop

            def why(part: Range, cut: Cut = cut, first: int = first, last: int = last) -> Reason:
                if any(wide.covers(part) for wide in widened):
                    return Reason.WIDENED
                if part.start < first:
                    return Reason.HEAD
                return Reason.TAIL_TO_END if cut.restart is Restart.AT_END and part.start >= last else Reason.TAIL

            parts = _segments(frames, changed, why)
            segments.extend(parts)
            at = frames.stop
            if cut.restart is Restart.AT_END and frames.stop > last:
                warnings.append(
                    f"{len(frames):,} frames are re-encoded for {sum(map(len, inside)):,} changed ones: "
                    f"no keyframe follows frame {last - 1:,} at which a copy may begin again"
                )
    if at < index.frame_count:
        segments.append(CopySegment(Range(at, index.frame_count)))
    copied = sum(len(segment.frames) for segment in segments if isinstance(segment, CopySegment))
    if copied or not cuts:
        rendered = index.frame_count - copied
        reason = (
            f"{rendered:,} of {index.frame_count:,} frames are re-encoded, the others are copied"
            if cuts
            else "nothing changed, every packet is copied"
        )
        return ExportPlan(Mode.DIFFERENTIAL, reason, tuple(segments), cuts, tuple(warnings))
    if len(changed) == 1 and len(changed[0]) == index.frame_count:
        reason = "every frame changed"
    else:
        reason = (
            "the changed frames and what depends on them are the whole film: there is no keyframe behind the change"
        )
    return ExportPlan(Mode.FULL, reason, tuple(segments), cuts, tuple(warnings))


def _segments(whole: Range, changed: tuple[Range, ...], why: Callable[[Range], Reason]) -> tuple[RenderSegment, ...]:
    inside = merged(part.intersection(whole) for part in changed)
    parts = [RenderSegment(part, Reason.CHANGED) for part in inside]
    parts += [RenderSegment(part, why(part)) for part in subtracted(whole, inside)]
    return tuple(sorted(parts, key=lambda segment: segment.frames.start))


def frames_of_ranks(index: FrameIndex, ranks: Range) -> tuple[int, ...]:
    """Return the frame to encode for each display rank; a unit that is never shown repeats its neighbour's frame."""
    unit_at = np.argsort(index.pts, kind="stable")
    numbers = index.frame_of[unit_at]
    shown = np.flatnonzero(numbers >= 0)
    if not shown.size:
        return ()
    nearest = shown[np.clip(np.searchsorted(shown, np.arange(ranks.start, ranks.stop)), 0, shown.size - 1)]
    return tuple(int(number) for number in numbers[nearest])
