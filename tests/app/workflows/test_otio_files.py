"""Timelines exchanged with other editors."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import opentimelineio as otio
import pytest
from hypothesis import given, settings

from app.workflows.otio_file import CarriedPlace, CarriedTake, OtioFile, otio_text, parse_otio
from engine.errors import InterchangeError
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.interchange import TrackUse
from engine.model.interchange_in import rebuilt
from engine.model.interchange_out import described
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Film, Overlay, Title
from engine.model.place import AtTimeline, OnTimeline
from engine.model.project import Project
from engine.model.sound import ClipSound
from engine.model.storyline import Clip, Conformed, Gap, Native
from engine.model.time import Range
from tests.projects import edited_projects, one_source_project, patch, source

URLS = {"s": "file:///films/s.mp4", "t": "file:///films/t.mp4", "v": "file:///films/v.mp4"}
RATE = Fraction(30)


def numbered():
    """Return what makes ids."""
    count = iter(range(10_000))
    return lambda: f"new{next(count)}"


def written(project):
    urls = {known.id: URLS.get(known.id, f"file:///films/{known.id}.mp4") for known in project.sources}
    return otio_text(OtioFile(described(project, urls)))


def read_back(project, text):
    """Return the project that a text becomes, its sources being those of `project`."""
    found = parse_otio(text, "it.otio").timeline
    base = replace(project) if found.project else Project("new", canvas=project.canvas, sources=project.sources)
    urls = {URLS.get(known.id, f"file:///films/{known.id}.mp4"): known.id for known in project.sources}
    return rebuilt(base, found, urls, numbered()).project


def changed(text, change):
    """Return an .otio text after another editor changed its timeline."""
    timeline = otio.core.deserialize_json_from_string(text)
    change(timeline)
    return timeline.to_json_string()


def stripped(text):
    """Return an .otio text as an editor leaves it that keeps no metadata of others."""

    def bare(value):
        if isinstance(value, dict):
            return {key: {} if key == "metadata" else bare(inner) for key, inner in value.items()}
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(bare(json.loads(text)))


def two_clips():
    project = e.AddSource(source("t", 90)).apply(one_source_project())
    project = e.AppendClip(Clip("second", "t", Native(Range(30, 60)), "second")).apply(project)
    return e.AddPatch(patch()).apply(project)


@settings(max_examples=40, deadline=None)
@given(project=edited_projects(most=6))
def test_a_project_comes_back_from_a_timeline_file_as_it_was(project):
    if project.storyline:
        assert read_back(project, written(project)) == project


def test_a_clip_that_another_editor_removed_is_gone_and_all_else_stays():
    project = two_clips()
    text = changed(written(project), lambda timeline: timeline.tracks[0].pop(0))
    back = read_back(project, text)
    assert [item.id for item in back.storyline] == ["second"]
    assert list(back.patches) == list(project.patches)


def test_a_clip_that_another_editor_trimmed_keeps_its_name_and_geometry():
    project = two_clips()

    def trim(timeline):
        clip = timeline.tracks[0][1]
        clip.source_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(35, 30), otio.opentime.RationalTime(10, 30)
        )

    (_, second) = read_back(project, changed(written(project), trim)).storyline
    assert second == replace(project.storyline[1], timing=Native(Range(35, 45)))


def test_a_clip_put_in_twice_gets_an_id_of_its_own():
    project = two_clips()

    def double(timeline):
        timeline.tracks[0].append(timeline.tracks[0][1].deepcopy())

    back = read_back(project, changed(written(project), double))
    assert len({item.id for item in back.storyline}) == 3
    assert back.storyline[2].timing == back.storyline[1].timing


def test_the_timeline_of_an_editor_that_knows_nothing_of_ours_becomes_clips_and_gaps():
    project = two_clips()
    project = e.InsertClip(Gap("gap", 15), 60).apply(project)
    back = read_back(project, stripped(written(project)))
    assert [type(item) for item in back.storyline] == [Clip, Gap, Clip]
    assert [getattr(item, "timing", None) for item in back.storyline] == [
        Native(Range(0, 60)),
        None,
        Native(Range(30, 60)),
    ]
    assert all(item.sound is ClipSound.LINKED for item in back.storyline if isinstance(item, Clip))


def test_frames_counted_by_timecode_count_from_the_films_first_frame():
    timeline = otio.schema.Timeline("Edit")
    track = otio.schema.Track("V1", kind="Video")
    hour = otio.opentime.RationalTime(3600 * 30, 30)
    film = otio.schema.ExternalReference(
        URLS["s"], available_range=otio.opentime.TimeRange(hour, otio.opentime.RationalTime(60, 30))
    )
    start = otio.opentime.RationalTime(3600 * 30 + 12, 30)
    track.append(
        otio.schema.Clip("c", film, source_range=otio.opentime.TimeRange(start, otio.opentime.RationalTime(20, 30)))
    )
    timeline.tracks.append(track)
    (clip,) = read_back(one_source_project(), timeline.to_json_string()).storyline
    assert clip.timing == Native(Range(12, 32))


def test_a_film_of_another_rate_keeps_its_times():
    project = e.AddSource(source("t", 50, Fraction(25))).apply(one_source_project())
    project = e.AppendClip(Clip("slow", "t", Conformed(Fraction(1, 2), 30))).apply(project)
    back = read_back(project, stripped(written(project)))
    assert back.storyline[1].timing == Conformed(Fraction(1, 2), 30)


def test_captions_markers_and_titles_move_where_another_editor_puts_them():
    project = one_source_project()
    layer = next(layer for layer in project.layers if layer.id == "captions")
    caption = Caption("words", AtTimeline(Fraction(1, 2), Fraction(1)), "Hello")
    title = Overlay("title", OnTimeline(Range(10, 20)), Title("Deltacut"))
    marker = Marker("here", OnTimeline(Range(5, 6)), MarkerKind.CHAPTER, "Start", "a note")
    for edit in (e.AddItems(layer.id, (caption,)), e.AddItems("overlays", (title,)), e.AddMarkers((marker,))):
        project = edit.apply(project)

    def move(timeline):
        for track in timeline.tracks:
            if track.metadata["deltacut"]["use"] in ("captions", "overlays"):
                track[0].source_range = otio.opentime.TimeRange(
                    otio.opentime.RationalTime(0, 30), otio.opentime.RationalTime(30, 30)
                )
        timeline.tracks.markers[0].marked_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(40, 30), otio.opentime.RationalTime(1, 30)
        )

    back = read_back(project, changed(written(project), move))
    items = {item.id: item for layer in back.layers for item in layer.items}
    assert items["words"].place == AtTimeline(Fraction(1), Fraction(3, 2))
    assert items["title"].place == OnTimeline(Range(30, 40))
    assert items["title"].content == title.content
    assert back.markers == (replace(marker, place=OnTimeline(Range(40, 41))),)


def test_a_second_picture_track_of_another_editor_lies_over_the_first():
    project = two_clips()
    text = stripped(written(project))

    def add(timeline):
        track = otio.schema.Track("V2", kind="Video")
        second = otio.opentime.RationalTime(30, 30)
        track.append(otio.schema.Gap(source_range=otio.opentime.TimeRange(duration=second)))
        track.append(
            otio.schema.Clip(
                "over",
                otio.schema.ExternalReference(URLS["t"]),
                source_range=otio.opentime.TimeRange(otio.opentime.RationalTime(15, 30), second),
            )
        )
        timeline.tracks.insert(1, track)

    back = read_back(project, changed(text, add))
    (overlay,) = (item for layer in back.layers for item in layer.items if isinstance(item, Overlay))
    assert overlay.place == OnTimeline(Range(30, 60))
    assert overlay.content == Film("t", Fraction(1, 2))


def test_what_a_file_carries_beside_the_timeline_comes_back():
    takes = {"id": CarriedTake("image/png", b"\x89PNG...", {"name": "mug.png"})}
    places = {"s": CarriedPlace("/films/s.mp4", 1234, 99, "ab" * 32)}
    found = parse_otio(otio_text(OtioFile(described(one_source_project(), URLS), takes, places)), "it.otio")
    assert (found.takes, found.places) == (takes, places)


def test_a_transition_becomes_a_cut_and_is_told_of():
    project = two_clips()

    def dissolve(timeline):
        time = otio.opentime.RationalTime(5, 30)
        timeline.tracks[0].insert(1, otio.schema.Transition("fade", in_offset=time, out_offset=time))

    found = parse_otio(changed(stripped(written(project)), dissolve), "it.otio").timeline
    assert found.notes == ("the transition 'fade' became a cut",)
    assert [len(track.items) for track in found.tracks if track.use is TrackUse.PICTURE] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "1",
        '{"OTIO_SCHEMA": "Timeline.99"}',
        '{"OTIO_SCHEMA": "Clip.2"}',
        '{"OTIO_SCHEMA": "Timeline.1", "tracks": 3}',
        '{"OTIO_SCHEMA": 5}',
        "[" * 100_000,
        '{"a":' * 500 + "1" + "}" * 500,
        '{"OTIO_SCHEMA": "Timeline.1", "x": {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "Timeline-1"}}',
    ],
)
def test_what_is_no_timeline_is_refused(text):
    with pytest.raises(InterchangeError):
        parse_otio(text, "bad.otio")
