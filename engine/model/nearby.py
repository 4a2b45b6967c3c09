"""What can show on a few frames of a long timeline: so that a small change is looked at without the rest."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cached_property

from engine.model.captions import Caption
from engine.model.layers import Item
from engine.model.overlay import Overlay
from engine.model.patch import Patch
from engine.model.place import AtSource, AtTimeline, OnSource, OnTimeline
from engine.model.project import Project
from engine.model.storyline import Clip, part, source_span
from engine.model.subject import Subject
from engine.model.time import Range, merged
from engine.model.timeline import TimelineMap

Times = tuple[Fraction, Fraction]


def project_near(project: Project, timeline: TimelineMap, windows: tuple[Range, ...]) -> Project:
    """Return the project without the items that cannot show on the frames of `windows`; some that cannot may stay."""
    near = _Nearby(project, timeline, windows)
    return replace(
        project,
        layers=tuple(
            replace(layer, items=tuple([item for item in layer.items if near.may_show(item)]))
            for layer in project.layers
        ),
    )


class _Nearby:
    def __init__(self, project: Project, timeline: TimelineMap, windows: tuple[Range, ...]) -> None:
        self._timeline = timeline
        self._windows = windows
        self._frames: dict[str, tuple[Range, ...]] = {}
        for window in windows:
            for span in timeline.spans_within(window):
                if isinstance(span.item, Clip):
                    self._add(
                        project, span.item, span.timeline_range.intersection(window).shifted(-span.timeline_range.start)
                    )
        self._source_times: dict[str, list[Times]] = {}
        for source_id, ranges in self._frames.items():
            # A caption between two frames shows on the one before it.
            times, count = project.picture(source_id).times, project.picture(source_id).frame_count
            self._source_times[source_id] = [
                (times.time_of(max(0, frames.start - 1)), times.time_of(min(count, frames.stop + 1)))
                for frames in ranges
            ]

    def _add(self, project: Project, clip: Clip, frames: Range) -> None:
        rate = project.canvas.rate
        shown = source_span(part(clip.timing, frames, rate), project.picture(clip.source_id).times, rate)
        self._frames[clip.source_id] = merged([*self._frames.get(clip.source_id, ()), shown])

    @cached_property
    def _times(self) -> list[Times]:
        time_of = self._timeline.time_of
        return [(time_of(window.start), time_of(window.stop)) for window in self._windows]

    def may_show(self, item: Item) -> bool:
        match item:
            case Patch() | Subject():
                return _meet(item.frames, self._frames.get(item.source_id, ()))
            case Overlay(place=OnSource(source_id, frames)):
                return _meet(frames, self._frames.get(source_id, ()))
            case Overlay(place=OnTimeline(frames)):
                return _meet(frames, self._windows)
            case Caption(place=AtSource(source_id, start_s, stop_s)):
                return _meet_times(start_s, stop_s, self._source_times.get(source_id, []))
            case Caption(place=AtTimeline(start_s, stop_s)):
                return _meet_times(start_s, stop_s, self._times)
        return True


def _meet(frames: Range, ranges: tuple[Range, ...]) -> bool:
    return any(frames.start < other.stop and other.start < frames.stop for other in ranges)


def _meet_times(start_s: Fraction, stop_s: Fraction, times: list[Times]) -> bool:
    return any(start_s <= stop and start <= stop_s for start, stop in times)
