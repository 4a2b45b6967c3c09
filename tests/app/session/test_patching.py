"""From a drawn region to a patch that follows: one undo step, in the background, refusals told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QSize

from app.session.patching import FollowChoice, with_anchor
from app.workflows.patch_tools import ToolSettings
from engine.model.edits import SetInOut
from engine.model.patch import Follow, Nudge, ReviewState, WhenLost
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur, Fill, Pixelate

REGION = Box(0.3, 0.3, 0.6, 0.7)


@pytest.fixture
def patching(stage):
    told = []
    made = stage.session.patching
    made.failed.connect(lambda title, error: told.append((title, str(error))))
    made.told = told
    return made


def draw(stage, frame=20, region=REGION):
    stage.session.selection.set_region(region, frame)


def static(patching, before=None, after=None):
    patching.choose(FollowChoice(Follow.STATIC, before, after))


def patches(stage):
    return list(stage.project.patches)


def test_a_tool_on_a_drawn_region_makes_a_patch_around_its_frame_and_chooses_it(stage, patching):
    static(patching)
    draw(stage)
    assert patching.use_tool("blur") is None, "nothing to wait for"
    (patch,) = patches(stage)
    assert (patch.region, patch.anchor, patch.frames) == (REGION, 20, Range(0, 46))
    assert isinstance(patch.tool, Blur)
    assert (patch.name, patch.state) == ("Blur", ReviewState.PROPOSED)
    assert stage.session.selection.patch == patch
    assert stage.session.selection.region is None


def test_the_window_is_what_was_chosen_else_the_marked_range_and_ends_with_the_film(stage, patching):
    draw(stage, 48)
    shown = patching.anchor_frame()
    assert patching.window(shown) == Range(23, 50)
    patching.choose(FollowChoice(Follow.STATIC, 3, 60))
    assert patching.window(shown) == Range(45, 50)
    patching.choose(FollowChoice(Follow.STATIC))
    stage.do(SetInOut(Range(40, 49)))
    assert patching.window(shown) == Range(40, 49)


def test_a_tool_on_a_chosen_patch_makes_a_further_take_as_one_step(stage, patching, qtbot):
    static(patching)
    draw(stage)
    patching.use_tool("blur")
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    steps = len(stage.session.document.history.done)
    patching.use_tool("pixelate", ToolSettings(block_px=9))
    (patch,) = patches(stage)
    assert [type(take.tool) for take in patch.takes] == [Blur, Pixelate]
    assert patch.picked.tool == Pixelate(9)
    assert patch.picked.provenance.settings == (("block_px", "9"),)
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == steps + 1


def test_a_patch_is_called_as_its_pick_is_in_one_step(stage, patching, qtbot):
    static(patching)
    draw(stage)
    patching.use_tool("blur")
    patching.use_tool("pixelate")
    assert patches(stage)[0].name == "Pixelate"
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    titles = [step.title for step in stage.session.document.history.done]
    assert titles[-2:] == ["Add patch “Blur”", "New take of “Blur”"]
    stage.session.document.undo()
    qtbot.waitUntil(lambda: len(patches(stage)[0].takes) == 1)
    assert patches(stage)[0].name == "Blur"


def test_without_a_region_or_a_patch_it_says_what_to_do(stage, patching):
    assert patching.use_tool("blur") is None
    assert patching.told == [("Blur", "draw a region on the picture first, or choose a patch")]
    draw(stage)
    patching.use_tool("text")
    assert "needs" in patching.told[-1][1]
    assert patches(stage) == []


def test_a_patch_that_follows_is_followed_first_in_a_job_that_can_be_cancelled(stage, patching, qtbot):
    patching.choose(FollowChoice(Follow.PLANAR, 4, 4))
    draw(stage)
    job = patching.use_tool("fill")
    assert job in stage.session.jobs.shown
    assert patches(stage) == [], "nothing is in the film before it is followed"
    with qtbot.waitSignal(patching.made, timeout=20000):
        pass
    (patch,) = patches(stage)
    assert patch.motion.follow is Follow.PLANAR
    assert patch.motion.when_lost is WhenLost.COVER, "what hides something covers more where it is lost"
    following = stage.session.following
    qtbot.waitUntil(lambda: following.followed(patch.id) is not None)
    followed = following.followed(patch.id)
    assert len(followed.confidence) == len(followed.frames)
    draw(stage, 25)
    stage.session.selection.choose()
    again = patching.use_tool("fill")
    again.cancel()
    qtbot.waitUntil(lambda: again.is_over)
    assert len(patches(stage)) == 1


def test_what_a_tool_does_on_its_frame_shows_while_the_others_are_still_followed(stage, patching, qtbot):
    preview = stage.session.preview
    qtbot.waitUntil(lambda: preview.scene is not None, timeout=10000)
    patching.choose(FollowChoice(Follow.HYBRID, 20, 20))
    stage.session.transport.seek(20)
    draw(stage)
    job = patching.use_tool("blur")
    assert not job.is_over
    qtbot.waitUntil(lambda: preview.scene is not None and len(list(preview.scene.project.patches)) == 1, timeout=10000)
    (shown,) = preview.scene.project.patches
    assert (shown.frames, shown.motion.follow) == (Range(20, 21), Follow.STATIC)
    assert patches(stage) == [], "nothing is made yet"
    job.cancel()
    qtbot.waitUntil(lambda: job.is_over, timeout=20000)
    qtbot.waitUntil(lambda: preview.scene.project is stage.project, timeout=10000)


def test_following_another_way_is_a_further_take_of_the_same_tool(stage, patching, qtbot):
    static(patching, 3, 3)
    draw(stage)
    patching.use_tool("fill")
    (patch,) = patches(stage)
    with qtbot.waitSignal(patching.made, timeout=20000):
        patching.follow_as_take(patch, Follow.PLANAR, WhenLost.FADE)
    (patch,) = patches(stage)
    assert [take.motion.follow if take.motion else None for take in patch.takes] == [None, Follow.PLANAR]
    assert isinstance(patch.picked.tool, Fill)


def test_a_region_drawn_for_a_further_anchor_becomes_one(stage, patching, qtbot):
    patching.choose(FollowChoice(Follow.PLANAR, 4, 4))
    draw(stage)
    with qtbot.waitSignal(patching.made, timeout=20000):
        patching.use_tool("fill")
    patching.ask_for_anchor(patches(stage)[0])
    assert patching.anchor_for == patches(stage)[0].id
    other = Box(0.35, 0.3, 0.65, 0.7)
    with qtbot.waitSignal(patching.made, timeout=20000):
        draw(stage, 23, other)
    (patch,) = patches(stage)
    assert patch.motion.anchors == ((23, other),)
    assert patching.anchor_for is None


def test_a_region_drawn_again_where_the_patch_was_nudged_stands_where_it_is_drawn(stage, patching, qtbot):
    static(patching, 5, 5)
    draw(stage)
    patching.use_tool("fill")
    for nudge in (Nudge(20, 0.01), Nudge(22, 0.02), Nudge(24, 0.03)):
        with qtbot.waitSignal(patching.made, timeout=20000):
            patching.nudge(patches(stage)[0], nudge)
    again = with_anchor(patches(stage)[0], 22, Box(0.1, 0.1, 0.4, 0.5))
    assert again.motion.anchors == ((22, Box(0.1, 0.1, 0.4, 0.5)),)
    assert [nudge.frame for nudge in again.motion.nudges] == [20, 24]
    anew = with_anchor(again, 20, Box(0.2, 0.1, 0.4, 0.5))
    assert anew.region == Box(0.2, 0.1, 0.4, 0.5)
    assert [nudge.frame for nudge in anew.motion.nudges] == [24]


def test_a_patch_is_nudged_by_hand_and_ended_at_the_playhead(stage, patching, qtbot):
    static(patching, 5, 5)
    draw(stage)
    patching.use_tool("fill")
    (patch,) = patches(stage)
    with qtbot.waitSignal(patching.made, timeout=20000):
        patching.nudge(patch, Nudge(22, 0.01))
    with qtbot.waitSignal(patching.made, timeout=20000):
        patching.nudge(patches(stage)[0], Nudge(22, 0.02))
    assert patches(stage)[0].motion.nudges == (Nudge(22, 0.02),), "one correction a frame"
    with qtbot.waitSignal(patching.made, timeout=20000):
        patching.end_here(patches(stage)[0], 24)
    assert patches(stage)[0].frames == Range(15, 24)
    patching.end_here(patches(stage)[0], 20)
    assert "anchor" in patching.told[-1][1]


def test_the_edge_of_an_object_is_found_and_makes_an_approved_patch_stale(stage, patching, qtbot):
    static(patching, 1, 1)
    draw(stage)
    patching.use_tool("fill")
    (patch,) = patches(stage)
    with qtbot.waitSignal(patching.made, timeout=20000):
        patching.refine_edge(patch)
    assert patches(stage)[0].matte is not None
    assert patches(stage)[0].state is ReviewState.STALE


def test_pictures_of_takes_come_by_themselves_and_show_the_take(stage, patching, qtbot):
    static(patching, 1, 1)
    draw(stage)
    patching.use_tool("fill")
    (patch,) = patches(stage)
    pictures, size = stage.session.take_pictures, QSize(120, 68)
    assert pictures.find(patch, patch.picked, size) is None
    assert pictures.find(patch, None, size) is None
    with qtbot.waitSignal(pictures.arrived, timeout=10000):
        pass
    qtbot.waitUntil(lambda: pictures.find(patch, None, size) is not None)
    filled, bare = pictures.find(patch, patch.picked, size), pictures.find(patch, None, size)
    assert filled.size().width() >= 120
    assert filled.pixelColor(60, 34).lightness() < 10 < bare.pixelColor(60, 34).lightness()
    hidden = replace(patch, visible=False)
    assert pictures.find(hidden, patch.picked, size) is not None, "a hidden patch's takes can be looked at"


def test_the_picture_of_a_take_that_looks_at_other_frames_waits_until_it_was_followed(stage, patching, qtbot):
    patching.choose(FollowChoice(Follow.PLANAR, 2, 2))
    draw(stage)
    with qtbot.waitSignal(patching.made, timeout=30000):
        patching.use_tool("remove", ToolSettings(reach=4))
    (patch,) = patches(stage)
    assert patch.name == "Removal"
    pictures, size = stage.session.take_pictures, QSize(120, 68)
    qtbot.waitUntil(lambda: pictures.find(patch, patch.picked, size) is not None, timeout=30000)
    qtbot.waitUntil(lambda: pictures.find(patch, None, size) is not None, timeout=10000)
    assert pictures.find(patch, patch.picked, size) != pictures.find(patch, None, size)
