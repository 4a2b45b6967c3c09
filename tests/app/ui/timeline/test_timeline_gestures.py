"""Clips and items under the hand: real presses and drags on a real film, one undo step each."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.session.selection import ToolMode
from app.ui.timeline.content import RowKind
from engine.model import edits as e
from engine.model.layers import LayerKind, LayerSettings
from engine.model.place import OnTimeline
from engine.model.sound import AtTime, AudioItem, TrackSettings
from engine.model.storyline import Clip
from engine.model.time import Range
from tests.app.ui.timeline.hand import (
    ALT,
    CTRL,
    LEFT,
    NONE,
    SHIFT,
    at,
    click,
    drag,
    item,
    move,
    row,
    story,
)

# --- the playhead ----------------------------------------------------------------------------------------------------


def at_row(panel, frame: float, number: int) -> QPoint:
    place = panel.view.layout_of_rows.place(number)
    return QPoint(round(panel.view.scale.x(frame)), place.top + place.height // 2)


def test_dragging_the_ruler_scrubs_and_escape_puts_the_playhead_back(stage, panel):
    viewport = panel.view.viewport()
    QTest.mousePress(viewport, LEFT, NONE, QPoint(125, 10))
    assert stage.session.transport.frame == 12
    move(panel, QPoint(305, 10))
    assert stage.session.transport.frame == 30
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    assert stage.session.transport.frame == 0
    QTest.mouseRelease(viewport, LEFT, NONE, QPoint(305, 10))


def test_the_view_follows_the_playhead_out_of_sight(stage, panel):
    panel.view.set_frames_per_px(1 / 40)
    stage.session.transport.seek(49)
    assert 0 <= panel.view.scale.x(49) < panel.view.viewport().width()


# --- choosing --------------------------------------------------------------------------------------------------------


def test_a_click_chooses_shift_adds_and_a_click_on_nothing_chooses_nothing(stage, panel):
    selection = stage.session.selection
    click(panel, at(panel, 10, RowKind.FILM))
    assert len(selection.items) == 1
    click(panel, at(panel, 30, RowKind.FILM), SHIFT)
    assert selection.items == {stage.project.storyline[0].id, "second"}
    click(panel, at(panel, 70, RowKind.FILM))
    assert selection.items == frozenset()


def test_a_rubber_band_chooses_what_it_touches_and_escape_restores_what_was_chosen(stage, panel):
    selection = stage.session.selection
    selection.choose("mark")
    viewport = panel.view.viewport()
    start, stop = at(panel, 60, RowKind.OVERLAYS, 0.1), at(panel, 23, RowKind.PATCHES, 0.9)
    QTest.mousePress(viewport, LEFT, NONE, start)
    move(panel, stop)
    assert selection.items == {"title", "patch"}
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    assert selection.items == {"mark"}
    QTest.mouseRelease(viewport, LEFT, NONE, stop)


# --- clips -----------------------------------------------------------------------------------------------------------


def test_a_clip_dragged_behind_another_changes_places_in_one_step(stage, panel, qtbot):
    before = story(stage)
    done = len(stage.session.document.history.done)
    first = stage.project.storyline[0].id
    drag(panel, at(panel, 10, RowKind.FILM), at(panel, 31, RowKind.FILM))
    assert [id for id, _ in story(stage)] == ["second", first, "third"]
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == done + 1
    stage.session.document.undo()
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert story(stage) == before


def test_escape_during_a_drag_changes_nothing(stage, panel):
    before = stage.project
    viewport = panel.view.viewport()
    QTest.mousePress(viewport, LEFT, NONE, at(panel, 10, RowKind.FILM))
    move(panel, at(panel, 35, RowKind.FILM))
    assert panel.view.scene().ghosts
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    assert not panel.view.scene().ghosts
    QTest.mouseRelease(viewport, LEFT, NONE, at(panel, 35, RowKind.FILM))
    assert stage.project is before


def test_with_ctrl_a_clip_overwrites_where_it_is_put_and_leaves_a_gap(stage, panel):
    first = stage.project.storyline[0].id
    drag(panel, at(panel, 10, RowKind.FILM), at(panel, 35, RowKind.FILM), CTRL)
    assert [length for _, length in story(stage)] == [20, 5, 20, 5]
    assert [id for id, _ in story(stage)][:3] == ["gap", "second", first]


def test_an_edge_dragged_with_the_select_tool_leaves_a_gap_and_takes_it_back(stage, panel):
    second = at(panel, 39.7, RowKind.FILM)
    drag(panel, second, second - QPoint(50, 0))
    assert story(stage)[1:] == [("second", 15), ("gap", 5), ("third", 10)]
    second = at(panel, 34.7, RowKind.FILM)
    drag(panel, second, second + QPoint(50, 0))
    assert story(stage)[1:] == [("second", 20), ("third", 10)]


def test_an_edge_dragged_with_ctrl_ripples_and_with_alt_rolls(stage, panel):
    edge = at(panel, 39.7, RowKind.FILM)
    drag(panel, edge, edge - QPoint(50, 0), CTRL)
    assert story(stage)[1:] == [("second", 15), ("third", 10)]
    edge = at(panel, 34.7, RowKind.FILM)
    drag(panel, edge, edge - QPoint(30, 0), ALT)
    assert story(stage)[1:] == [("second", 12), ("third", 13)]


def test_an_edge_that_has_nowhere_to_go_says_so(stage, panel):
    before = stage.project
    edge = at(panel, 39.7, RowKind.FILM)
    drag(panel, edge, edge + QPoint(40, 0))
    assert stage.project is before
    assert "hold Ctrl" in stage.heard.said[-1]


def test_the_trim_tool_slips_inside_a_clip_and_slides_it_with_alt(stage, panel):
    stage.session.selection.set_tool(ToolMode.TRIM)
    middle = at(panel, 30, RowKind.FILM)
    drag(panel, middle, middle - QPoint(40, 0))
    second = stage.project.storyline[1]
    assert isinstance(second, Clip)
    assert second.timing.source_range == Range(24, 44)
    drag(panel, middle, middle - QPoint(60, 0), ALT)
    assert [length for _, length in story(stage)] == [14, 20, 16]


def test_the_razor_divides_the_clip_where_it_falls(stage, panel):
    stage.session.selection.set_tool(ToolMode.RAZOR)
    click(panel, at(panel, 27, RowKind.FILM))
    assert [length for _, length in story(stage)] == [20, 7, 13, 10]


def test_edges_snap_to_cuts_and_a_line_shows_where(stage, panel):
    stage.session.settings.set(snapping=True)
    panel.view.set_frames_per_px(0.25)
    panel.view.horizontalScrollBar().setValue(0)
    viewport = panel.view.viewport()
    start = at(panel, 35.8, RowKind.OVERLAYS)
    QTest.mousePress(viewport, LEFT, NONE, start)
    move(panel, start + QPoint(5, 0))
    # Three frames on the edge stands on 39, one frame short of the cut at 40, to which it snaps.
    move(panel, start + QPoint(12, 0))
    assert panel.view.scene().snap_line == 40
    QTest.mouseRelease(viewport, LEFT, NONE, start + QPoint(12, 0))
    assert item(stage, "title").place.frames == Range(30, 40)


# --- items on layers -------------------------------------------------------------------------------------------------


def test_overlays_captions_and_markers_are_dragged_along_the_time(stage, panel):
    drag(panel, at(panel, 33, RowKind.OVERLAYS), at(panel, 13, RowKind.OVERLAYS))
    assert item(stage, "title").place.frames == Range(10, 16)
    frames = panel.view.content.find("said").frames
    drag(panel, at(panel, 7, RowKind.CAPTIONS), at(panel, 17, RowKind.CAPTIONS))
    assert panel.view.content.find("said").frames == frames.shifted(10)
    drag(panel, at(panel, 45.3, RowKind.MARKERS), at(panel, 25.3, RowKind.MARKERS))
    assert stage.project.markers[0].place.frames == Range(25, 26)


def row_of(panel, id: str) -> int:
    return next(number for number, row in enumerate(panel.view.content.rows) if row.id == id)


def test_an_overlay_is_dragged_to_another_layer_of_overlays_and_in_time_in_one_step(stage, panel, qtbot):
    stage.do(e.AddLayer("more", LayerKind.OVERLAYS, LayerSettings("More titles")))
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    steps = len(stage.session.document.history.done)
    place = panel.view.layout_of_rows.place(row_of(panel, "more"))
    start = at_row(panel, 32, row_of(panel, "overlays"))
    drag(panel, start, QPoint(round(panel.view.scale.x(36)), place.top + place.height // 2))
    moved = stage.project.layer("more").item("title")
    assert moved.place == OnTimeline(Range(34, 40))
    assert not stage.project.layer("overlays").items
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == steps + 1


def test_an_overlay_does_not_go_to_a_row_of_another_kind_or_a_locked_one(stage, panel):
    stage.do(e.AddLayer("more", LayerKind.OVERLAYS, LayerSettings("More titles", locked=True)))
    for id in ("more", "captions"):
        start = at_row(panel, 32, row_of(panel, "overlays"))
        drag(panel, start, at_row(panel, 32, row_of(panel, id)))
        assert stage.project.layer("overlays").item("title")


def test_a_comfortable_density_makes_rows_higher(stage, panel, monkeypatch):
    before = panel.view.layout_of_rows.place(row(panel, RowKind.FILM))
    monkeypatch.setattr(type(stage.context.theme), "density_px", 4)
    stage.context.theme.changed.emit()
    after = panel.view.layout_of_rows.place(row(panel, RowKind.FILM))
    assert after.height == before.height + 4


def test_several_chosen_items_move_together_in_one_step(stage, panel, qtbot):
    done = len(stage.session.document.history.done)
    stage.session.selection.choose("title", "mark")
    drag(panel, at(panel, 33, RowKind.OVERLAYS), at(panel, 28, RowKind.OVERLAYS))
    assert item(stage, "title").place.frames == Range(25, 31)
    assert stage.project.markers[0].place.frames == Range(40, 41)
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == done + 1


def test_a_patch_is_shown_longer_by_its_edge_but_never_loses_its_anchor(stage, panel):
    edge = at(panel, 27.7, RowKind.PATCHES)
    drag(panel, edge, edge + QPoint(70, 0))
    assert item(stage, "patch").frames == Range(22, 35)
    edge = at(panel, 22.3, RowKind.PATCHES)
    drag(panel, edge, edge + QPoint(60, 0))
    assert item(stage, "patch").frames == Range(22, 35)
    assert "anchor" in stage.heard.said[-1]


def test_a_captions_edge_changes_its_time(stage, panel):
    edge = at(panel, panel.view.content.find("said").frames.stop - 0.3, RowKind.CAPTIONS)
    drag(panel, edge, edge + QPoint(30, 0))
    rate = stage.project.canvas.rate
    assert item(stage, "said").place.stop_s > Fraction(10, 30) + 2 / rate


def test_what_is_on_a_locked_layer_stays(stage, panel):
    layer = stage.project.layer("overlays")
    stage.do(e.ChangeLayer("overlays", replace(layer.settings, locked=True)))
    before = stage.project
    drag(panel, at(panel, 33, RowKind.OVERLAYS), at(panel, 13, RowKind.OVERLAYS))
    assert stage.project is before
    assert "locked" in stage.heard.said[-1]


# --- sounds ----------------------------------------------------------------------------------------------------------


def test_the_fades_of_a_chosen_sound_are_drawn_out_of_its_upper_corners(stage, panel, qtbot):
    document, rate = stage.session.document, stage.project.canvas.rate
    length_s = Fraction(30) / rate
    music = AudioItem("music", stage.project.sources[0].id, AtTime(Fraction(5) / rate), Fraction(0), length_s)
    stage.do(e.AddTrack("track", TrackSettings("Music")), e.AddSounds("track", (music,)))

    def sound() -> AudioItem:
        (track,) = document.project.tracks
        return track.items[0]

    def corner(frame: float) -> QPoint:
        place = panel.view.layout_of_rows.place(row(panel, RowKind.SOUND))
        return QPoint(round(panel.view.scale.x(frame)), place.top + 4)

    drag(panel, corner(5) + QPoint(2, 0), corner(8))
    assert sound().fade_in_s == 0, "of a sound that is not chosen the edge is caught there"
    document.undo()
    qtbot.waitUntil(lambda: sound() == music)
    stage.session.selection.choose("music")
    plain = panel.view.viewport().grab().toImage()
    drag(panel, corner(5) + QPoint(4, 0), corner(11) + QPoint(4, 0))
    assert float(sound().fade_in_s * rate) == pytest.approx(6, abs=0.3)
    changed = sound()
    document.undo()
    qtbot.waitUntil(lambda: sound() == music)
    document.redo()
    qtbot.waitUntil(lambda: sound() == changed)
    drag(panel, corner(35) - QPoint(4, 0), corner(32) - QPoint(4, 0))
    assert float(sound().fade_out_s * rate) == pytest.approx(3, abs=0.3)
    assert panel.view.viewport().grab().toImage() != plain
    drag(panel, corner(11), corner(60))
    assert sound().fade_in_s == sound().duration_s - sound().fade_out_s, "both fit into it"
    assert (sound().position, sound().duration_s) == (music.position, music.duration_s)
    before = sound()
    place = panel.view.layout_of_rows.place(row(panel, RowKind.SOUND))
    low = QPoint(0, place.height - 8)
    drag(panel, corner(35) - QPoint(2, 0) + low, corner(33) + low)
    assert sound().duration_s < before.duration_s, "the edge is caught below the knob"
