"""The plan of a film that was cut: which coded pictures of which sources are copied, and which frames are re-encoded.

Pure: no I/O, no encoder. The rules of where copying may stop and begin are those of engine.plan.seam; here the pieces
are put one after the other in a new stream, so they take no slots of a source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np

from engine.model.frame_index import FrameIndex, Int64
from engine.model.quick import collector_paused, quickly_made
from engine.model.recipe import BlackBase, ConformedBase, RecipeRun, SourceBase
from engine.model.time import Range, subtracted
from engine.plan.export_plan import CopySegment, ExportPlan, Mode, Reason, RenderSegment
from engine.plan.seam import SeamMap, seam_map


@quickly_made
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


@quickly_made
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
    # As for the recipes: many values are made, and none in a circle.
    with collector_paused():
        streams = {source_id: _stream(indices[source_id]) for source_id in joinable}
        continued = _continued(runs)
        parts = _copyable_parts(runs, streams, widened)
        copies = _copies(parts, streams)
        segments = _Segments()
        next_part = 0
        for number, run in enumerate(runs):
            start, stop = run.timeline_range.start, run.timeline_range.stop
            at = start
            while next_part < len(parts) and parts[next_part].start < stop:
                part, found = parts[next_part], copies[next_part]
                next_part += 1
                if part.start > at:
                    segments.render(at, part.start, Reason.WIDENED)
                _describe(
                    segments,
                    part,
                    found,
                    Reason.TAIL if continued[number] or part.start > start else Reason.CLIP_START,
                    Reason.HEAD if continued[number + 1] or part.stop < stop else Reason.CLIP_END,
                )
                at = part.stop
            if at < stop:
                segments.render(at, stop, _why_rendered(run, streams))
        end = runs[-1].timeline_range.stop if runs else 0
        return TimelinePlan(_covering(chain.from_iterable(copies), end), segments.described(end))


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
        breaks: int64, the frames whose rank does not follow on that of the frame before: pictures that are never shown
            lie between them, which must not be copied. The last one lies behind every frame.
    """

    units: int
    seams: SeamMap
    ranks: Int64
    breaks: Int64


@lru_cache(maxsize=8)
def _stream(index: FrameIndex) -> _Stream:
    """Return the stream of an index; kept, since an index stays the same through hundreds of plans."""
    seams = seam_map(index)
    ranks = seams.rank_of[index.order]
    return _Stream(index.unit_count, seams, ranks, np.append(np.flatnonzero(np.diff(ranks) != 1) + 1, 1 << 62))


@quickly_made
@dataclass(frozen=True, slots=True)
class _Part:
    """Output frames [start, stop) that are source frames one by one from `first` on, in a stream that may be copied."""

    start: int
    stop: int
    source_id: str
    first: int


def _copyable_parts(runs: Sequence[RecipeRun], streams: Collection[str], widened: Sequence[Range]) -> list[_Part]:
    """Return what of the runs may be copied, as far as their recipes go."""
    parts = []
    for run in runs:
        recipe, whole = run.recipe, run.timeline_range
        base = recipe.base
        if recipe.ops or recipe.placement is not None or not isinstance(base, SourceBase):
            continue
        if base.source_id not in streams:
            continue
        parts += [
            _Part(part.start, part.stop, base.source_id, base.frame + part.start - whole.start)
            for part in (subtracted(whole, widened) if widened else (whole,))
        ]
    return parts


def _copies(parts: Sequence[_Part], streams: Mapping[str, _Stream]) -> list[list[CopyPiece]]:
    """Return what can be copied of each part."""
    found: list[list[CopyPiece]] = [[] for _ in parts]
    for source_id, stream in streams.items():
        numbers = [number for number, part in enumerate(parts) if part.source_id == source_id]
        bounds = np.array([(parts[n].start, parts[n].stop, parts[n].first) for n in numbers], np.int64).reshape(-1, 3)
        for number, start, stop, entry, last, skipped, first in _copied(stream, bounds):
            piece = CopyPiece(Range(start, stop), source_id, Range(entry, last), skipped, first)
            found[numbers[number]].append(piece)
    return found


def _copied(stream: _Stream, bounds: Int64) -> list[list[int]]:
    """Return what can be copied of parts of one stream.

    Args:
        stream: theirs.
        bounds: int64 [parts, 3]: the first output frame, the one behind, and the source frame under the first.

    Returns:
        For each piece the number of its part, the first output frame and the one behind, the unit of the entry and the
        one behind the last, how many leading pictures are skipped, and the first frame's display rank.
    """
    which, starts, ranks, counts = _unbroken(stream, bounds)
    seams = stream.seams
    lasts = ranks + counts
    heads = seams.heads[np.searchsorted(seams.heads, lasts, side="right") - 1]
    lasts = np.where(lasts < stream.units, heads, lasts)
    number = np.searchsorted(seams.entry_ranks, ranks, side="left")
    has_entry = number < seams.entries.size
    number = number[has_entry]
    entries, skipped = np.zeros_like(ranks), np.zeros_like(ranks)
    entries[has_entry] = seams.entries[number]
    keeps = seams.keeps_leading[number] & (seams.entries[number] >= ranks[has_entry])
    skipped[has_entry] = np.where(keeps, 0, seams.leading[number])
    # As in the source, the output may begin with the stream's first picture, whatever it is.
    at_first = (ranks == 0) & (starts == 0) & (lasts > 0)
    entries[at_first] = skipped[at_first] = 0
    firsts = entries + skipped
    good = (has_entry & (firsts < lasts)) | at_first
    shift = starts - ranks
    table = np.stack([which, firsts + shift, lasts + shift, entries, lasts, skipped, firsts], axis=1)[good]
    rows: list[list[int]] = table.tolist()
    return rows


def _unbroken(stream: _Stream, bounds: Int64) -> tuple[Int64, Int64, Int64, Int64]:
    """Part bounds where a stream's display ranks do not follow on each other.

    Returns:
        int64 [stretches] each: the number of the part, the first output frame, its display rank, and the frames.
    """
    starts, stops, firsts = bounds.T
    ends = firsts + stops - starts
    low = np.searchsorted(stream.breaks, firsts, side="right")
    inside = np.searchsorted(stream.breaks, ends, side="left") - low
    pieces = inside + 1
    which = np.repeat(np.arange(starts.size), pieces)
    piece = np.arange(which.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begins = np.where(piece == 0, firsts[which], stream.breaks[low[which] + piece - 1])
    finishes = np.where(piece == inside[which], ends[which], stream.breaks[low[which] + piece])
    return which, starts[which] + begins - firsts[which], stream.ranks[begins], finishes - begins


def _continued(runs: Sequence[RecipeRun]) -> list[bool]:
    """Return for each run, and for what is behind the last, whether the source goes on there from the run before.

    What parts such runs is a change, not a cut.
    """
    continued = []
    source_id, behind = None, 0
    for run in runs:
        base = run.recipe.base
        if isinstance(base, SourceBase):
            continued.append(base.source_id == source_id and base.frame == behind)
            source_id, behind = base.source_id, base.frame + len(run.timeline_range)
        else:
            continued.append(False)
            source_id = None
    return [*continued, False]


def _why_rendered(run: RecipeRun, streams: Collection[str]) -> Reason:
    recipe = run.recipe
    if recipe.ops:
        return Reason.CHANGED
    if isinstance(recipe.base, BlackBase):
        return Reason.BLACK
    if isinstance(recipe.base, ConformedBase):
        return Reason.OTHER_RATE
    if recipe.placement is not None:
        return Reason.OTHER_SHAPE
    return Reason.WIDENED if recipe.base.source_id in streams else Reason.OTHER_FILM


def _describe(
    segments: _Segments, part: _Part, copied: Sequence[CopyPiece], starts_late: Reason, ends_early: Reason
) -> None:
    at = part.start
    for piece in copied:
        frames = piece.frames
        if frames.start > at:
            segments.render(at, frames.start, starts_late if at == part.start else Reason.TAIL)
        segments.copy(frames)
        at = frames.stop
    if at < part.stop:
        segments.render(at, part.stop, ends_early if copied else starts_late)


class _Segments:
    """What the plan says to a person, as it comes together."""

    def __init__(self) -> None:
        self._segments: list[CopySegment | RenderSegment] = []
        self._rendered = 0
        # What is rendered before the next segment, as long as the reason stays the same.
        self._start = self._stop = 0
        self._reason: Reason | None = None

    def copy(self, frames: Range) -> None:
        self._close()
        self._segments.append(CopySegment(frames))

    def render(self, start: int, stop: int, reason: Reason) -> None:
        if reason is not self._reason:
            self._close()
            self._start, self._reason = start, reason
        self._stop = stop
        self._rendered += stop - start

    def _close(self) -> None:
        if self._reason is not None:
            self._segments.append(RenderSegment(Range(self._start, self._stop), self._reason))
            self._reason = None

    def described(self, total: int) -> ExportPlan:
        """Return what was said of a film of `total` frames."""
        self._close()
        if not self._rendered:
            reason = "every clip begins at a keyframe, so every packet of the picture is copied"
        elif self._rendered < total:
            reason = f"{self._rendered:,} of {total:,} frames are re-encoded, the others are copied"
        else:
            reason = "no clip holds frames that can be copied"
        mode = Mode.FULL if total and self._rendered == total else Mode.DIFFERENTIAL
        return ExportPlan(mode, reason, tuple(self._segments), (), ())


def _covering(copies: Iterable[CopyPiece], count: int) -> tuple[Piece, ...]:
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
