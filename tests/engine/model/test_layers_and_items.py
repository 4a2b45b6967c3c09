"""Layers and their versions, patches and their takes, animated values, and sources that come, go and change."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EditRefused
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.changes import changed_ranges
from engine.model.checks import check
from engine.model.frame_index import FrameIndex
from engine.model.geometry import Crop, Geometry
from engine.model.keyframes import Bezier, Curve, Ease, Keyframe, shifted, value_at
from engine.model.layers import LayerKind, LayerSettings, differences
from engine.model.media import AudioStream, Colour, MediaInfo, VideoStream
from engine.model.overlay import Film, Overlay, Still
from engine.model.patch import Follow, Motion, Patch, ReviewState, Take
from engine.model.place import AtSource, AtTimeline, OnSource, OnTimeline
from engine.model.project import Canvas, Project
from engine.model.region import Box, Ellipse, Lasso, Polygon
from engine.model.sound import AtTime, AudioItem, GainPoint
from engine.model.source import EvenTimes, ListedTimes, Source, source_from_media
from engine.model.storyline import Clip, Native
from engine.model.subject import DrawnMatte, FilmMatte, Subject
from engine.model.time import Range
from engine.model.tool import Blur, Clone, Fill, Grade, Pixelate, Rgb
from tests.projects import edited_projects, one_source_project, patch, source


def with_title(**fields):
    item = Overlay("t", OnTimeline(Range(10, 20)), Still("x"), **fields)
    return e.AddItems("overlays", (item,)).apply(one_source_project(60))


# --- layers ----------------------------------------------------------------------------------------------------------


def test_a_version_comes_back_and_what_it_replaces_is_kept():
    project = e.SaveVersion("overlays", "v1", "With title").apply(with_title())
    changed = e.RemoveItems(("t",)).apply(project)
    back = e.RestoreVersion("overlays", "v1", "saved").apply(changed)
    assert back.layer("overlays").items == project.layer("overlays").items
    assert [(v.id, v.name) for v in back.layer("overlays").versions] == [
        ("v1", "With title"),
        ("saved", "Before With title"),
    ]
    again = e.RestoreVersion("overlays", "saved", "unused").apply(back)
    assert again.layer("overlays").items == ()
    assert len(again.layer("overlays").versions) == 2
    assert changed_ranges(project, back) == ()


def test_versions_are_compared_renamed_and_dropped():
    project = e.SaveVersion("overlays", "v1", "one").apply(with_title())
    other = Overlay("u", OnTimeline(Range(0, 5)), Still("y"))
    project = e.AddItems("overlays", (other,)).apply(project)
    project = e.ReplaceItem(replace(project.layer("overlays").items[0], opacity=0.5)).apply(project)
    layer = project.layer("overlays")
    found = differences(layer.version("v1").items, layer.items)
    assert (found.added, found.removed, found.changed) == (("u",), (), ("t",))
    assert differences(layer.items, ()).removed == ("t", "u")
    assert differences(layer.items, layer.items[::-1]).changed == ("u", "t")
    project = e.RenameVersion("overlays", "v1", "first").apply(project)
    assert project.layer("overlays").version("v1").name == "first"
    project = e.DropVersion("overlays", "v1").apply(project)
    assert project.layer("overlays").versions == ()
    with pytest.raises(EditRefused, match="no version v1"):
        e.RestoreVersion("overlays", "v1", "x").apply(project)


def test_a_version_that_no_longer_fits_is_refused():
    project = e.AddLayer("more", LayerKind.OVERLAYS, LayerSettings("More")).apply(with_title())
    project = e.SaveVersion("overlays", "v1", "one").apply(project)
    moved = e.MoveItem("t", "more", 0).apply(project)
    with pytest.raises(EditRefused, match="taken"):
        e.RestoreVersion("overlays", "v1", "x").apply(moved)


def test_layers_are_added_moved_and_removed():
    project = e.AddLayer("bg", LayerKind.BACKGROUND, LayerSettings("Background"), 0).apply(with_title())
    assert [layer.id for layer in project.layers] == ["bg", "patches", "overlays", "captions"]
    project = e.MoveLayer("bg", 3).apply(project)
    assert [layer.id for layer in project.layers] == ["patches", "overlays", "captions", "bg"]
    project = e.RemoveLayer("bg").apply(project)
    assert [layer.id for layer in project.layers] == ["patches", "overlays", "captions"]
    for edit in (
        e.AddLayer("patches", LayerKind.PATCHES, LayerSettings("x")),
        e.AddLayer("x", LayerKind.PATCHES, LayerSettings("x"), 9),
        e.MoveLayer("patches", 3),
        e.RemoveLayer("none"),
    ):
        with pytest.raises(EditRefused):
            edit.apply(project)


def test_a_layer_holds_only_its_kind():
    project = with_title()
    with pytest.raises(EditRefused, match="holds captions; it cannot hold Overlay"):
        e.MoveItem("t", "captions", 0).apply(project)
    with pytest.raises(EditRefused, match="cannot hold Caption"):
        e.AddItems("overlays", (Caption("c", AtTimeline(Fraction(0), Fraction(1)), "x"),)).apply(project)
    with pytest.raises(EditRefused, match="holds no patches"):
        e.AddPatch(patch(), "overlays").apply(project)


def test_the_order_of_layers_and_items_is_what_shows():
    project = e.AddPatch(patch(frames=(10, 20))).apply(with_title())
    swapped = e.MoveLayer("patches", 1).apply(project)
    assert changed_ranges(project, swapped) == (Range(10, 20),)
    hidden = e.ChangeLayer("overlays", LayerSettings("Overlays", visible=False)).apply(project)
    assert changed_ranges(project, hidden) == (Range(10, 20),)
    assert changed_ranges(hidden, e.MoveLayer("patches", 1).apply(hidden)) == ()


# --- patches and takes -----------------------------------------------------------------------------------------------


def test_takes_are_added_picked_judged_and_reviewed():
    project = e.AddPatch(patch("p", (10, 20), tool=Blur(4.0))).apply(one_source_project(60))
    more = e.AddTake("p", Take("2", Fill(Rgb(1, 2, 3)))).apply(project)
    shown = next(more.patches)
    assert (shown.pick, shown.tool, shown.state) == ("2", Fill(Rgb(1, 2, 3)), ReviewState.DRAFT)
    back = e.PickTake("p", "1").apply(more)
    assert changed_ranges(project, back) == ()
    none = e.PickTake("p", None).apply(more)
    assert next(none.patches).tool is None
    with pytest.raises(EditRefused, match="no pick to be approved"):
        e.ReviewPatch("p", ReviewState.APPROVED).apply(none)
    judged = e.JudgeTake("p", "2", "red", starred=True, rejected_because="too red").apply(more)
    take = next(judged.patches).picked
    assert (take.name, take.starred, take.rejected_because) == ("red", True, "too red")
    with pytest.raises(EditRefused, match="no take 9"):
        e.JudgeTake("p", "9").apply(more)
    with pytest.raises(EditRefused, match="no take 9 to pick"):
        e.PickTake("p", "9").apply(more)
    with pytest.raises(EditRefused, match="same id"):
        e.AddTake("p", Take("2", Blur())).apply(more)


def test_a_take_may_move_in_its_own_way():
    static = patch("p", (10, 20))
    moving = replace(static, takes=(replace(static.takes[0], motion=Motion(Follow.PLANAR)),))
    assert static.effective_motion.follow is Follow.STATIC
    assert moving.effective_motion.follow is Follow.PLANAR


def test_a_locked_anchor_stays_until_it_is_unlocked():
    project = e.AddPatch(patch("p", (10, 20), anchor_locked=True)).apply(one_source_project(60))
    moved = patch("p", (10, 20), anchor=15, anchor_locked=True)
    with pytest.raises(EditRefused, match="anchor frame 10 is locked"):
        e.ReplacePatch(moved).apply(project)
    assert next(e.ReplacePatch(replace(moved, anchor_locked=False)).apply(project).patches).anchor == 15


BAD_PATCHES = {
    "empty window": ({"frames": Range(10, 10)}, "empty range"),
    "anchor outside": ({"anchor": 30}, "anchor frame 30 lies outside"),
    "feather": ({"feather_px": -1.0}, "feather is -1"),
    "growth": ({"grow_px": 5000.0}, "growth is 5000"),
    "no such pick": ({"pick": "7"}, "no take 7"),
}


@pytest.mark.parametrize(("fields", "message"), BAD_PATCHES.values(), ids=BAD_PATCHES.keys())
def test_a_patch_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(EditRefused, match=message):
        replace(patch("p", (10, 20)), **fields)


def test_a_patch_beyond_the_film_is_refused_with_both_ranges():
    with pytest.raises(EditRefused, match="50:70 reach beyond the source, which has the frames 0:60"):
        e.AddPatch(patch("p", (50, 70))).apply(one_source_project(60))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Blur(0.0),
        lambda: Pixelate(1),
        lambda: Rgb(0, 0, 256),
        lambda: Grade(exposure=9),
        lambda: Clone(),
        lambda: Lasso(((0, 0), (1, 1))),
        lambda: Polygon(((0, 0), (0.5, 0.5), (1, 1))),
        lambda: Polygon(((2, 2), (3, 2), (3, 3))),
        lambda: Ellipse(0.5, 0.5, 0.4, 0.6),
        lambda: Box(0.0, 0.0, float("nan"), 1.0),
        lambda: Box(0.0, 0.0, 99.0, 1.0),
        lambda: Crop(0.5, 0.0, 0.5, 0.0),
        lambda: Geometry(scale=0.0),
        lambda: Curve(()),
        lambda: Curve((Keyframe(1, 0.0), Keyframe(1, 1.0))),
        lambda: Bezier(2, 0, 0, 0),
        lambda: Subject("s", "s", Range(0, 5), DrawnMatte(Box(0, 0, 1, 1), 9)),
        lambda: AtTimeline(Fraction(1), Fraction(1)),
        lambda: OnTimeline(Range(3, 3)),
        lambda: AudioItem("a", "s", AtTime(Fraction(0)), Fraction(0), Fraction(0)),
        lambda: AudioItem("a", "s", AtTime(Fraction(0)), Fraction(0), Fraction(1), fade_in_s=Fraction(2)),
        lambda: AudioItem(
            "a", "s", AtTime(Fraction(0)), Fraction(0), Fraction(1), points=(GainPoint(Fraction(1), 0.0),) * 2
        ),
        lambda: Canvas(8, 8),
        lambda: Canvas(rate=Fraction(0)),
        lambda: EvenTimes(Fraction(0), 0, 1, 1),
    ],
)
def test_values_out_of_bounds_are_refused_when_they_are_made(make):
    with pytest.raises(EditRefused):
        make()


def test_a_figure_of_eight_has_an_area():
    assert Polygon(((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9))).bounds == Box(0.1, 0.1, 0.9, 0.9)


# --- animated values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ease", "quarter", "half"),
    [
        (Ease.HOLD, 0.0, 0.0),
        (Ease.LINEAR, 0.25, 0.5),
        (Ease.IN, 0.0625, 0.25),
        (Ease.OUT, 0.4375, 0.75),
        (Ease.IN_OUT, 0.15625, 0.5),
        (Bezier(1 / 3, 1 / 3, 2 / 3, 2 / 3), 0.25, 0.5),
        (Bezier(0.42, 0.0, 0.58, 1.0), 0.129162, 0.5),
    ],
)
def test_ease_curves(ease, quarter, half):
    curve = Curve((Keyframe(4, 10.0, ease), Keyframe(8, 20.0)))
    assert value_at(curve, 5) == pytest.approx(10 + 10 * quarter, abs=1e-4)
    assert value_at(curve, 6) == pytest.approx(10 + 10 * half, abs=1e-9)
    assert [value_at(curve, at) for at in (-9, 4, 8, 99)] == [10.0, 10.0, 20.0, 20.0]
    assert value_at(3.0, 7) == 3.0


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_a_shifted_value_is_the_same_later(by, at):
    curve = Curve((Keyframe(-3, 0.0, Ease.IN), Keyframe(10, 1.0, Ease.OUT), Keyframe(20, -1.0)))
    assert value_at(shifted(curve, by), at + by) == value_at(curve, at)
    geometry = Geometry(crop=Crop(left=curve.keys[0].value), x=curve)
    assert value_at(geometry.shifted(by).x, at + by) == value_at(curve, at)


# --- sources ---------------------------------------------------------------------------------------------------------


def test_the_first_picture_sets_the_canvas():
    project = e.AddSource(Source("m", "music.mp3")).apply(Project("p"))
    assert project.canvas == Canvas()
    project = e.AddSource(source("a", 10, Fraction(24), 640, 360)).apply(project)
    assert project.canvas == Canvas(640, 360, Fraction(24))
    project = e.AddSource(source("b", 10, Fraction(30), 64, 36)).apply(project)
    assert project.canvas == Canvas(640, 360, Fraction(24))


def test_a_source_in_use_is_not_removed():
    project = e.AddSource(source("b")).apply(one_source_project(60))
    with pytest.raises(EditRefused, match="used in the film"):
        e.RemoveSource("s").apply(project)
    assert len(e.RemoveSource("b").apply(project).sources) == 1
    uses = [
        e.AppendClip(Clip("c", "b", Native(Range(0, 5)))),
        e.AddPatch(patch("p", source_id="b")),
        e.AddItems("overlays", (Overlay("o", OnSource("b", Range(0, 5)), Still("x")),)),
        e.AddItems("overlays", (Overlay("o", OnTimeline(Range(0, 5)), Film("b")),)),
        e.AddItems("captions", (Caption("c", AtSource("b", Fraction(0), Fraction(1)), "x"),)),
    ]
    for use in uses:
        with pytest.raises(EditRefused, match="used in the film"):
            e.RemoveSource("b").apply(use.apply(project))


def test_another_content_makes_patches_stale_and_changes_every_frame():
    project = e.AddPatch(patch("p", state=ReviewState.APPROVED)).apply(one_source_project(60))
    project = e.AddLayer("fg", LayerKind.SUBJECT, LayerSettings("Subject")).apply(project)
    project = e.AddItems("fg", (Subject("me", "s", Range(0, 60), FilmMatte("s")),)).apply(project)
    after = e.ReplaceSource("s", source("s2", 80)).apply(project)
    check(after)
    assert next(after.patches).state is ReviewState.STALE
    assert after.layer("fg").items[0].matte.source_id == "s2"
    assert changed_ranges(project, after) == (Range(0, 60),)
    with pytest.raises(EditRefused, match="reach beyond"):
        e.ReplaceSource("s", source("s2", 30)).apply(project)
    with pytest.raises(EditRefused, match="taken"):
        e.ReplaceSource("s", source("s", 60)).apply(project)


@given(edited_projects(most=8))
def test_every_project_holds_together(project):
    check(project)
    assert isinstance(project.layers[0].items if project.layers else (), tuple)


def media_info(rotation=0):
    video = VideoStream(
        stream=0,
        track_id=1,
        codec="h264",
        codec_tag="avc1",
        profile="High",
        level=40,
        pix_fmt="yuv420p",
        bit_depth=8,
        width=64,
        height=36,
        sar=Fraction(1),
        rotation=rotation,
        field_order="progressive",
        time_base=Fraction(1, 90),
        rate=Fraction(30),
        start_pts=6,
        reorder_depth=0,
        bit_rate=1,
        colour=Colour(primaries=1),
        extradata=b"",
    )
    audio = AudioStream(1, "aac", "LC", 2, "stereo", 48000, Fraction(1, 48000), 24, 1, "eng", "")
    return MediaInfo("/x.mp4", "mov", Fraction(1), 1, False, False, video, (audio,), (), 0, ())


def index(pts, durations):
    pts = np.array(pts, dtype=np.int64)
    order = np.argsort(pts)
    frame_of = np.argsort(order)
    many = np.zeros(len(pts), dtype=np.int64)
    return FrameIndex(
        "h264",
        Fraction(1, 90),
        pts,
        np.sort(pts),
        np.array(durations, dtype=np.int64),
        many,
        many,
        many.astype(np.uint8),
        np.ones(len(pts), dtype=np.bool_),
        many,
        many + 1,
        order.astype(np.int64),
        frame_of.astype(np.int64),
        True,
    )


def test_a_source_is_made_from_what_probing_and_indexing_found():
    even = source_from_media("s", "x.mp4", media_info(), index([6, 15, 9, 12], [3, 3, 3, 3]))
    assert even.picture.times == EvenTimes(Fraction(1, 90), 6, 3, 4)
    assert (even.picture.width, even.picture.height, even.picture.codec) == (64, 36, "h264")
    assert even.sound[0].start_s == Fraction(24, 48000)
    uneven = source_from_media("s", "x.mp4", media_info(90), index([6, 15, 9, 12], [3, 5, 3, 3]))
    assert isinstance(uneven.picture.times, ListedTimes)
    assert uneven.picture.times.time_of(4) == Fraction(20, 90)
    assert (uneven.picture.width, uneven.picture.height) == (36, 64)
    empty = source_from_media("s", "x.mp4", media_info(), index([], []))
    assert empty.frame_count == 0
    with pytest.raises(EditRefused, match="no picture to edit"):
        Project.of_source("p", empty)


def test_a_patch_with_a_tool_has_one_picked_take():
    made = Patch.with_tool("p", "s", Box(0, 0, 1, 1), Range(0, 5), 2, Blur(3.0), 4.0)
    assert (made.tool, made.feather_px, made.shows) == (Blur(3.0), 4.0, True)
