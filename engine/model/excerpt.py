"""A part of a timeline as a project of its own, for an export of just that part. Nothing of it is ever saved."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import UsageError
from engine.model.captions import Caption
from engine.model.edits.storyline import ExtractRange
from engine.model.layers import Item
from engine.model.overlay import Overlay
from engine.model.place import AtTimeline, OnTimeline, Ripple
from engine.model.placement import time_place_ranges
from engine.model.project import Project
from engine.model.sound import AtTime, AudioItem, AudioTrack
from engine.model.sound_runs import start_of
from engine.model.time import Range
from engine.model.timeline import TimelineMap


def excerpt(project: Project, frames: Range) -> Project:
    """Return the project cut down to timeline frames: its frame n shows and sounds as frame `frames.start` + n did.

    What is locked or fixed in time stays in an edit; here it goes along, for the picture must be the same.

    Raises:
        UsageError: the timeline does not have these frames.
    """
    end = project.frame_count
    if not frames or not Range(0, end).covers(frames):
        raise UsageError(
            f"the frames {frames.start}:{frames.stop} are no part of the timeline, which has the frames 0:{end}"
        )
    tracks = _tracks_from(project, frames.start)
    project = _loosened(project, frames)
    if frames.stop < end:
        project = ExtractRange(Range(frames.stop, end)).apply(project)
    if frames.start > 0:
        project = ExtractRange(Range(0, frames.start)).apply(project)
    return replace(project, tracks=tracks, in_out=None)


def _loosened(project: Project, frames: Range) -> Project:
    """Return the project with nothing locked or fixed in time, and without its sound tracks."""
    timeline = TimelineMap(project)
    return replace(
        project,
        layers=tuple(
            replace(
                layer,
                settings=replace(layer.settings, locked=False),
                items=tuple(_following(item) for item in layer.items if _reaches(item, frames, timeline)),
            )
            for layer in project.layers
        ),
        markers=tuple(
            replace(marker, place=replace(marker.place, ripple=Ripple.FOLLOW))
            if isinstance(marker.place, OnTimeline)
            else marker
            for marker in project.markers
        ),
        tracks=(),
    )


def _reaches(item: Item, frames: Range, timeline: TimelineMap) -> bool:
    """Tell whether an item may show on some of the frames.

    A caption shows on the frames that begin within it, at least on one: what a cut leaves of it between two frames
    would appear on a frame that did not show it before.
    """
    if not isinstance(item, Caption) or not isinstance(item.place, AtTimeline):
        return True
    return any(shown.overlaps(frames) for shown in time_place_ranges(item.place, timeline))


def _tracks_from(project: Project, frame: int) -> tuple[AudioTrack, ...]:
    """Return the sound tracks with second 0 at a frame; a sound that plays already begins before second 0."""
    timeline = TimelineMap(project)
    first_s = timeline.time_of(frame)

    def moved(item: AudioItem) -> AudioItem:
        return replace(item, position=AtTime(start_of(project, item, timeline) - first_s))

    return tuple(replace(track, items=tuple(map(moved, track.items))) for track in project.tracks)


def _following(item: Item) -> Item:
    if isinstance(item, Overlay) and isinstance(item.place, OnTimeline):
        return replace(item, place=replace(item.place, ripple=Ripple.FOLLOW))
    if isinstance(item, Caption) and isinstance(item.place, AtTimeline):
        return replace(item, place=replace(item.place, ripple=Ripple.FOLLOW))
    return item
