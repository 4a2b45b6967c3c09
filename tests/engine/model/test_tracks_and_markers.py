"""Sound tracks, the mix, markers and the in/out range."""

from dataclasses import replace
from fractions import Fraction

import pytest

from engine.errors import EditRefused
from engine.model import edits as e
from engine.model.changes import changed_ranges
from engine.model.layers import LayerKind, LayerSettings
from engine.model.markers import Marker, MarkerKind
from engine.model.place import OnSource, OnTimeline
from engine.model.region import Box
from engine.model.sound import AtTime, AudioItem, Ducking, Mix, SoundRole, TrackSettings, WithClip
from engine.model.sound_runs import sound_is_original, start_of
from engine.model.storyline import Clip, Native
from engine.model.subject import DrawnMatte, FilmMatte, Subject
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.model.tool import Clone, Grade, Lettering, Picture
from tests.projects import one_source_project, patch, source

MUSIC = AudioItem("m", "s", AtTime(Fraction(1)), Fraction(0), Fraction(1))


def with_music(**settings):
    project = e.AddTrack("t", TrackSettings("Music", **settings)).apply(one_source_project(60))
    return e.AddSounds("t", (MUSIC,)).apply(project)


def test_tracks_are_added_changed_moved_and_removed():
    project = e.AddTrack("u", TrackSettings("Effects")).apply(with_music())
    assert [t.id for t in e.MoveTrack("u", 0).apply(project).tracks] == ["u", "t"]
    ducked = TrackSettings("Quiet", SoundRole.MUSIC, -6.0, ducking=Ducking(9.0))
    assert e.ChangeTrack("t", ducked).apply(project).track("t").settings == ducked
    assert [t.id for t in e.RemoveTrack("t").apply(project).tracks] == ["u"]
    for edit in (e.AddTrack("t", ducked), e.MoveTrack("t", 2), e.RemoveTrack("none"), e.RemoveSound("none")):
        with pytest.raises(EditRefused):
            edit.apply(project)


def test_sounds_are_changed_and_removed():
    louder = replace(MUSIC, gain_db=3.0)
    project = e.ReplaceSound(louder).apply(with_music())
    assert project.track("t").items == (louder,)
    assert e.RemoveSound("m").apply(project).track("t").items == ()
    with pytest.raises(EditRefused, match="no sound stream 1: it has 1"):
        e.ReplaceSound(replace(MUSIC, stream=1)).apply(project)


def test_a_locked_track_refuses_changes():
    project = with_music()
    project = e.ChangeTrack("t", TrackSettings("Music", locked=True)).apply(project)
    for edit in (
        e.RemoveSound("m"),
        e.ReplaceSound(MUSIC),
        e.AddSounds("t", (replace(MUSIC, id="n"),)),
        e.RemoveTrack("t"),
    ):
        with pytest.raises(EditRefused, match="'Music' is locked"):
            edit.apply(project)


def test_a_track_with_linked_sound_is_not_removed():
    project = e.DetachSound("s-clip", "t", "voice").apply(with_music())
    with pytest.raises(EditRefused, match="linked to clips"):
        e.RemoveTrack("t").apply(project)
    with pytest.raises(EditRefused, match="no sound of its own"):
        e.DetachSound("s-clip", "t", "again").apply(project)
    with pytest.raises(EditRefused, match="not detached"):
        e.AttachSound("s-clip").apply(with_music())


def test_sound_can_only_be_linked_to_a_clip_of_its_source():
    project = e.AddSource(source("b")).apply(with_music())
    project = e.AppendClip(Clip("other", "b", Native(Range(0, 5)))).apply(project)
    for clip_id in ("other", "none"):
        with pytest.raises(EditRefused):
            e.AddSounds("t", (replace(MUSIC, id="x", position=WithClip(clip_id)),)).apply(project)


def test_sound_is_no_picture_but_ends_the_copying_of_sound():
    before = one_source_project(60)
    project = with_music()
    assert changed_ranges(before, project) == ()
    assert not sound_is_original(project)
    assert sound_is_original(e.ReplaceSound(replace(MUSIC, muted=True)).apply(project))
    assert not sound_is_original(e.SetMix(Mix(loudness_lufs=-23.0)).apply(before))
    assert start_of(project, MUSIC, TimelineMap(project)) == 1


def test_markers_are_set_changed_and_removed():
    chapter = Marker("c", OnTimeline(Range(5, 6)), MarkerKind.CHAPTER, "Opening")
    project = e.AddMarkers((chapter, Marker("d", OnSource("s", Range(9, 10))))).apply(one_source_project(60))
    renamed = replace(chapter, name="Titles")
    project = e.ReplaceMarker(renamed).apply(project)
    assert project.marker("c") == renamed
    assert [m.id for m in e.RemoveMarkers(("c",)).apply(project).markers] == ["d"]
    for edit in (
        e.AddMarkers((chapter,)),
        e.RemoveMarkers(()),
        e.RemoveMarkers(("none",)),
        e.ReplaceMarker(replace(chapter, id="none")),
        e.ReplaceMarker(replace(chapter, place=OnSource("s", Range(50, 70)))),
        e.ReplaceMarker(replace(chapter, place=OnTimeline(Range(0, 1 << 50)))),
    ):
        with pytest.raises(EditRefused):
            edit.apply(project)


def test_the_in_out_range_is_set_cleared_and_follows():
    project = e.SetInOut(Range(10, 40)).apply(one_source_project(60))
    assert e.ExtractRange(Range(0, 20)).apply(project).in_out == Range(0, 20)
    assert e.ExtractRange(Range(5, 45)).apply(project).in_out is None
    assert e.SetInOut(None).apply(project).in_out is None
    with pytest.raises(EditRefused, match="holds no frame"):
        e.SetInOut(Range(4, 4)).apply(project)


def test_a_source_that_is_heard_marked_or_used_as_a_matte_is_in_use():
    project = e.AddSource(source("b")).apply(with_music())
    project = e.AddLayer("fg", LayerKind.SUBJECT, LayerSettings("Subject")).apply(project)
    uses = [
        e.AddSounds("t", (replace(MUSIC, id="x", source_id="b"),)),
        e.AddMarkers((Marker("d", OnSource("b", Range(9, 10))),)),
        e.AddItems("fg", (Subject("me", "s", Range(0, 9), FilmMatte("b")),)),
        e.AddItems("fg", (Subject("me", "b", Range(0, 9), DrawnMatte(Box(0, 0, 1, 1), 3)),)),
    ]
    for use in uses:
        with pytest.raises(EditRefused, match="used in the film"):
            e.RemoveSource("b").apply(use.apply(project))
        kept_as_version = e.SaveVersion("fg", "v", "v").apply(use.apply(project))
        without = e.RemoveItems(("me",)).apply(kept_as_version) if kept_as_version.layer("fg").items else None
        if without is not None:
            with pytest.raises(EditRefused, match="used in the film"):
                e.RemoveSource("b").apply(without)


def test_replacing_a_source_takes_markers_sound_and_places_along():
    project = e.AddMarkers((Marker("d", OnSource("s", Range(9, 10))),)).apply(with_music())
    project = e.AddPatch(patch("p", tool=Picture("x"))).apply(project)
    after = e.ReplaceSource("s", source("n", 70)).apply(project)
    assert after.marker("d").place.source_id == "n"
    assert after.track("t").items[0].source_id == "n"
    assert {clip.source_id for clip in after.storyline} == {"n"}
    assert e.RemoveSource("n").title == "Remove source"


@pytest.mark.parametrize(
    "make", [lambda: Grade(saturation=-1), lambda: Clone(dx=3.0), lambda: Lettering("x", size=2.0)]
)
def test_tools_refuse_figures_out_of_bounds(make):
    with pytest.raises(EditRefused, match="must be"):
        make()


def test_an_item_added_twice_or_to_nowhere_is_refused():
    project = e.AddPatch(patch("p")).apply(one_source_project(60))
    for edit in (
        e.AddPatch(patch("p")),
        e.AddPatch(patch("")),
        e.AddItems("none", (patch("q"),)),
        e.ReplacePatch(patch("q")),
        e.RemoveItems(()),
        e.MoveItem("p", "patches", 5),
        e.RemovePatch("q"),
    ):
        with pytest.raises(EditRefused):
            edit.apply(project)
