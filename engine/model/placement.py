"""Where on the timeline an item shows, wherever it is anchored."""

from __future__ import annotations

from fractions import Fraction

from engine.model.captions import Caption
from engine.model.layers import Item
from engine.model.markers import Marker
from engine.model.overlay import Overlay
from engine.model.patch import Patch
from engine.model.place import AtSource, AtTimeline, OnSource, OnTimeline, Place, TimePlace
from engine.model.source import FrameTimes
from engine.model.subject import Subject
from engine.model.time import Range
from engine.model.timeline import TimelineMap


def timeline_ranges(item: Item | Marker, timeline: TimelineMap) -> tuple[Range, ...]:
    """Return the timeline ranges on which an item stands, in order; none where its content is cut out."""
    return _ranges(timeline_bounds(item, timeline))


def timeline_bounds(item: Item | Marker, timeline: TimelineMap) -> list[tuple[int, int]]:
    """Return the same as pairs of start and stop: where thousands are asked for, that is much quicker."""
    match item:
        case Patch() | Subject():
            return timeline.bounds_showing(item.source_id, item.frames)
        case Overlay() | Marker():
            return _place_bounds(item.place, timeline)
        case Caption():
            return _time_place_bounds(item.place, timeline)


def source_footing(item: Item, timeline: TimelineMap) -> tuple[str, Range] | None:
    """Return the source and the frames of it that an item is tied to, None if it stands on the timeline itself."""
    match item:
        case Patch() | Subject():
            return item.source_id, item.frames
        case Overlay(place=OnSource(source_id, frames)):
            return source_id, frames
        case Caption(place=AtSource(source_id, start_s, stop_s)):
            times = timeline.times(source_id)
            return source_id, Range(0, 0) if times is None else source_frames(start_s, stop_s, times)
        case _:
            return None


def place_ranges(place: Place, timeline: TimelineMap) -> tuple[Range, ...]:
    """Return the timeline ranges of a place."""
    return _ranges(_place_bounds(place, timeline))


def time_place_ranges(place: TimePlace, timeline: TimelineMap) -> tuple[Range, ...]:
    """Return the timeline ranges of a place in time: the frames that begin within it, at least one."""
    return _ranges(_time_place_bounds(place, timeline))


def _ranges(bounds: list[tuple[int, int]]) -> tuple[Range, ...]:
    return tuple([Range(start, stop) for start, stop in bounds])


def _place_bounds(place: Place, timeline: TimelineMap) -> list[tuple[int, int]]:
    match place:
        case OnTimeline(frames):
            start, stop = max(0, frames.start), min(frames.stop, timeline.frame_count)
            return [(start, stop)] if start < stop else []
        case OnSource(source_id, frames):
            return timeline.bounds_showing(source_id, frames)


def _time_place_bounds(place: TimePlace, timeline: TimelineMap) -> list[tuple[int, int]]:
    match place:
        case AtTimeline(start_s, stop_s):
            if start_s >= timeline.time_of(timeline.frame_count) or stop_s <= 0:
                return []
            first, stop = timeline.first_frame_from(start_s), timeline.first_frame_from(stop_s)
            if stop > first:
                return [(first, stop)]
            frame = timeline.frame_at(start_s)
            return [(frame, frame + 1)]
        case AtSource(source_id, start_s, stop_s):
            times = timeline.times(source_id)
            return [] if times is None else timeline.bounds_showing(source_id, source_frames(start_s, stop_s, times))


def source_frames(start_s: Fraction, stop_s: Fraction, times: FrameTimes) -> Range:
    """Return the source frames that begin within a time of the source, at least one."""
    first, stop = times.first_from(start_s), times.first_from(stop_s)
    if stop > first:
        return Range(first, stop)
    # Shorter than a frame, or beyond one of the source's ends.
    if start_s >= times.time_of(times.count) or stop_s <= times.time_of(0):
        return Range(0, 0)
    frame = times.frame_at(start_s)
    return Range(frame, frame + 1)


def caption_times(place: TimePlace, timeline: TimelineMap) -> tuple[tuple[Fraction, Fraction], ...]:
    """Return the exact times on the timeline, in seconds, at which a place in time shows; joined where they meet."""
    match place:
        case AtTimeline(start_s, stop_s):
            end = timeline.time_of(timeline.frame_count)
            start_s, stop_s = max(start_s, Fraction(0)), min(stop_s, end)
            return ((start_s, stop_s),) if stop_s > start_s else ()
        case AtSource(source_id, start_s, stop_s):
            return timeline.times_showing(source_id, start_s, stop_s)


def nearest_frame(time_s: Fraction, timeline: TimelineMap) -> int:
    """Return the frame boundary nearest to a time; beyond the end the canvas rate goes on."""
    end = timeline.time_of(timeline.frame_count)
    if time_s >= end:
        step = timeline.time_of(timeline.frame_count + 1) - end
        return timeline.frame_count + round((time_s - end) / step)
    frame = timeline.frame_at(time_s)
    before, after = timeline.time_of(frame), timeline.time_of(frame + 1)
    return frame + 1 if time_s - before >= after - time_s else frame
