"""The timestamp map: which source frame each timeline frame shows, and where on the timeline a source frame shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from engine.model.frame_index import Int64
from engine.model.project import Project
from engine.model.quick import quickly_made
from engine.model.source import FrameTimes
from engine.model.storyline import (
    Clip,
    Gap,
    Native,
    StoryItem,
    Timing,
    frames_showing,
    source_frame,
    source_span,
    source_time,
)
from engine.model.time import Range


@quickly_made
@dataclass(frozen=True, slots=True)
class Span:
    """An item of the storyline and where it stands."""

    timeline_range: Range
    item: StoryItem


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A frame of a source."""

    source_id: str
    frame: int


class TimelineMap:
    """The map of one project's storyline, built once and asked often."""

    def __init__(self, project: Project) -> None:
        self._canvas_rate = project.canvas.rate
        self._times = {s.id: s.picture.times for s in project.sources if s.picture is not None}
        self._starts = list(accumulate(map(len, project.storyline), initial=0))
        self._source_spans: dict[str, _SourceSpans] = {}
        self.spans = tuple(
            Span(Range(start, stop), item)
            for (start, stop), item in zip(pairwise(self._starts), project.storyline, strict=True)
        )

    @property
    def frame_count(self) -> int:
        """Return the number of output frames."""
        return self._starts[-1]

    def span_at(self, frame: int) -> Span | None:
        """Return the storyline's item at a timeline frame, None outside."""
        if not 0 <= frame < self.frame_count:
            return None
        return self.spans[bisect_right(self._starts, frame) - 1]

    def spans_within(self, frames: Range) -> tuple[Span, ...]:
        """Return the items of the storyline that stand on some of `frames`, in order."""
        first = max(0, bisect_right(self._starts, frames.start) - 1)
        return self.spans[first : bisect_left(self._starts, frames.stop)]

    def source_at(self, frame: int) -> ShownFrame | None:
        """Return the source frame that a timeline frame shows, None in a gap or outside."""
        span = self.span_at(frame)
        if span is None or isinstance(span.item, Gap):
            return None
        clip = span.item
        shown = source_frame(
            clip.timing, frame - span.timeline_range.start, self._times[clip.source_id], self._canvas_rate
        )
        return ShownFrame(clip.source_id, shown)

    def showing(self, source_id: str, source_range: Range) -> tuple[Range, ...]:
        """Return the timeline ranges that show a frame of `source_range`, in order, joined where they meet."""
        return tuple([Range(start, stop) for start, stop in self.bounds_showing(source_id, source_range)])

    def bounds_showing(self, source_id: str, source_range: Range) -> list[tuple[int, int]]:
        """Return the same as pairs of start and stop: where thousands are asked for, that is much quicker."""
        clips = self._spans_of(source_id)
        if clips is None:
            return []
        found = clips.showing(source_range, self._times[source_id], self._canvas_rate)
        return _joined(found) if len(found) > 1 else found

    def bounds_showing_all(self, source_id: str, firsts: Int64, stops: Int64) -> tuple[Int64, Int64, Int64]:
        """Return the same for many ranges of a source at once, without joining: one clip, one piece.

        Args:
            source_id: the source.
            firsts: int64 [ranges], the first source frame of each.
            stops: int64 [ranges], the frame behind its last.

        Returns:
            int64 [pieces] each, in no order: the number of the range, and the piece's start and stop on the timeline.
        """
        clips = self._spans_of(source_id)
        if clips is None:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, nothing
        return clips.showing_all(firsts, stops, self._times[source_id], self._canvas_rate)

    def _spans_of(self, source_id: str) -> _SourceSpans | None:
        known = self._source_spans.get(source_id)
        if known is None and (clips := self._clips_of.get(source_id)):
            times, rate = self._times[source_id], self._canvas_rate
            known = _SourceSpans([(source_span(clip.timing, times, rate), start, clip.timing) for start, clip in clips])
            self._source_spans[source_id] = known
        return known

    @cached_property
    def _clips_of(self) -> dict[str, list[tuple[int, Clip]]]:
        clips: dict[str, list[tuple[int, Clip]]] = {}
        for start, span in zip(self._starts, self.spans, strict=False):
            if isinstance(span.item, Clip):
                clips.setdefault(span.item.source_id, []).append((start, span.item))
        return clips

    def times(self, source_id: str) -> FrameTimes | None:
        """Return the frame times of a source, None where it has no picture or is not there."""
        return self._times.get(source_id)

    def time_of(self, frame: int) -> Fraction:
        """Return the second at which a timeline frame begins; beyond the end the canvas rate goes on."""
        beyond = max(0, frame - self.frame_count)
        if not self.spans:
            return beyond / self._canvas_rate
        if beyond:
            return self._span_times[-1] + beyond / self._canvas_rate
        at = min(max(0, bisect_right(self._starts, frame) - 1), len(self.spans) - 1)
        span = self.spans[at]
        return self._span_times[at] + self._time_within(span.item, frame - span.timeline_range.start)

    def frame_at(self, time_s: Fraction) -> int:
        """Return the timeline frame shown at a second, the first or last one outside the film."""
        if not self.spans:
            return 0
        at = min(max(0, bisect_right(self._span_times, time_s) - 1), len(self.spans) - 1)
        span = self.spans[at]
        within = time_s - self._span_times[at]
        if isinstance(span.item, Clip) and isinstance(span.item.timing, Native):
            times = self._times[span.item.source_id]
            first = span.item.timing.source_range.start
            found = times.frame_at(times.time_of(first) + within) - first
        else:
            found = within * self._canvas_rate // 1
        return span.timeline_range.start + min(max(0, found), len(span.item) - 1)

    def first_frame_from(self, time_s: Fraction) -> int:
        """Return the first timeline frame that begins at or after a second (`frame_count` if none does)."""
        if not self.spans or time_s <= 0:
            return 0
        if time_s >= self._span_times[-1]:
            return self.frame_count
        frame = self.frame_at(time_s)
        return frame if self.time_of(frame) == time_s else frame + 1

    def times_showing(
        self, source_id: str, start_s: Fraction, stop_s: Fraction
    ) -> tuple[tuple[Fraction, Fraction], ...]:
        """Return when on the timeline a time of a source shows: exact seconds, in order, joined where they meet."""
        found: list[tuple[Fraction, Fraction]] = []
        for index, span in enumerate(self.spans):
            if not isinstance(span.item, Clip) or span.item.source_id != source_id:
                continue
            first = source_time(span.item.timing, 0, self._times[source_id], self._canvas_rate)
            begun = self._span_times[index]
            # Second t of the source shows begun + (t - first), as far as the clip reaches.
            start = max(begun, begun + start_s - first)
            stop = min(self._span_times[index + 1], begun + stop_s - first)
            if start >= stop:
                continue
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], stop)
            else:
                found.append((start, stop))
        return tuple(found)

    @cached_property
    def _span_times(self) -> list[Fraction]:
        """The second at which each item of the storyline begins, and the end of the film."""
        return list(accumulate((self._duration(span.item) for span in self.spans), initial=Fraction(0)))

    def _duration(self, item: StoryItem) -> Fraction:
        return self._time_within(item, len(item))

    def _time_within(self, item: StoryItem, at: int) -> Fraction:
        match item:
            case Clip(source_id=source_id, timing=Native(source_range)):
                return self._times[source_id].between(source_range.start, source_range.start + at)
            case _:
                return at / self._canvas_rate


class _SourceSpans:
    """The clips of one source by the source frames they show."""

    def __init__(self, clips: list[tuple[Range, int, Timing]]) -> None:
        """Take what each clip shows, the timeline frame where it begins, and its timing."""
        clips.sort(key=lambda clip: clip[0].start)
        self._starts = [shown.start for shown, _, _ in clips]
        self._stops = [shown.stop for shown, _, _ in clips]
        self._begun = [begun for _, begun, _ in clips]
        self._timings = [timing for _, _, timing in clips]
        # The furthest stop of all clips up to each: walking back may end where it no longer reaches the range.
        self._furthest = list(accumulate(self._stops, max))

    def showing(self, source_range: Range, times: FrameTimes, rate: Fraction) -> list[tuple[int, int]]:
        """Return the bounds on the timeline of each clip that shows frames of `source_range`, in no order."""
        first, stop = source_range.start, source_range.stop
        found = []
        at = bisect_left(self._starts, stop) - 1
        while at >= 0 and self._furthest[at] > first:
            if self._stops[at] > first:
                found += self._bounds(at, source_range, times, rate)
            at -= 1
        return found

    def showing_all(self, firsts: Int64, stops: Int64, times: FrameTimes, rate: Fraction) -> tuple[Int64, Int64, Int64]:
        """Return the pieces for many ranges: the range's number, and the bounds on the timeline."""
        clip_starts, clip_stops, begun, furthest, native = self._arrays
        behind = np.searchsorted(clip_starts, stops, side="left")
        nearest = np.minimum(np.searchsorted(furthest, firsts, side="right"), behind)
        # Each range with each clip from the nearest on that may show it.
        counts = behind - nearest
        which = np.repeat(np.arange(firsts.size), counts)
        at = np.arange(which.size) - np.repeat(np.cumsum(counts) - counts - nearest, counts)
        shows = (clip_stops[at] > firsts[which]) & (stops[which] > firsts[which])
        which, at = which[shows], at[shows]
        shift = begun[at] - clip_starts[at]
        starts = np.maximum(firsts[which], clip_starts[at]) + shift
        ends = np.minimum(stops[which], clip_stops[at]) + shift
        for number in np.flatnonzero(~native[at]).tolist():
            wanted = Range(int(firsts[which[number]]), int(stops[which[number]]))
            starts[number], ends[number] = next(iter(self._bounds(int(at[number]), wanted, times, rate)), (0, 0))
        shows = ends > starts
        return which[shows], starts[shows], ends[shows]

    @cached_property
    def _arrays(self) -> tuple[Int64, Int64, Int64, Int64, NDArray[np.bool_]]:
        starts, stops, begun, furthest = (
            np.array(values, np.int64) for values in (self._starts, self._stops, self._begun, self._furthest)
        )
        return starts, stops, begun, furthest, np.array([isinstance(timing, Native) for timing in self._timings])

    def _bounds(self, at: int, source_range: Range, times: FrameTimes, rate: Fraction) -> list[tuple[int, int]]:
        """Return where on the timeline a clip shows frames of `source_range`: once, or not at all."""
        within = frames_showing(self._timings[at], source_range, times, rate)
        begun = self._begun[at]
        return [(begun + within.start, begun + within.stop)] if within else []


def _joined(bounds: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return bounds in order, joined where they meet."""
    bounds.sort()
    result = [bounds[0]]
    for start, stop in bounds[1:]:
        last = result[-1]
        if start <= last[1]:
            result[-1] = last[0], max(last[1], stop)
        else:
            result.append((start, stop))
    return result
