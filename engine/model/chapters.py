"""The chapters of a film in the making: those of its sources, at their new times, and those that markers begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from engine.model.markers import MarkerKind
from engine.model.placement import nearest_frame, timeline_bounds
from engine.model.project import Project
from engine.model.timeline import TimelineMap

SHORTEST_S = Fraction(1, 1000)
"""Files keep the times of chapters in milliseconds."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter, in seconds."""

    start_s: Fraction
    stop_s: Fraction
    title: str


def has_chapter_markers(project: Project) -> bool:
    """Tell whether a marker of the project is meant to begin a chapter."""
    return any(marker.kind is MarkerKind.CHAPTER for marker in project.markers)


def with_marked(carried: Sequence[Chapter], project: Project, timeline: TimelineMap) -> tuple[Chapter, ...]:
    """Return the chapters of a film: those that came with its sources, and those that markers begin.

    A marker begins a chapter on each frame where it shows; a chapter that came along and begins on the same frame gives
    way to it. What a marker begins lasts until the next chapter, or the film's end; a chapter that came along ends no
    later than that, and keeps its own end if it is earlier. A marker without a name makes "Chapter 3", by its place.

    Args:
        carried: the chapters of the sources, in seconds of the timeline.
        project: whose markers they are.
        timeline: the project's map.
    """
    marked = dict(_marked(project, timeline))
    end_s = timeline.time_of(timeline.frame_count)
    found = [chapter for chapter in carried if nearest_frame(chapter.start_s, timeline) not in marked]
    found += [Chapter(timeline.time_of(frame), end_s, title) for frame, title in marked.items()]
    found.sort(key=lambda chapter: chapter.start_s)
    if not marked:
        return tuple(found)
    ends = [*(chapter.start_s for chapter in found[1:]), end_s]
    chapters = (
        replace(chapter, stop_s=min(chapter.stop_s, end), title=chapter.title or f"Chapter {number}")
        for number, (chapter, end) in enumerate(zip(found, ends, strict=True), start=1)
    )
    return tuple(chapter for chapter in chapters if chapter.stop_s - chapter.start_s >= SHORTEST_S)


def _marked(project: Project, timeline: TimelineMap) -> Iterator[tuple[int, str]]:
    """Yield the first frame and the name of each place where a chapter marker shows."""
    for marker in project.markers:
        if marker.kind is MarkerKind.CHAPTER:
            for start, _ in timeline_bounds(marker, timeline):
                yield start, marker.name
