"""The timestamp map: source and timeline, both ways, exactly."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EditRefused
from engine.model import edits as e
from engine.model.project import Canvas, default_timing
from engine.model.source import EvenTimes, ListedTimes, frame_times
from engine.model.storyline import Clip, Conformed, Native, frames_showing, part, source_frame
from engine.model.time import Range, merged
from engine.model.timeline import ShownFrame, TimelineMap
from tests.projects import edited_projects, one_source_project, source, storyline_edits, uneven_source

THOROUGH = settings(max_examples=150, deadline=None)


@given(edited_projects())
@THOROUGH
def test_the_map_and_its_inverse_agree_on_every_frame(project):
    timeline = TimelineMap(project)
    shown = [timeline.source_at(frame) for frame in range(project.frame_count)]
    assert timeline.source_at(-1) is None
    assert timeline.source_at(project.frame_count) is None
    for owner in project.sources:
        if owner.picture is None:
            continue
        for frame in range(owner.frame_count):
            where = [f for r in timeline.showing(owner.id, Range(frame, frame + 1)) for f in r]
            assert where == [f for f, s in enumerate(shown) if s == ShownFrame(owner.id, frame)]


@given(edited_projects())
@THOROUGH
def test_times_increase_and_lead_back_to_their_frames(project):
    timeline = TimelineMap(project)
    times = [timeline.time_of(frame) for frame in range(project.frame_count + 3)]
    assert times[0] == 0
    assert all(a < b for a, b in itertools.pairwise(times))
    for frame in range(project.frame_count):
        middle = (times[frame] + times[frame + 1]) / 2
        assert timeline.frame_at(times[frame]) == frame
        assert timeline.frame_at(middle) == frame
        assert timeline.first_frame_from(times[frame]) == frame
        assert timeline.first_frame_from(middle) == frame + 1


@given(edited_projects())
@THOROUGH
def test_a_time_of_a_source_shows_exactly_where_its_frames_do(project):
    timeline = TimelineMap(project)
    for owner in project.sources:
        if owner.picture is None:
            continue
        times = owner.picture.times
        start, stop = times.time_of(0), times.time_of(times.count)
        spans = timeline.times_showing(owner.id, start, stop)
        clips = [s for s in timeline.spans if isinstance(s.item, Clip) and s.item.source_id == owner.id]
        total = sum(timeline.time_of(s.timeline_range.stop) - timeline.time_of(s.timeline_range.start) for s in clips)
        # A conformed clip may reach up to half a frame beyond its source's end.
        assert total - len(clips) / project.canvas.rate <= sum(b - a for a, b in spans) <= total


@given(st.integers(0, 3000), st.integers(0, 40), st.integers(1, 40), st.sampled_from([24, 25, 30, 50, 60]))
def test_a_conformed_clip_splits_without_a_change_of_any_frame(start, cut, rest, rate):
    times = EvenTimes(Fraction(1, 24000), 0, 1001, 200)
    whole = Conformed(Fraction(start, 1000), cut + rest)
    shown = [source_frame(whole, at, times, Fraction(rate)) for at in range(cut + rest)]
    pieces = [part(whole, Range(0, cut), Fraction(rate))] if cut else []
    pieces.append(part(whole, Range(cut, cut + rest), Fraction(rate)))
    assert [source_frame(p, at, times, Fraction(rate)) for p in pieces for at in range(len(p))] == shown
    for first in range(0, 200, 7):
        found = frames_showing(whole, Range(first, first + 5), times, Fraction(rate))
        assert list(found) == [at for at, frame in enumerate(shown) if first <= frame < first + 5]


def test_ten_hours_conformed_from_24000_1001_to_25_drift_by_less_than_half_a_frame():
    ntsc = Fraction(24000, 1001)
    frames = int(36000 * ntsc)
    times = EvenTimes(1 / (ntsc * 100), 0, 100, frames)
    length = round(times.time_of(frames) * 25)
    clip = Conformed(Fraction(0), length)
    for at in [0, 1, 12345, length // 2, length - 2, length - 1]:
        shown = source_frame(clip, at, times, Fraction(25))
        middle = (at + Fraction(1, 2)) / 25
        assert times.time_of(shown) <= middle < times.time_of(shown + 1)


def test_a_source_at_the_canvas_rate_is_native_and_another_one_conformed():
    project = e.AddSource(source("b", 50, Fraction(25))).apply(one_source_project(30))
    assert default_timing(project, project.source("s")) == Native(Range(0, 30))
    assert default_timing(project, project.source("b")) == Conformed(Fraction(0), 60)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(-20, 20))
def test_listed_times_hold_every_frame(steps, start):
    ticks = np.cumsum([start, *steps]).astype(np.int64)
    times = frame_times(ticks, Fraction(1, 90))
    assert isinstance(times, EvenTimes if len(set(steps)) == 1 else ListedTimes)
    assert [times.time_of(f) for f in range(len(steps) + 1)] == [Fraction(int(t), 90) for t in ticks]
    for tick in range(start - 2, int(ticks[-1]) + 2):
        expected = max((f for f in range(len(steps)) if ticks[f] <= tick), default=0)
        assert times.frame_at(Fraction(tick, 90)) == expected


def test_a_variable_rate_survives_in_native_timing():
    project = e.AddSource(uneven_source("v", (3, 2, 4, 3))).apply(one_source_project(3))
    project = e.AppendClip(Clip("uneven", "v", Native(Range(1, 4)))).apply(project)
    timeline = TimelineMap(project)
    steps = [timeline.time_of(f + 1) - timeline.time_of(f) for f in range(3, 6)]
    assert steps == [Fraction(2, 90), Fraction(4, 90), Fraction(3, 90)]


@pytest.mark.parametrize("packed", [b"", b"no zlib", ListedTimes.of(np.array([0, 1, 5]), Fraction(1)).packed])
def test_frame_times_that_do_not_fit_are_refused(packed):
    with pytest.raises(EditRefused):
        ListedTimes(Fraction(1, 90), 3, packed)


def test_frame_times_that_go_backwards_are_refused():
    packed = ListedTimes.of(np.array([0, 5, 9]), Fraction(1)).packed
    assert ListedTimes(Fraction(1), 2, packed).time_of(1) == 5
    with pytest.raises(EditRefused, match="increase"):
        ListedTimes.of(np.array([0, 5, 3]), Fraction(1))


@given(edited_projects(kinds=storyline_edits), st.sampled_from([24, 25, 50, 60]))
@settings(max_examples=60, deadline=None)
def test_another_canvas_rate_keeps_durations_to_half_a_frame_per_clip(project, rate):
    after = e.SetCanvas(Canvas(64, 36, Fraction(rate))).apply(project)
    old, new = TimelineMap(project), TimelineMap(after)
    assert len(old.spans) == len(new.spans)
    for before, now in zip(old.spans, new.spans, strict=True):
        was = old.time_of(before.timeline_range.stop) - old.time_of(before.timeline_range.start)
        is_now = new.time_of(now.timeline_range.stop) - new.time_of(now.timeline_range.start)
        assert abs(was - is_now) <= Fraction(1, 2) / rate or len(now.timeline_range) == 1


@given(edited_projects(), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=6))
@THOROUGH
def test_many_ranges_asked_at_once_show_where_each_of_them_does(project, ranges):
    timeline = TimelineMap(project)
    firsts = np.array([first for first, _ in ranges], np.int64)
    lengths = np.array([length for _, length in ranges], np.int64)
    for owner in project.sources:
        which, starts, stops = timeline.bounds_showing_all(owner.id, firsts, firsts + lengths)
        for number, (first, length) in enumerate(ranges):
            mine = which == number
            pieces = merged(Range(int(a), int(b)) for a, b in zip(starts[mine], stops[mine], strict=True))
            assert pieces == timeline.showing(owner.id, Range(first, first + length))
