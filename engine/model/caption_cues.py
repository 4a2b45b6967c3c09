"""Between the captions of a project and the cues of a caption file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from engine.model.caption_files import Block, CaptionFile, CaptionFormat, Cue
from engine.model.captions import Caption
from engine.model.layers import Layer
from engine.model.place import AtSource, AtTimeline, TimePlace
from engine.model.placement import caption_times
from engine.model.project import Project
from engine.model.storyline import Clip, source_time
from engine.model.timeline import Span, TimelineMap


def captions_from_cues(project: Project, file: CaptionFile, new_id: Callable[[], str]) -> tuple[Caption, ...]:
    """Return captions for a file that was made for the project's timeline as it is now.

    Each is tied to the source that shows when it begins, so that it stays with what is said through later cuts; one
    that begins in a gap or beyond the end, or goes on beyond its clip, is tied to the timeline.
    """
    timeline = TimelineMap(project)
    return tuple(
        Caption(new_id(), _place(project, timeline, cue), cue.text, cue=cue.name, settings=cue.settings)
        for cue in file.cues
    )


def _place(project: Project, timeline: TimelineMap, cue: Cue) -> TimePlace:
    start_s, stop_s = Fraction(cue.start_ms, 1000), Fraction(cue.stop_ms, 1000)
    span = timeline.span_at(timeline.frame_at(start_s)) if timeline.frame_count else None
    if span is None or not isinstance(span.item, Clip):
        return AtTimeline(start_s, stop_s)
    begun, ended = (timeline.time_of(frame) for frame in (span.timeline_range.start, span.timeline_range.stop))
    if stop_s > ended:
        return AtTimeline(start_s, stop_s)
    offset = _first_time(project, span) - begun
    return AtSource(span.item.source_id, start_s + offset, stop_s + offset)


def _first_time(project: Project, span: Span) -> Fraction:
    assert isinstance(span.item, Clip)
    times = project.picture(span.item.source_id).times
    return source_time(span.item.timing, 0, times, project.canvas.rate)


def cues_of(project: Project, layer: Layer) -> tuple[Cue, ...]:
    """Return the visible captions of a layer as cues of the timeline, in order of time.

    A caption whose content shows several times gives several cues; one whose content is cut out gives none.
    """
    timeline = TimelineMap(project)
    cues = []
    for item in layer.items:
        if not isinstance(item, Caption) or not item.visible:
            continue
        for start_s, stop_s in caption_times(item.place, timeline):
            start_ms, stop_ms = round(start_s * 1000), round(stop_s * 1000)
            if stop_ms > start_ms:
                cues.append(Cue(start_ms, stop_ms, item.text, item.cue, item.settings))
    return tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.stop_ms)))


def file_of(project: Project, layer: Layer, format: CaptionFormat) -> CaptionFile:
    """Return the captions of a layer as a file; names and settings of the other format are left out."""
    cues: tuple[Cue | Block, ...] = cues_of(project, layer)
    if format is CaptionFormat.SRT:
        cues = tuple(replace(cue, name="") for cue in cues if isinstance(cue, Cue))
    return CaptionFile(format, cues)
