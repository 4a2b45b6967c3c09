"""A part of the timeline shows and sounds as it does in the whole."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.model import edits as e
from engine.model.excerpt import excerpt
from engine.model.geometry import Geometry
from engine.model.keyframes import Curve, Keyframe
from engine.model.overlay import Film, Overlay, Still
from engine.model.place import OnTimeline
from engine.model.recipe import recipe_runs
from engine.model.sound import AtTime, AudioItem, SoundRole, TrackSettings
from engine.model.sound_runs import start_of, storyline_sound
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from tests.projects import edited_projects, one_source_project


def frames_of(project):
    """Return, for each timeline frame, what it is made of."""
    keys = []
    for run in recipe_runs(project):
        keys += [run.recipe.advanced(at).key for at in range(len(run.timeline_range))]
    return keys


@settings(max_examples=25, deadline=None)
@given(project=edited_projects(most=6), data=st.data())
def test_frame_n_of_a_part_is_made_of_the_same_as_frame_a_plus_n_of_the_whole(project, data):
    total = project.frame_count
    if not 0 < total < 3000:
        return
    start = data.draw(st.integers(0, total - 1))
    stop = data.draw(st.integers(start + 1, total))
    part = excerpt(project, Range(start, stop))
    assert part.frame_count == stop - start
    assert frames_of(part) == frames_of(project)[start:stop]


@pytest.mark.parametrize(
    "thing",
    [
        Overlay("o", OnTimeline(Range(5, 40)), Film("s")),
        Overlay("o", OnTimeline(Range(5, 40)), Still("x"), opacity=Curve((Keyframe(3, 0.0), Keyframe(30, 1.0)))),
        Overlay("o", OnTimeline(Range(5, 40)), Still("x"), Geometry(x=Curve((Keyframe(0, 0.2),)))),
    ],
    ids=["film", "fade", "still keyframe"],
)
def test_what_moves_goes_on_where_it_was(thing):
    project = e.AddItems("overlays", (thing,)).apply(one_source_project(60))
    assert frames_of(excerpt(project, Range(20, 50))) == frames_of(project)[20:50]


@settings(max_examples=20, deadline=None)
@given(project=edited_projects(most=6), data=st.data())
def test_the_storylines_sound_of_a_part_is_that_of_the_whole_in_its_time(project, data):
    total = project.frame_count
    if total == 0:
        return
    start = data.draw(st.integers(0, total - 1))
    stop = data.draw(st.integers(start + 1, total))
    whole = TimelineMap(project)
    begin, end = whole.time_of(start), whole.time_of(stop)

    def heard(runs, at):
        run = next(run for run in runs if run.start_s <= at < run.stop_s)
        return run.source_id, run.gain_db, None if run.source_id is None else run.source_start_s + at - run.start_s

    inside, outside = storyline_sound(excerpt(project, Range(start, stop))), storyline_sound(project)
    for share in (Fraction(0), Fraction(1, 3), Fraction(99, 100)):
        at = begin + share * (end - begin)
        assert heard(inside, at - begin) == heard(outside, at)


def test_a_sound_that_plays_already_goes_on_where_it_was():
    project = one_source_project()
    track = e.AddTrack("music", TrackSettings("Music", SoundRole.MUSIC))
    sound = AudioItem("song", "s", AtTime(Fraction(1, 2)), Fraction(0), Fraction(1))
    project = e.AddSounds("music", (sound,)).apply(track.apply(project))
    part = excerpt(project, Range(30, 60))
    (moved,) = part.tracks[0].items
    assert start_of(part, moved, TimelineMap(part)) == Fraction(-1, 2)
    assert moved.source_start_s == sound.source_start_s


@pytest.mark.parametrize("frames", [(5, 5), (0, 61), (60, 70)])
def test_frames_that_the_timeline_does_not_have_are_refused(frames):
    with pytest.raises(UsageError, match="0:60"):
        excerpt(one_source_project(), Range(*frames))
