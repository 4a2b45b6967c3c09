"""The plan of a film that was cut: which coded pictures of which sources are copied, and which frames are re-encoded.

Pure: no I/O, no encoder. The rules of where copying may stop and begin are those of engine.plan.seam; here the pieces
are put one after the other in a new stream, so they take no slots of a source.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.model.frame_index import FrameIndex, Int64
from engine.model.recipe import BlackBase, ConformedBase, RecipeRun, SourceBase
from engine.model.time import Range, subtracted
from engine.plan.export_plan import CopySegment, ExportPlan, Mode, Reason, RenderSegment
from engine.plan.seam import SeamMap, seam_map


@dataclass(frozen=True, slots=True)
class CopyPiece:
    """Coded pictures of a source that are taken over.

    Attributes:
        frames: the output frames they show.
        units: the source's units, in decode order, from the entry on.
        skipped: how many leading pictures behind the entry are left out; the entry must then stand alone.
        first_rank: the display rank, in the source, of the first output frame.
    """

    frames: Range
    source_id: str
    units: Range
    skipped: int
    first_rank: int


@dataclass(frozen=True, slots=True)
class RenderPiece:
    """Output frames that are encoded anew."""

    frames: Range


Piece = CopyPiece | RenderPiece


@dataclass(frozen=True, slots=True)
class TimelinePlan:
    """What the export of a timeline will do.

    Attributes:
        pieces: in order; they cover the output's frames exactly, and no two that are rendered stand side by side.
        described: the same for a person, with a reason for each rendered frame.
    """

    pieces: tuple[Piece, ...]
    described: ExportPlan


@dataclass(frozen=True, slots=True, eq=False)
class CodedOrder:
    """The coded pictures of an output in decode order.

    Attributes:
        frames: int64 [units], the output frame that each shows.
        depth: how many pictures at most are decoded between one and those shown before it.
    """

    frames: Int64
    depth: int


def plan_timeline(
    runs: Sequence[RecipeRun],
    indices: Mapping[str, FrameIndex],
    joinable: Collection[str],
    widened: Sequence[Range] = (),
) -> TimelinePlan:
    """Plan an export of a timeline that re-encodes as little as its sources' streams allow.

    Args:
        runs: the recipes of the whole timeline.
        indices: the frame index of every source on the storyline.
        joinable: the sources whose coded pictures may stand in the output's stream.
        widened: output frames to re-encode all the same, because a narrower seam failed its check.
    """
    streams = {source_id: _stream(indices[source_id]) for source_id in joinable}
    copies: list[CopyPiece] = []
    segments: list[CopySegment | RenderSegment] = []
    for number, run in enumerate(runs):
        base = run.recipe.base
        whole = run.timeline_range
        if not (run.recipe.is_bare and isinstance(base, SourceBase) and base.source_id in streams):
            _append(segments, RenderSegment(whole, _why_rendered(run)))
            continue
        before = _goes_on(runs[number - 1], run) if number else False
        behind = _goes_on(run, runs[number + 1]) if number + 1 < len(runs) else False
        at = whole.start
        for part in subtracted(whole, widened) if widened else (whole,):
            if part.start > at:
                _append(segments, RenderSegment(Range(at, part.start), Reason.WIDENED))
            found = _copies(streams[base.source_id], base.source_id, part, base.frame + part.start - whole.start)
            copies += found
            starts_late = Reason.TAIL if before or part.start > whole.start else Reason.CLIP_START
            ends_early = Reason.HEAD if behind or part.stop < whole.stop else Reason.CLIP_END
            _describe(segments, part, [piece.frames for piece in found], starts_late, ends_early)
            at = part.stop
        if at < whole.stop:
            _append(segments, RenderSegment(Range(at, whole.stop), Reason.WIDENED))
    return TimelinePlan(_covering(copies, runs[-1].timeline_range.stop if runs else 0), _described(segments))


def frames_of_piece(piece: Piece, indices: Mapping[str, FrameIndex]) -> Int64:
    """Return the output frame that each coded picture of a piece shows, in decode order."""
    if isinstance(piece, RenderPiece):
        return np.arange(piece.frames.start, piece.frames.stop, dtype=np.int64)
    rank_of = _stream(indices[piece.source_id]).seams.rank_of
    units = np.array([piece.units.start, *range(piece.units.start + 1 + piece.skipped, piece.units.stop)], np.int64)
    frames: Int64 = rank_of[units] - piece.first_rank + piece.frames.start
    return frames


def coded_order(plan: TimelinePlan, indices: Mapping[str, FrameIndex]) -> CodedOrder:
    """Return the order in which the pictures of a plan are decoded."""
    parts = [frames_of_piece(piece, indices) for piece in plan.pieces]
    frames = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    depth = int(max(0, (np.arange(frames.size) - frames).max(initial=0)))
    return CodedOrder(frames, depth)


def decode_times(starts: Int64, order: CodedOrder) -> Int64:
    """Return the decode time of each picture, in decode order: non-decreasing, and none after its presentation.

    The picture decoded as number i takes the time of the frame shown as number i - depth; the first ones lie before
    the film's start.

    Args:
        starts: int64 [frames + 1], the start of each frame in ticks, and the end of the last one.
        order: of the pictures.
    """
    depth = order.depth
    step = int(starts[1] - starts[0]) if starts.size > 1 else 1
    ahead = int(starts[0]) - step * np.arange(depth, 0, -1, dtype=np.int64)
    times: Int64 = np.concatenate([ahead, starts[:-1]])[: order.frames.size]
    return times


@dataclass(frozen=True, slots=True, eq=False)
class _Stream:
    """A source's stream as copying sees it.

    Attributes:
        units: how many.
        ranks: int64 [frames], the display rank of each shown frame.
        breaks: the frames whose rank does not follow on that of the frame before: pictures that are never shown lie
            between them, which must not be copied.
    """

    units: int
    seams: SeamMap
    ranks: Int64
    breaks: list[int]


@lru_cache(maxsize=8)
def _stream(index: FrameIndex) -> _Stream:
    """Return the stream of an index; kept, since an index stays the same through hundreds of plans."""
    seams = seam_map(index)
    ranks = seams.rank_of[index.order]
    return _Stream(index.unit_count, seams, ranks, (np.flatnonzero(np.diff(ranks) != 1) + 1).tolist())


def _copies(stream: _Stream, source_id: str, frames: Range, first: int) -> list[CopyPiece]:
    """Return what can be copied of the source frames from `first` on that `frames` shows."""
    count = len(frames)
    low, high = bisect_right(stream.breaks, first), bisect_left(stream.breaks, first + count)
    breaks = [frame - first for frame in stream.breaks[low:high]] if low < high else []
    found = []
    for start, stop in zip([0, *breaks], [*breaks, count], strict=True):
        part = Range(frames.start + start, frames.start + stop)
        piece = _copy(stream, source_id, part, int(stream.ranks[first + start]))
        if piece is not None:
            found.append(piece)
    return found


def _copy(stream: _Stream, source_id: str, frames: Range, rank: int) -> CopyPiece | None:
    seams = stream.seams
    last = rank + len(frames)
    if last < stream.units:
        last = int(seams.heads[seams.heads.searchsorted(last, side="right") - 1])
    if rank == 0 and frames.start == 0 and last > 0:
        # As in the source, the output begins with the stream's first picture, whatever it is.
        return CopyPiece(Range(0, last), source_id, Range(0, last), 0, 0)
    number = int(seams.entry_ranks.searchsorted(rank, side="left"))
    if number == seams.entries.size:
        return None
    entry, leading = int(seams.entries[number]), int(seams.leading[number])
    skipped = 0 if seams.keeps_leading[number] and entry >= rank else leading
    first = entry + skipped
    if first >= last:
        return None
    shown = Range(frames.start + first - rank, frames.start + last - rank)
    return CopyPiece(shown, source_id, Range(entry, last), skipped, first)


def _goes_on(last: RecipeRun, run: RecipeRun) -> bool:
    """Tell whether the source goes on from one run to the next: what parts them is a change, not a cut."""
    one, other = last.recipe.base, run.recipe.base
    return (
        isinstance(one, SourceBase)
        and isinstance(other, SourceBase)
        and one.source_id == other.source_id
        and one.frame + len(last.timeline_range) == other.frame
    )


def _why_rendered(run: RecipeRun) -> Reason:
    recipe = run.recipe
    if recipe.ops:
        return Reason.CHANGED
    if isinstance(recipe.base, BlackBase):
        return Reason.BLACK
    if isinstance(recipe.base, ConformedBase):
        return Reason.OTHER_RATE
    return Reason.OTHER_FILM if recipe.placement is None else Reason.OTHER_SHAPE


def _describe(
    segments: list[CopySegment | RenderSegment],
    part: Range,
    copied: Sequence[Range],
    starts_late: Reason,
    ends_early: Reason,
) -> None:
    at = part.start
    for frames in copied:
        if frames.start > at:
            _append(segments, RenderSegment(Range(at, frames.start), starts_late if at == part.start else Reason.TAIL))
        _append(segments, CopySegment(frames))
        at = frames.stop
    if at < part.stop:
        _append(segments, RenderSegment(Range(at, part.stop), ends_early if copied else starts_late))


def _append(segments: list[CopySegment | RenderSegment], new: CopySegment | RenderSegment) -> None:
    last = segments[-1] if segments else None
    if isinstance(last, RenderSegment) and isinstance(new, RenderSegment) and last.reason is new.reason:
        segments[-1] = RenderSegment(Range(last.frames.start, new.frames.stop), new.reason)
    else:
        segments.append(new)


def _covering(copies: Sequence[CopyPiece], count: int) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    at = 0
    for piece in copies:
        if piece.frames.start > at:
            pieces.append(RenderPiece(Range(at, piece.frames.start)))
        pieces.append(piece)
        at = piece.frames.stop
    if at < count:
        pieces.append(RenderPiece(Range(at, count)))
    return tuple(pieces)


def _described(segments: Sequence[CopySegment | RenderSegment]) -> ExportPlan:
    total = sum(len(segment.frames) for segment in segments)
    rendered = sum(len(segment.frames) for segment in segments if isinstance(segment, RenderSegment))
    if not rendered:
        reason = "every clip begins at a keyframe, so every packet of the picture is copied"
    elif rendered < total:
        reason = f"{rendered:,} of {total:,} frames are re-encoded, the others are copied"
    else:
        reason = "no clip holds frames that can be copied"
    mode = Mode.FULL if total and rendered == total else Mode.DIFFERENTIAL
    return ExportPlan(mode, reason, tuple(segments), (), ())
