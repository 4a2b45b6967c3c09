"""Which chapters a film has: those of its sources and those that markers begin."""

from __future__ import annotations

from fractions import Fraction

from engine.model.chapters import Chapter, has_chapter_markers, with_marked
from engine.model.edits import AddMarkers, ExtractRange
from engine.model.markers import Marker, MarkerKind
from engine.model.place import OnSource, OnTimeline
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from tests.projects import RATE, one_source_project


def marked(*markers, project=None):
    project = project or one_source_project(60)
    for number, (frame, name) in enumerate(markers):
        place = OnTimeline(Range(frame, frame + 1)) if isinstance(frame, int) else frame
        project = AddMarkers((Marker(f"m{number}", place, MarkerKind.CHAPTER, name),)).apply(project)
    return project


def chapters(project, *carried):
    """Return the chapters by frames: where each begins, where it ends, its title."""
    found = with_marked([Chapter(a / RATE, b / RATE, title) for a, b, title in carried], project, TimelineMap(project))
    return [(c.start_s * RATE, c.stop_s * RATE, c.title) for c in found]


def test_each_marker_begins_a_chapter_that_lasts_until_the_next_or_the_end():
    assert chapters(marked((40, "late"), (10, "early"))) == [(10, 40, "early"), (40, 60, "late")]


def test_a_marker_without_a_name_makes_a_numbered_chapter():
    assert chapters(marked((0, "start"), (10, ""))) == [(0, 10, "start"), (10, 60, "Chapter 2")]


def test_without_markers_the_sources_chapters_stay_as_they_are():
    carried = ((0, 20, ""), (10, 60, "overlapping"))
    assert not has_chapter_markers(one_source_project(60))
    assert chapters(one_source_project(60), *carried) == list(carried)


def test_a_chapter_of_the_source_ends_where_a_marker_begins_another():
    assert chapters(marked((10, "new")), (0, 30, "one"), (30, 50, "two")) == [
        (0, 10, "one"),
        (10, 30, "new"),
        (30, 50, "two"),
    ]


def test_a_marker_on_the_frame_where_a_source_begins_a_chapter_takes_its_place():
    # The frame lasts longer than what the file's milliseconds are off.
    late = Fraction(301, 10)
    assert chapters(marked((30, "renamed")), (0, late, "one"), (late, 60, "two")) == [
        (0, 30, "one"),
        (30, 60, "renamed"),
    ]


def test_other_markers_begin_none():
    project = one_source_project(60)
    for kind in (MarkerKind.PLAIN, MarkerKind.CALL_TO_ACTION):
        project = AddMarkers((Marker(kind.value, OnTimeline(Range(5, 6)), kind, "x"),)).apply(project)
    assert not has_chapter_markers(project)
    assert chapters(project) == []


def test_a_chapter_on_a_source_follows_its_frame_through_a_cut():
    source_id = one_source_project(60).sources[0].id
    project = marked((OnSource(source_id, Range(30, 31)), "scene"))
    project = ExtractRange(Range(0, 12)).apply(project)
    assert chapters(project) == [(18, 48, "scene")]
    assert chapters(ExtractRange(Range(10, 20)).apply(project)) == []
