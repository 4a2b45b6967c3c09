"""The model under the timeline: scales, ticks, rows, hits and snapping, without a widget."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.timeline.content import (
    FILM_ROW,
    FILM_SOUND_ROW,
    HEIGHTS,
    LEAST_HEIGHTS,
    RowItems,
    RowKind,
    content_of,
)
from app.ui.timeline.layout import Area, Grip, Layout, Rect, merged_runs
from app.ui.timeline.row_heights import FEATURE, LEAST_FEATURE, Heights, heights_within
from app.ui.timeline.ruler import frame_of_number, ticks
from app.ui.timeline.scale import Scale, fitted
from app.ui.timeline.snapping import Snapped, snap_points, snapped
from app.ui.words import timecode
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.markers import Marker
from engine.model.overlay import Flat, Overlay
from engine.model.place import AtTimeline, OnTimeline
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.model.tool import Rgb
from tests.projects import one_source_project, patch

NTSC = Fraction(30000, 1001)


@pytest.fixture
def project():
    project = one_source_project(frames=600)
    for edit in (
        e.SplitClip(200, "second"),
        e.SplitClip(400, "third"),
        e.AddPatch(patch(frames=(50, 110))),
        e.AddItems("captions", (Caption("said", AtTimeline(Fraction(1), Fraction(3)), "Hello"),)),
        e.AddItems("overlays", (Overlay("title", OnTimeline(Range(100, 160)), Flat(Rgb(255, 0, 0))),)),
        e.AddMarkers((Marker("m", OnTimeline(Range(300, 301)), name="Here"),)),
    ):
        project = edit.apply(project)
    return project


def content(project):
    return content_of(project, TimelineMap(project))


def row_of(found, kind):
    return next(number for number, row in enumerate(found.rows) if row.kind is kind)


# --- scale -----------------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 2_000_000),
    st.floats(0.05, 40),
    st.integers(0, 1600),
    st.lists(st.floats(0.25, 4), max_size=6),
)
def test_zooming_keeps_the_place_under_the_pointer_unless_the_films_end_stops_it(frames, at, x, factors):
    scale = fitted(frames, 1600).zoomed(at, 0, frames, 1600)
    for factor in factors:
        before = scale.position(x)
        scale = scale.zoomed(factor, x, frames, 1600)
        moved = abs(scale.position(x) - before) / scale.frames_per_px
        most = scale.farthest_px(frames, 1600)
        assert moved <= 1 or scale.scroll_px in (0, most)


def test_the_whole_film_fits_into_the_view():
    scale = fitted(5000, 1000)
    assert 900 < scale.x(5000) <= 1000
    assert scale.x(0) == 0
    assert scale.farthest_px(5000, 1000) == 0
    assert scale.zoomed(1.25, 0, 5000, 1000).farthest_px(5000, 1000) > 200


# --- ruler -----------------------------------------------------------------------------------------------------------


def test_ticks_stand_on_whole_seconds_of_drop_frame_timecode_and_on_the_first_number_of_a_minute_that_exists():
    labels = [tick.label for tick in ticks(1700, 1900, NTSC, 1 / 4) if tick.label]
    assert labels[0] <= timecode(1700, NTSC)
    assert "00:00:59;00" in labels
    assert "00:01:00;02" in labels
    assert "00:01:00;00" not in labels


@given(st.integers(0, 3_000_000), st.sampled_from([NTSC, Fraction(60000, 1001), Fraction(25), Fraction(24000, 1001)]))
def test_every_tick_is_labelled_with_the_timecode_of_its_frame(first, rate):
    found = ticks(first, first + 4000, rate, 3.0)
    assert all(tick.label == timecode(tick.frame, rate) for tick in found if tick.label)
    assert [tick.frame for tick in found] == sorted({tick.frame for tick in found})


@given(st.integers(0, 500_000))
def test_a_skipped_number_gives_the_next_frame(number):
    frame = frame_of_number(number, NTSC)
    assert frame_of_number(number + 1, NTSC) - frame in (0, 1)


@pytest.mark.parametrize("frames_per_px", [1 / 48, 0.5, 2, 17, 300, 9000])
def test_labels_never_touch(frames_per_px):
    found = [tick.frame for tick in ticks(0, int(1600 * frames_per_px) + 2, NTSC, frames_per_px) if tick.label]
    assert all((b - a) / frames_per_px > 90 for a, b in pairwise(found))


# --- rows ------------------------------------------------------------------------------------------------------------


def test_rows_go_from_markers_over_the_layers_to_the_film_and_its_sound(project):
    kinds = [row.kind for row in content(project).rows]
    assert kinds == [
        RowKind.MARKERS,
        RowKind.CAPTIONS,
        RowKind.OVERLAYS,
        RowKind.PATCHES,
        RowKind.FILM,
        RowKind.FILM_SOUND,
    ]


def test_rows_that_did_not_change_are_taken_over_and_those_that_did_are_not(project):
    before = content(project)
    changed = e.AddPatch(patch("other", frames=(300, 320))).apply(project)
    after = content_of(changed, TimelineMap(changed), before)
    same = [new.items is old.items for new, old in zip(after.rows, before.rows, strict=True)]
    assert [row.kind for row, kept in zip(after.rows, same, strict=True) if not kept] == [RowKind.PATCHES]
    cut = e.ExtractClips(("second",)).apply(changed)
    moved = content_of(cut, TimelineMap(cut), after)
    assert moved.find("m") is None
    assert moved.find("third").frames == Range(200, 400)


def test_items_that_overlap_stand_in_lanes_and_the_row_grows(project):
    project = e.AddPatch(patch("over", frames=(90, 150))).apply(project)
    found = content(project)
    patches = found.rows[row_of(found, RowKind.PATCHES)]
    assert patches.items.lane_count == 2
    assert {found.find("patch").lane, found.find("over").lane} == {0, 1}
    assert Layout(found, 400).row_height(row_of(found, RowKind.PATCHES)) == 80


def test_of_overlays_that_begin_together_the_upper_one_in_the_stack_stands_above():
    below, above = (
        Overlay(name, OnTimeline(Range(0, stop)), Flat(Rgb(0, 0, 0))) for name, stop in (("below", 20), ("above", 30))
    )
    items = RowItems.of([(Range(0, 20), below, 0), (Range(0, 30), above, 0)])
    assert {value.id: int(lane) for value, lane in zip(items.values, items.lanes, strict=True)} == {
        "above": 0,
        "below": 1,
    }


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60)), max_size=40), st.integers(0, 500))
def test_a_search_within_frames_misses_no_item(ranges, first):
    items = RowItems.of(
        (Range(a, a + n), Marker(f"{i}", OnTimeline(Range(a, a + n))), 0) for i, (a, n) in enumerate(ranges)
    )
    low, high = items.within(first, first + 50)
    showing = {i for i in range(len(items)) if items.starts[i] < first + 50 and items.stops[i] > first}
    assert showing <= set(range(low, high))


# --- hits ------------------------------------------------------------------------------------------------------------


def test_a_clip_is_caught_by_its_edges_and_its_body(project):
    found = content(project)
    layout, scale = Layout(found, 400), Scale(1.0)
    film = layout.place(row_of(found, RowKind.FILM))
    y = film.top + film.height // 2
    assert (layout.hit(300, y, scale).item.id, layout.hit(300, y, scale).grip) == ("second", Grip.BODY)
    assert (layout.hit(201, y, scale).item.id, layout.hit(201, y, scale).grip) == ("second", Grip.LEFT)
    assert (layout.hit(198, y, scale).item.id, layout.hit(198, y, scale).grip) == ("s-clip", Grip.RIGHT)
    assert layout.hit(300, 5, scale).area is Area.RULER
    assert layout.hit(700, y, scale).item is None


def test_a_rubber_band_takes_what_it_touches_and_each_clip_once(project):
    found = content(project)
    layout = Layout(found, 400)
    everything = layout.items_in(Rect(0, 0, 700, 400), Scale(1.0))
    assert sorted(item.id for item in everything) == ["m", "patch", "s-clip", "said", "second", "third", "title"]
    film = layout.place(row_of(found, RowKind.FILM))
    some = layout.items_in(Rect(190, film.top + 4, 20, 10), Scale(1.0))
    assert [item.id for item in some] == ["s-clip", "second"]


def test_the_strip_stands_below_the_last_row_and_at_the_foot_where_the_rows_do_not_fit(project):
    found = content(project)
    rows = 26 + 20 + 26 + 26 + 40 + 66 + 46
    assert Layout(found, 600).strip_top == rows
    assert Layout(found, 200).strip_top == 172
    assert found.rows[-1].id == FILM_SOUND_ROW
    assert found.find("second").row == [row.id for row in found.rows].index(FILM_ROW)


ROWS = (
    (RowKind.CAPTIONS, 1),
    (RowKind.OVERLAYS, 1),
    (RowKind.PATCHES, 1),
    (RowKind.FILM, 1),
    (RowKind.FILM_SOUND, 1),
)


def test_feature_lanes_shrink_first_then_the_rows_around_the_film_and_the_film_last():
    whole = heights_within(292, ROWS, 4, 0)
    assert (whole.rows, whole.feature) == ((26, 26, 40, 66, 46), FEATURE)
    assert heights_within(204 + 64, ROWS, 4, 0) == Heights(whole.rows, LEAST_FEATURE)
    lower = heights_within(240, ROWS, 4, 0)
    assert lower.rows[3] == 66
    assert lower.rows[2] < 40
    assert lower.rows[4] < 46
    # All of it has room in the default height of the timeline at 1920 x 1080.
    least = heights_within(210, ROWS, 4, 0)
    assert sum(least.rows) + 4 * least.feature == 210
    assert least.rows[3] >= 48
    assert heights_within(20, ROWS, 4, 0) == heights_within(210, ROWS, 4, 0)


@given(
    st.integers(0, 900),
    st.lists(st.tuples(st.sampled_from([*LEAST_HEIGHTS]), st.integers(1, 6)), max_size=8),
    st.integers(0, 6),
    st.sampled_from([0, 4]),
)
def test_rows_fit_into_their_room_or_are_as_low_as_can_be(room, rows, features, roomier):
    found = heights_within(room, tuple(rows), features, roomier)
    least = [LEAST_HEIGHTS[kind] for kind, _ in rows]
    for height, (kind, _) in zip(found.rows, rows, strict=True):
        assert LEAST_HEIGHTS[kind] <= height <= HEIGHTS[kind] + roomier
    whole = sum(height * lanes for height, (_, lanes) in zip(found.rows, rows, strict=True))
    whole += features * found.feature
    assert whole <= room or list(found.rows) == least


def test_where_not_all_has_room_it_opens_with_the_film_whole_and_no_row_cut(project):
    found = content(project)
    film = row_of(found, RowKind.FILM)
    for height in range(60 + 46 + 28, 400):
        scroll = Layout(found, height, lanes=6).opening_scroll()
        layout = Layout(found, height, scroll, lanes=6)
        place = layout.place(film)
        assert layout.rows_top <= place.top
        assert place.bottom <= layout.strip_top
        assert scroll == layout.overflow or layout.rows_top in [one.top for one in layout.places()[1:]]


def test_feature_lanes_scroll_with_the_rows(project):
    found = content(project)
    still, moved = Layout(found, 200, 0, lanes=4), Layout(found, 200, 30, lanes=4)
    assert moved.lanes_top == still.lanes_top - 30
    assert moved.strip_top == still.strip_top == 172
    end = Layout(found, 200, still.overflow, lanes=4)
    assert end.lanes_top + 4 * end.feature_height == end.strip_top
    assert end.hit(10, end.strip_top - 1, Scale(1.0)).lane == 3


@given(st.lists(st.tuples(st.floats(-50, 350), st.floats(0, 90)), min_size=1, max_size=60))
def test_narrow_items_merge_into_runs_that_cover_every_one_of_them(edges):
    lefts = np.array([a for a, _ in edges])
    rights = np.array([a + n for a, n in edges])
    runs = merged_runs(lefts, rights, 300)
    covered = np.zeros(300, bool)
    for left, width in zip(runs.lefts.tolist(), runs.widths.tolist(), strict=True):
        assert width > 0
        assert not covered[left : left + width].any()
        covered[left : left + width] = True
    wanted = np.zeros(300, bool)
    for left, right in zip(lefts, rights, strict=True):
        stop = int(max(np.ceil(right), np.floor(left) + 1))
        wanted[max(0, int(np.floor(left))) : max(0, stop)] = True
    assert (covered == wanted).all()


# --- snapping --------------------------------------------------------------------------------------------------------


def test_a_drag_snaps_to_the_nearest_cut_marker_playhead_or_mark_and_shows_where(project):
    project = replace(project, in_out=Range(33, 77))
    points = snap_points(content(project), playhead=250, without={"title"})
    assert {0, 33, 77, 200, 250, 300, 400, 600} <= set(points.tolist())
    assert 160 not in points
    assert snapped([100, 160], 37, points, 6) == Snapped(40, 200)
    assert snapped([100, 160], 20, points, 6) == Snapped(20)
