"""Review: linked views, a close-up of the patch, and how sure its following is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.ui.review import ReviewArea
from app.ui.review.follow_strip import _doubtful, _runs
from app.ui.viewer.picture_view import Compare
from engine.model.edits import AddPatch
from engine.model.ids import new_id
from engine.model.patch import Follow, Motion, Patch
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Fill, Rgb
from engine.render.moving import Followed

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def area(stage, qtbot) -> ReviewArea:
    made = ReviewArea(stage.context)
    stage.show(made, 1100, 800)
    qtbot.waitUntil(lambda: made.after.shown_frame == 0)
    return made


def patched(stage, follow=Follow.STATIC) -> Patch:
    source = stage.project.sources[0]
    region = Box(0.25, 0.25, 0.5, 0.5)
    patch = Patch.with_tool(new_id(), source.id, region, Range(10, 20), 12, Fill(Rgb(255, 0, 0)))
    patch = replace(patch, name="Sign", motion=Motion(follow))
    stage.do(AddPatch(patch))
    stage.session.selection.choose(patch.id)
    stage.session.transport.seek(12)
    return patch


def colour(view, x: float, y: float):
    return view.grab().toImage().pixelColor(view.view_map.to_view(x, y).toPoint())


def test_before_after_and_heat_map_show_the_same_frame(stage, area, qtbot):
    patched(stage)
    qtbot.waitUntil(lambda: all(view.shown_frame == 12 for view in (area.before, area.after, area.heat)))
    qtbot.waitUntil(lambda: colour(area.after, 0.4, 0.4).red() > 200 and colour(area.after, 0.4, 0.4).green() < 60)
    assert colour(area.before, 0.4, 0.4) != colour(area.after, 0.4, 0.4)
    qtbot.waitUntil(lambda: colour(area.heat, 0.4, 0.4).lightness() > colour(area.heat, 0.9, 0.9).lightness())


def test_the_close_up_goes_to_the_patch(stage, area, qtbot):
    patched(stage)
    qtbot.waitUntil(lambda: area.near.view_map.zoom is not None)
    assert (area.near.view_map.x, area.near.view_map.y) == pytest.approx((0.375, 0.375), abs=0.01)
    assert area.near.compare is Compare.WIPE


def test_views_move_together_until_the_link_is_broken(stage, area, qtbot):
    area.after.set_zoom(300)
    assert area.before.view_map.zoom == area.heat.view_map.zoom == 3.0
    assert area.near.view_map.zoom is None
    stage.run("review.link")
    area.after.set_zoom(100)
    assert area.before.view_map.zoom == 3.0


def test_a_wipe_and_flicker_take_the_upper_row(stage, area, qtbot):
    stage.run("review.wipe")
    assert area.large.isVisible()
    assert not area.before.isVisible()
    assert area.large.compare is Compare.WIPE
    stage.run("review.flicker")
    assert area.large.compare is Compare.FLICKER
    stage.run("review.side")
    assert not area.large.isVisible()


def test_the_strip_says_how_it_went_and_a_click_goes_there(stage, area, qtbot):
    patch = patched(stage, Follow.PLANAR)
    strip = area.strip
    qtbot.waitUntil(lambda: stage.session.following.followed(patch.id) is not None, timeout=30_000)
    assert strip._window.text() == "10 frames from 00:00:00:10"
    graph = strip.graph
    QTest.mouseClick(graph, LEFT, NONE, QPoint(round(graph.width() * 0.75), 20))
    assert stage.session.transport.frame == 17
    qtbot.waitUntil(lambda: len([want for want in graph._wants if stage.session.preview.find(want)]) >= 4)


def test_a_new_anchor_is_asked_for_at_the_playhead(stage, area, qtbot):
    patch = patched(stage, Follow.PLANAR)
    stage.session.transport.seek(15)
    qtbot.waitUntil(area.strip.anchor.isEnabled)
    QTest.mouseClick(area.strip.anchor, LEFT)
    assert stage.session.patching.anchor_for == patch.id
    assert stage.heard.said[-1].startswith("Draw the region")
    stage.session.selection.set_region(Box(0.3, 0.3, 0.55, 0.55), 15)
    qtbot.waitUntil(lambda: any(frame == 15 for frame, _ in next(stage.project.patches).motion.anchors), timeout=30_000)


def test_a_patch_that_stays_has_no_further_anchor(stage, area, qtbot):
    patched(stage)
    assert not area.strip.anchor.isEnabled()
    assert area.strip.doubt.text() == ""


def followed(values, lost=()) -> Followed:
    frames = Range(10, 10 + len(values))
    return Followed(frames, frames, tuple(values), tuple(lost), (False, False), None, ())


def test_frames_below_the_line_and_lost_ones_are_to_be_looked_at():
    found = followed([0.9, 0.2, 0.1, 0.9, 0.9, 0.3], (Range(14, 15),))
    assert _doubtful(found) == (Range(11, 13), Range(14, 15))


def test_the_line_has_no_gap_where_its_colour_changes():
    runs = _runs(followed([0.9, 0.8, 0.2, 0.1, 0.7]))
    assert [first for first, _ in runs] == [10, 12, 14]
    assert [values[-1] for _, values in runs] == pytest.approx([0.2, 0.7, 0.7])
    assert np.isclose(runs[1][1][0], 0.2)
