"""Recipes say what every frame is made of; changes are where recipes differ, and nothing else."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import EditRefused
from engine.model import edits as e
from engine.model.changes import changed_between, changed_ranges, rendered_ranges
from engine.model.geometry import AS_IT_IS
from engine.model.keyframes import Curve, Keyframe, shifted
from engine.model.layers import CaptionMode, LayerKind, LayerSettings
from engine.model.ops import CaptionOp, Depth, OverlayOp, SubjectOp, TimelineClock, op_of
from engine.model.overlay import Film, Flat, Overlay, Still
from engine.model.patch import Follow, Motion, Patch, ReviewState
from engine.model.place import AtSource, OnSource, OnTimeline
from engine.model.placement import source_frames
from engine.model.recipe import BlackBase, ConformedBase, Placement, Recipe, SourceBase, base_frame, recipe_runs
from engine.model.region import Box
from engine.model.storyline import Clip, Conformed, Gap, Native
from engine.model.subject import DrawnMatte, Subject
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.model.tool import BLACK, Blur
from tests.projects import (
    any_edits,
    edited_projects,
    items,
    layer_edits,
    one_source_project,
    patch,
    source,
    storyline_edits,
)

THOROUGH = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def frame_recipes(project):
    """Return the recipe of each frame, found the slow and simple way."""
    timeline = TimelineMap(project)
    recipes = []
    for span in timeline.spans:
        for frame in span.timeline_range:
            at = frame - span.timeline_range.start
            recipes.append(_frame_recipe(project, timeline, span.item, at, frame))
    return recipes


def _frame_recipe(project, timeline, item, at, frame):
    canvas = project.canvas
    if isinstance(item, Gap):
        base, shown = BlackBase(), None
        placement = Placement(AS_IT_IS, canvas.width, canvas.height, canvas.sar)
    else:
        picture = project.picture(item.source_id)
        if isinstance(item.timing, Native):
            shown = item.timing.source_range.start + at
            base = SourceBase(item.source_id, shown)
        else:
            time_s = item.timing.start_s + at / canvas.rate
            base = ConformedBase(item.source_id, time_s, canvas.rate)
            middle = time_s + 1 / canvas.rate / 2
            shown = max((f for f in range(picture.frame_count) if picture.times.time_of(f) <= middle), default=0)
        placement = Placement(item.geometry.shifted(-at), canvas.width, canvas.height, canvas.sar)
        if canvas.holds(picture) and item.geometry == AS_IT_IS:
            placement = None
    ops = []
    for layer in project.layers:
        for thing in layer.items:
            op = op_of(layer, thing, canvas.rate)
            if op is None or not _stands(project, timeline, thing, item, shown, frame):
                continue
            if isinstance(op, OverlayOp) and isinstance(op.clock, TimelineClock):
                op = _later(op, frame - thing.place.frames.start)
            ops.append(op)
    if not any(isinstance(op, SubjectOp) for op in ops):
        ops = [op for op in ops if not (isinstance(op, OverlayOp) and op.depth is Depth.BEHIND_SUBJECT)]
    return Recipe(base, placement, tuple(ops))


def _later(op, by):
    content = op.content
    if isinstance(content, Film):
        content = replace(content, start_s=content.start_s + by / op.rate)
    return replace(op, content=content, geometry=op.geometry.shifted(-by), opacity=shifted(op.opacity, -by))


def _stands(project, timeline, thing, clip, shown, frame):
    source_id = clip.source_id if isinstance(clip, Clip) else None
    if isinstance(thing, Patch | Subject):
        return thing.source_id == source_id and shown in thing.frames
    place = thing.place
    if isinstance(place, OnTimeline):
        return frame in place.frames
    if isinstance(place, OnSource):
        return place.source_id == source_id and shown in place.frames
    if isinstance(place, AtSource):
        if place.source_id != source_id or project.source(place.source_id).picture is None:
            return False
        return shown in source_frames(place.start_s, place.stop_s, project.picture(source_id).times)
    start, stop = timeline.time_of(frame), timeline.time_of(frame + 1)
    if place.start_s <= start < place.stop_s:
        return True
    begins_within = any(place.start_s <= timeline.time_of(f) < place.stop_s for f in range(timeline.frame_count))
    return not begins_within and start <= place.start_s < stop


@given(edited_projects())
@THOROUGH
def test_runs_cover_the_timeline_exactly_and_say_what_each_frame_is(project):
    runs = recipe_runs(project)
    assert [run.timeline_range.start for run in runs] == [0, *[run.timeline_range.stop for run in runs]][: len(runs)]
    assert sum(len(run.timeline_range) for run in runs) == project.frame_count
    found = [run.recipe.advanced(at) for run in runs for at in range(len(run.timeline_range))]
    assert found == frame_recipes(project)
    for left, right in itertools.pairwise(runs):
        assert left.recipe.advanced(len(left.timeline_range)) != right.recipe


@given(st.data())
@THOROUGH
def test_changed_ranges_are_the_frames_whose_recipes_differ(data):
    before = data.draw(edited_projects(most=8))
    after = before
    for _ in range(3):
        try:
            after = data.draw(any_edits(after)).apply(after)
        except EditRefused:
            continue
    old, new = frame_recipes(before), frame_recipes(after)
    changed = {f for f in range(len(new)) if f >= len(old) or old[f] != new[f]}
    ranges = changed_ranges(before, after)
    assert {f for r in ranges for f in r} == changed
    assert all(a.stop < b.start for a, b in itertools.pairwise(ranges))
    assert changed_ranges(after, after) == ()


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_looking_only_where_items_changed_finds_all_that_looking_everywhere_does(data):
    project = one_source_project(30)
    for _ in range(data.draw(st.integers(0, 3))):
        project = _allowed(data.draw(storyline_edits(project)), project)
    for kind in LayerKind:
        project = (
            e.AddLayer(kind.value, kind, LayerSettings(kind.value), 0).apply(project) if kind not in _HAS else project
        )
    for _ in range(14):
        layer = data.draw(st.sampled_from(project.layers))
        project = _allowed(e.AddItems(layer.id, (data.draw(items(project, layer.kind)),)), project)
    for _ in range(6):
        before = project
        project = _allowed(data.draw(layer_edits(project)), project)
        assert changed_ranges(before, project) == changed_between(recipe_runs(before), recipe_runs(project))


def test_swapping_two_items_changes_the_frames_that_both_cover():
    project = one_source_project(60)
    for id, frames, tool in (("a", (10, 30), Blur(3.0)), ("b", (20, 40), Blur(9.0)), ("c", (50, 55), Blur(1.0))):
        project = e.AddPatch(patch(id, frames, tool=tool)).apply(project)
    assert changed_ranges(project, e.MoveItem("a", "patches", 1).apply(project)) == (Range(20, 30),)
    assert changed_ranges(project, e.MoveItem("c", "patches", 0).apply(project)) == ()


_HAS = {LayerKind.PATCHES, LayerKind.OVERLAYS, LayerKind.CAPTIONS}


def _allowed(edit, project):
    try:
        return edit.apply(project)
    except EditRefused:
        return project


@given(edited_projects())
@THOROUGH
def test_equal_keys_are_equal_recipes(project):
    by_key = {}
    for run in recipe_runs(project):
        assert by_key.setdefault(run.recipe.key, run.recipe) == run.recipe
    assert len(by_key) == len({run.recipe for run in recipe_runs(project)})


def test_an_untouched_project_is_one_bare_run():
    project = one_source_project(60)
    (run,) = recipe_runs(project)
    assert run.timeline_range == Range(0, 60)
    assert run.recipe == Recipe(SourceBase("s", 0))
    assert run.recipe.is_bare
    assert rendered_ranges(project) == ()


def test_a_patch_changes_its_frames_and_undoing_it_changes_them_back():
    before = one_source_project(60)
    after = e.AddPatch(patch(frames=(10, 20))).apply(before)
    assert changed_ranges(before, after) == (Range(10, 20),)
    assert rendered_ranges(after) == (Range(10, 20),)
    undone = e.RemovePatch("patch").apply(after)
    assert changed_ranges(before, undone) == ()
    assert recipe_runs(undone) == recipe_runs(before)


@pytest.mark.parametrize("change", [{"visible": False}, {"state": ReviewState.REJECTED}, {"pick": None, "takes": ()}])
def test_a_patch_that_does_not_show_changes_nothing(change):
    project = one_source_project(60)
    assert changed_ranges(project, e.AddPatch(patch(**change)).apply(project)) == ()


def test_names_states_and_ids_are_not_pixels():
    project = e.AddPatch(patch(frames=(10, 20))).apply(one_source_project(60))
    named = e.ReplacePatch(patch(frames=(10, 20), name="sky", state=ReviewState.APPROVED)).apply(project)
    assert changed_ranges(project, named) == ()
    again = e.AddPatch(patch("another", frames=(10, 20))).apply(e.RemovePatch("patch").apply(named))
    assert recipe_runs(again)[1].recipe.key == recipe_runs(project)[1].recipe.key


def test_a_still_patch_that_grows_longer_changes_only_the_new_frames_but_a_moving_one_all():
    before = one_source_project(60)
    short, long = patch(frames=(10, 20)), patch(frames=(10, 30))
    grown = e.ReplacePatch(long).apply(e.AddPatch(short).apply(before))
    assert changed_ranges(e.AddPatch(short).apply(before), grown) == (Range(20, 30),)
    moving = Motion(Follow.HYBRID)
    first = e.AddPatch(replace(short, motion=moving)).apply(before)
    assert changed_ranges(first, e.ReplacePatch(replace(long, motion=moving)).apply(first)) == (Range(10, 30),)


def test_a_cut_alone_is_no_change_and_a_moved_clip_keeps_its_recipe():
    before = e.AddPatch(patch(frames=(10, 20))).apply(one_source_project(60))
    cut = e.SplitClip(30, "right").apply(before)
    assert recipe_runs(cut) == recipe_runs(before)
    moved = e.ReorderClip("right", 0).apply(cut)
    keys = {run.recipe.key for run in recipe_runs(moved) if run.recipe.ops}
    assert keys == {run.recipe.key for run in recipe_runs(before) if run.recipe.ops}


def test_removed_frames_leave_bare_runs_on_both_sides():
    project = e.ExtractRange(Range(20, 30)).apply(one_source_project(60))
    assert [(r.timeline_range, r.recipe.base) for r in recipe_runs(project)] == [
        (Range(0, 20), SourceBase("s", 0)),
        (Range(20, 50), SourceBase("s", 30)),
    ]
    assert rendered_ranges(project) == ()


def test_soft_captions_re_encode_nothing_and_burned_ones_their_frames():
    from engine.model.captions import Caption

    place = AtSource("s", Fraction(1, 2), Fraction(1))
    project = e.AddItems("captions", (Caption("c", place, "Hello"),)).apply(one_source_project(60))
    assert rendered_ranges(project) == (Range(15, 30),)
    assert isinstance(recipe_runs(project)[1].recipe.ops[0], CaptionOp)
    soft = e.ChangeLayer("captions", LayerSettings("Captions", captions=CaptionMode.SOFT)).apply(project)
    assert rendered_ranges(soft) == ()


def test_a_background_waits_for_a_subject_to_stand_before_it():
    project = one_source_project(60)
    project = e.AddLayer("bg", LayerKind.BACKGROUND, LayerSettings("Background"), 0).apply(project)
    project = e.AddLayer("fg", LayerKind.SUBJECT, LayerSettings("Subject"), 1).apply(project)
    project = e.AddItems("bg", (Overlay("flat", OnTimeline(Range(0, 60)), Flat(BLACK)),)).apply(project)
    assert rendered_ranges(project) == ()
    subject = Subject("me", "s", Range(20, 40), DrawnMatte(Box(0.2, 0.2, 0.8, 0.8), 20))
    project = e.AddItems("fg", (subject,)).apply(project)
    assert rendered_ranges(project) == (Range(20, 40),)
    assert [type(op) for op in recipe_runs(project)[1].recipe.ops] == [OverlayOp, SubjectOp]


def test_an_animated_overlay_is_another_recipe_on_every_frame_of_one_run():
    fade = Curve((Keyframe(0, 0.0), Keyframe(10, 1.0)))
    item = Overlay("logo", OnTimeline(Range(20, 40)), Still("x"), opacity=fade)
    project = e.AddItems("overlays", (item,)).apply(one_source_project(60))
    runs = recipe_runs(project)
    assert [run.timeline_range for run in runs] == [Range(0, 20), Range(20, 40), Range(40, 60)]
    assert runs[1].recipe.advanced(5).ops[0].opacity == fade.shifted(-5)
    later = e.ReplaceItem(replace(item, place=OnTimeline(Range(21, 41)))).apply(project)
    assert changed_ranges(project, later) == (Range(20, 41),)


def test_another_canvas_places_every_frame():
    project = one_source_project(60)
    wide = e.SetCanvas(replace(project.canvas, width=128)).apply(project)
    assert changed_ranges(project, wide) == (Range(0, 60),)
    assert rendered_ranges(wide) == (Range(0, 60),)


def test_a_conformed_clip_says_which_source_frame_each_of_its_frames_shows():
    project = e.AddSource(source("b", 25, Fraction(25))).apply(one_source_project(30))
    project = e.AppendClip(Clip("conformed", "b", Conformed(Fraction(0), 30))).apply(project)
    run = recipe_runs(project)[1]
    times = project.picture("b").times
    shown = [base_frame(run.recipe.base, at, times) for at in range(30)]
    assert shown == [TimelineMap(project).source_at(30 + at).frame for at in range(30)]
    assert shown == [(2 * at + 1) * 25 // 60 for at in range(30)]
    assert not run.recipe.is_bare
